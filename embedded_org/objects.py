"""Objects and fields of the org: what describe says, and the rows in an in-memory database.

Put the schema and the storage here. Queries are `soql`, the wire is `server`.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

Row = Mapping[str, object]

PREFIXES = {
    "Account": "001",
    "User": "005",
    "Opportunity": "006",
    "OpportunityHistory": "008",
    "OpportunityFieldHistory": "017",
    "Organization": "00D",
    "UserRole": "00E",
    "OpportunityStage": "01J",
    "CurrencyType": "01L",
    "DatedConversionRate": "04w",
    "OpportunitySplit": "1JX",
    "OpportunitySplitType": "149",
    "ForecastingQuota": "0J9",
    "ForecastingType": "0Db",
    "ForecastingSubmission": "1tS",
    "ForecastingSubmissionItem": "1tI",
    "RecordType": "012",
    "Period": "026",
    "FiscalYearSettings": "022",
    "Group": "00G",
}
BOOLEANS = {
    "IsDeleted",
    "IsClosed",
    "IsWon",
    "IsActive",
    "IsSandbox",
    "ForecastEnabled",
    "IsPrivate",
    "IsCorporate",
    "UsesStartDateAsFiscalYearName",
    "IsPriorityRecord",
    "IsAmount",
    "IsQuantity",
    "IsTotalValidated",
    "IsStandardYear",
    "IsForecastPeriod",
}
DATETIMES = {
    "CreatedDate",
    "LastModifiedDate",
    "SystemModstamp",
    "LastStageChangeDate",
    "SubmissionDateTime",
    "TrialExpirationDate",
}
DATES = {
    "CloseDate",
    "StartDate",
    "NextStartDate",
    "EndDate",
    "LastActivityDate",
    "PeriodStartDate",
    "Service_Start__c",
    "Service_End__c",
}
CURRENCIES = {"Amount", "ExpectedRevenue", "PrevAmount", "SplitAmount", "QuotaAmount"}
PERCENTS = {"Probability", "DefaultProbability", "SplitPercentage"}
DOUBLES = {"ConversionRate", "TotalOpportunityQuantity", "Effort_Days__c"}
INTEGERS = {
    "SortOrder",
    "FiscalYearStartMonth",
    "PushCount",
    "DecimalPlaces",
    "FiscalYear",
    "FiscalQuarter",
    "Number",
}
PICKLISTS = {
    "StageName",
    "ForecastCategoryName",
    "ForecastCategory",
    "ForecastingItemCategory",
    "LeadSource",
    "Service_Line__c",
    "Type",
    "Industry",
    "Field",
    "CurrencyIsoCode",
}
REFERENCES = {
    "OwnerId": ("User", "Owner"),
    "AccountId": ("Account", "Account"),
    "CreatedById": ("User", "CreatedBy"),
    "LastModifiedById": ("User", "LastModifiedBy"),
    "OpportunityId": ("Opportunity", "Opportunity"),
    "SplitOwnerId": ("User", "SplitOwner"),
    "SplitTypeId": ("OpportunitySplitType", "SplitType"),
    "QuotaOwnerId": ("User", "QuotaOwner"),
    "ForecastingTypeId": ("ForecastingType", "ForecastingType"),
    "ForecastingSubmissionId": ("ForecastingSubmission", "ForecastingSubmission"),
    "ForecastOwnerId": ("User", "ForecastOwner"),
    "PeriodId": ("Period", "Period"),
    "RecordTypeId": ("RecordType", "RecordType"),
    "UserRoleId": ("UserRole", "UserRole"),
    "ManagerId": ("User", "Manager"),
    "ParentRoleId": ("UserRole", "ParentRole"),
}
UNFILTERABLE = {"OldValue", "NewValue"}
NUMBERS = {"currency", "percent", "double"}
# The weekly export writes a blank for the T, and no zone: it is UTC.
INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)?")
DAY = re.compile(r"(\d{4}-\d\d-\d\d)( 00:00:00)?")
FLAGS = {"true": 1, "1": 1, "false": 0, "0": 0}


@dataclass(frozen=True)
class Field:
    """One field as describe shows it."""

    name: str
    kind: str
    refers_to: str | None = None
    relationship: str | None = None

    def describe(self) -> dict[str, object]:
        """Return the describe entry."""
        is_number = self.kind in NUMBERS
        return {
            "name": self.name,
            "label": self.name,
            "type": self.kind,
            "length": 0 if is_number else 255,
            "precision": 18 if is_number else 0,
            "scale": 2 if is_number else 0,
            "digits": 0,
            "nillable": self.name != "Id",
            "filterable": self.name not in UNFILTERABLE,
            "sortable": True,
            "groupable": not is_number,
            "aggregatable": True,
            "calculated": False,
            "calculatedFormula": None,
            "compoundFieldName": None,
            "createable": False,
            "updateable": False,
            "custom": self.name.endswith("__c"),
            "defaultValue": None,
            "picklistValues": [],
            "referenceTo": [self.refers_to] if self.refers_to else [],
            "relationshipName": self.relationship,
            "restrictedPicklist": False,
            "soapType": f"xsd:{self.kind}",
            "unique": self.name == "Id",
            "externalId": False,
            "autoNumber": False,
        }


def field_of(object_name: str, name: str) -> Field:
    """Return a field by its name: standard fields have their standard type, others are text."""
    if name == "Id":
        return Field(name, "id")
    if name in REFERENCES:
        target, relationship = REFERENCES[name]
        return Field(name, "reference", target, relationship)
    kinds = {
        "boolean": BOOLEANS,
        "datetime": DATETIMES,
        "date": DATES,
        "currency": CURRENCIES,
        "percent": PERCENTS,
        "double": DOUBLES,
        "int": INTEGERS,
        "picklist": PICKLISTS,
    }
    if object_name == "OpportunityFieldHistory" and name in UNFILTERABLE:
        return Field(name, "anyType")
    return Field(name, next((kind for kind, names in kinds.items() if name in names), "string"))


@dataclass
class SObject:
    """One object: its fields in order, and what a user may not see."""

    name: str
    fields: list[Field]
    hidden: set[str] = field(default_factory=set)

    def visible(self) -> list[Field]:
        """Return the fields that describe lists and queries may name."""
        return [each for each in self.fields if each.name not in self.hidden]

    def find(self, name: str) -> Field | None:
        """Return a visible field, whatever the case of its name."""
        return next((each for each in self.visible() if each.name.lower() == name.lower()), None)

    def relationship(self, name: str) -> Field | None:
        """Return the reference field behind a relationship name."""
        return next(
            (each for each in self.visible() if (each.relationship or "").lower() == name.lower()),
            None,
        )

    def describe(self, version: str) -> dict[str, object]:
        """Return the describe answer."""
        return {
            **self.summary(version),
            "fields": [each.describe() for each in self.visible()],
            "childRelationships": [],
            "recordTypeInfos": [],
        }

    def summary(self, version: str) -> dict[str, object]:
        """Return the entry in the list of objects."""
        base = f"/services/data/v{version}/sobjects/{self.name}"
        return {
            "name": self.name,
            "label": self.name,
            "keyPrefix": PREFIXES.get(self.name),
            "queryable": True,
            "replicateable": self.find("SystemModstamp") is not None,
            "retrieveable": True,
            "custom": self.name.endswith("__c"),
            "urls": {
                "sobject": base,
                "describe": f"{base}/describe",
                "rowTemplate": f"{base}/{{ID}}",
            },
        }


class Org:
    """Objects and their rows, as they are now; safe to read and to change from several threads.

    `now` is the org's clock: changes are stamped with it.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Start empty."""
        self.objects: dict[str, SObject] = {}
        self.now = now
        self.purged: dict[str, list[tuple[str, str]]] = {}
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        self._database.create_function("soql_like", 2, _like, deterministic=True)
        self._lock = threading.Lock()

    def add(
        self,
        name: str,
        field_names: Sequence[str],
        rows: Iterable[Row],
        numeric: Collection[str] = (),
    ) -> None:
        """Add an object with its rows; values are text as CSV and JSON write them, or Python values.

        `numeric` names custom fields that hold amounts; other custom fields are text.
        """
        fields = [
            Field(each, "currency") if each in numeric else field_of(name, each)
            for each in field_names
        ]
        if name == "Organization":
            # Another start is another instance: nothing says that its records continue those of the
            # last one.
            instance = f"LOCAL-{secrets.token_hex(4)}"
            fields = [
                *(each for each in fields if each.name != "InstanceName"),
                Field("InstanceName", "string"),
            ]
            rows = [{**row, "InstanceName": instance} for row in rows]
        self.objects[name] = SObject(name, fields)
        listed = ", ".join(f'"{each.name}" {_affinity(each.kind)}' for each in fields)
        places = ", ".join("?" for _ in fields)
        with self._lock:
            self._database.execute(f'CREATE TABLE "{name}" ({listed})')
            self._database.executemany(
                f'INSERT INTO "{name}" VALUES ({places})',  # noqa: S608  # names are ours
                ([stored(row.get(each.name), each.kind) for each in fields] for row in rows),
            )
            self._database.execute(f'CREATE INDEX "by_id_{name}" ON "{name}" ("Id")')

    def find(self, name: str) -> SObject | None:
        """Return an object, whatever the case of its name."""
        return next(
            (each for key, each in self.objects.items() if key.lower() == name.lower()), None
        )

    def run(self, sql: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Run a statement and return all rows."""
        with self._lock:
            return self._database.execute(sql, values).fetchall()

    # --- what people do to records

    def save(self, name: str, record_id: str, **values: object) -> None:
        """Create or change a record, stamped with the org's clock unless the values say otherwise."""
        fields = {each.name: each for each in self.objects[name].fields}
        stamps: dict[str, object] = {
            each: self.stamp() for each in ("SystemModstamp", "LastModifiedDate") if each in fields
        }
        exists = self.run(f'SELECT 1 FROM "{name}" WHERE "Id" = ?', [record_id])  # noqa: S608  # names are ours
        if not exists:
            if "CreatedDate" in fields:
                stamps["CreatedDate"] = self.stamp()
            if "IsDeleted" in fields:
                stamps["IsDeleted"] = False
        changed = {key: stored(value, fields[key].kind) for key, value in (stamps | values).items()}
        if exists:
            listed = ", ".join(f'"{key}" = ?' for key in changed)
            self.run(f'UPDATE "{name}" SET {listed} WHERE "Id" = ?', [*changed.values(), record_id])  # noqa: S608  # names are ours
        else:
            listed, places = (
                ", ".join(f'"{key}"' for key in ("Id", *changed)),
                ", ".join("?" for _ in range(len(changed) + 1)),
            )
            self.run(
                f'INSERT INTO "{name}" ({listed}) VALUES ({places})',  # noqa: S608
                [record_id, *changed.values()],
            )  # names are ours

    def delete(self, name: str, record_id: str) -> None:
        """Move a record to the recycle bin."""
        self.save(name, record_id, IsDeleted=True)

    def purge(self, name: str, record_id: str, *, is_logged: bool = True) -> None:
        """Take a record away for good, its children too; the log of deletions may have been cleared since."""
        for child in (
            each
            for each in self.objects.values()
            if name == "Opportunity" and each.find("OpportunityId")
        ):
            self.run(f'DELETE FROM "{child.name}" WHERE "OpportunityId" = ?', [record_id])  # noqa: S608  # names are ours
        self.run(f'DELETE FROM "{name}" WHERE "Id" = ?', [record_id])  # noqa: S608  # names are ours
        if is_logged:
            self.purged.setdefault(name, []).append((record_id, self.stamp()))

    def stamp(self) -> str:
        """Return the org's clock as instants are stored."""
        return instant_text(self.now().astimezone(UTC).isoformat(timespec="milliseconds"))

    # --- what administrators do to objects

    def hide(self, object_name: str, field_name: str) -> None:
        """Take a field away from the user, as field-level security does."""
        self.objects[object_name].hidden.add(field_name)

    def show(self, object_name: str, field_name: str) -> None:
        """Give a hidden field back."""
        self.objects[object_name].hidden.discard(field_name)

    def add_field(self, object_name: str, name: str, kind: str) -> None:
        """Add a field, empty in every record."""
        self.run(f'ALTER TABLE "{object_name}" ADD COLUMN "{name}" {_affinity(kind)}')
        self.objects[object_name].fields.append(Field(name, kind))

    def rename_field(self, object_name: str, name: str, new_name: str) -> None:
        """Give a field another API name."""
        entity = self.objects[object_name]
        self.run(f'ALTER TABLE "{object_name}" RENAME COLUMN "{name}" TO "{new_name}"')
        entity.fields = [
            replace(each, name=new_name) if each.name == name else each for each in entity.fields
        ]

    def retype(self, object_name: str, name: str, kind: str) -> None:
        """Give a field another type."""
        entity = self.objects[object_name]
        entity.fields = [
            replace(each, kind=kind) if each.name == name else each for each in entity.fields
        ]


def stored(value: object, kind: str) -> object:
    """Return the value as the database keeps it, of the spellings of the API and of the weekly export.

    Raises `ValueError` for a text that is none of its kind.
    """
    if value is None or value == "":
        return None
    readers: dict[str, Callable[[str], object]] = {
        "boolean": _flag,
        "int": lambda text: int(float(text)),
        "datetime": instant_text,
        "date": _day_text,
        **dict.fromkeys(NUMBERS, float),
    }
    return readers.get(kind, str)(str(value))


def _flag(text: str) -> int:
    found = FLAGS.get(text.strip().lower())
    if found is None:
        raise ValueError(f"neither true nor false: {text[:40]!r}")
    return found


def _day_text(text: str) -> str:
    found = DAY.fullmatch(text)
    if not found:
        raise ValueError(f"not a date: {text[:40]!r}")
    return found[1]


def instant_text(text: str) -> str:
    """Return an instant as `2024-01-31T10:00:00.000Z`, so that text order is time order."""
    found = INSTANT.fullmatch(text)
    if not found:
        raise ValueError(f"not an instant: {text[:40]!r}")
    zone = (found[4] or "Z").replace("Z", "+00:00")
    moment = datetime.fromisoformat(f"{found[1]}T{found[2]}{zone}").astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + (found[3] or ".000")[1:4].ljust(3, "0") + "Z"


def json_value(value: object, kind: str) -> object:
    """Return a stored value as REST writes it."""
    if value is None:
        return None
    if kind == "boolean":
        return bool(value)
    if kind == "datetime":
        return str(value).replace("Z", "+0000")
    return value


def csv_value(value: object, kind: str) -> str:
    """Return a stored value as Bulk writes it."""
    if value is None:
        return ""
    if kind == "boolean":
        return "true" if value else "false"
    return str(value)


def _affinity(kind: str) -> str:
    return "REAL" if kind in NUMBERS else "INTEGER" if kind in {"boolean", "int"} else "TEXT"


def _like(pattern: str | None, text: str | None) -> bool:
    if pattern is None or text is None:
        return False
    escaped = re.escape(pattern).replace("%", ".*").replace("_", ".")
    return re.fullmatch(escaped, text, re.IGNORECASE | re.DOTALL) is not None
