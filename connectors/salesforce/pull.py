"""Reading an organisation into raw tables: whole at first, then only what changed.

Put what is read when, and how it becomes an extract, here. How one object is read is
`reader`; names and types are `schema`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import cast

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandera.typing import DataFrame

from connectors.salesforce import cells, objects, schema
from connectors.salesforce.auth import Login
from connectors.salesforce.objects import LARGE, SMALL, SOFT_DELETED
from connectors.salesforce.reader import ObjectReader, soql_instant
from connectors.salesforce.refusals import RequestRefused
from connectors.salesforce.session import TOLERATED_SKEW, Call, Progress, SalesforceSession
from connectors.salesforce.small_objects import describe, rate_table, read_small, stage_table
from connectors.salesforce.source import ExtractFinding, FieldTypes, ObjectSource, Source
from connectors.storage.extract_record import ExtractRecord, PullState, Watermark
from connectors.storage.extracts import ExtractStore
from connectors.storage.pull_checkpoint import Reading, Slice, UnfinishedPull
from sales import arrow as columns
from sales.contracts.contract import checked, column_names, empty
from sales.contracts.raw import RAW, RawQuotas, RawRoles, RawUsers
from sales.errors import UserError
from sales.history.extract import defaults_of
from sales.policy.rules import CustomFields, OrganizationDefaults

# Records that are saved while we read may become visible a little late, and out of order.
NO_CUSTOM_FIELDS = CustomFields()
SAFETY_LAG, OVERLAP = timedelta(seconds=60), timedelta(minutes=10)
WHOLE_AGAIN, COMPARE_AGAIN = timedelta(days=30), timedelta(days=7)
DELETIONS_KEPT = timedelta(days=14)  # Salesforce says 15 days, and may clear its log earlier
JOBS_KEPT = timedelta(days=6)  # a day less than Salesforce keeps a finished job
VANISHED_AT_MOST, VANISHED_SHARE = 25, 0.05
FEW_ROWS = 50_000


class VanishedRecords(UserError, RuntimeError):
    """Many records can no longer be seen, and Salesforce does not say that they were deleted."""


@dataclass(frozen=True)
class PullPreview:
    """What is known before records are read: settings, people, quotas, and when the first opportunity was created."""

    defaults: OrganizationDefaults
    users: DataFrame[RawUsers]
    roles: DataFrame[RawRoles]
    quotas: DataFrame[RawQuotas]
    first_created: datetime | None
    reaches_to: datetime


@dataclass
class _Plan:
    """One pull: what it starts from and how each object is read."""

    base: ExtractRecord | None
    unfinished: UnfinishedPull
    types: dict[str, FieldTypes | None]
    sources: dict[str, ObjectSource]
    seen: dict[str, list[Source]]
    whole: set[str]
    compared: set[str]
    findings: list[ExtractFinding]
    dead: dict[str, dict[str, datetime]] = field(default_factory=dict)


class SalesforceClient:
    """Reads an organisation; a new connection for each pull."""

    def __init__(
        self, login: Login, *, connect: Callable[[Login], SalesforceSession] = SalesforceSession
    ) -> None:
        """Remember where to ask; nothing is sent yet."""
        self.login = login
        self._connect = connect

    def connected(self) -> SalesforceSession:
        """Log in."""
        return self._connect(self.login)

    def organization(self) -> OrganizationDefaults:
        """Return what the organisation says of itself, without reading anything else."""
        session = self.connected()
        sources = (objects.ORGANIZATION, objects.CURRENCIES, objects.PERIODS)
        types = describe(session, sources)
        small = read_small(
            session,
            {
                source.object_name: schema.visible(source, types[source.object_name], [])
                for source in sources
            },
        )
        return defaults_of(small["raw_organization"], small["Period"])

    def pull(
        self,
        store: ExtractStore,
        source: str,
        progress: Progress = lambda _: None,
        *,
        approve: Callable[[PullPreview], None] = lambda _: None,
        custom: CustomFields = NO_CUSTOM_FIELDS,
        accepts_vanished: bool = False,
    ) -> ExtractRecord:
        """Read what changed since the last extract (everything at first) and store it as a new one.

        `approve` sees the little that says whether a month can be computed at all, and may raise
        before anything is read or stored. What a pull has read survives its end, however it
        ends: the next one goes on there. Raises when a table would be wrong or incomplete; what
        was stored before stays.
        """
        session = self.connected()
        pull = _Pull(session, store, source, progress, custom, accepts_vanished=accepts_vanished)
        record = pull.run(approve)
        if (
            pull.is_resumed and session.now - record.extracted_at > OVERLAP
        ):  # what happened since the pull that was left unfinished
            record = _Pull(
                session, store, source, progress, custom, accepts_vanished=accepts_vanished
            ).run(approve)
        return record


class _Pull:
    """One reading of an organisation."""

    def __init__(
        self,
        session: SalesforceSession,
        store: ExtractStore,
        source: str,
        progress: Progress,
        custom: CustomFields,
        *,
        accepts_vanished: bool,
    ) -> None:
        self.session, self.store, self.source, self.progress = session, store, source, progress
        self.custom, self.accepts_vanished = custom, accepts_vanished
        self.is_resumed = False
        self.deleted_to: dict[str, datetime] = {}
        self.sources = {each.object_name: each.with_custom(custom) for each in (*SMALL, *LARGE)}

    def run(self, approve: Callable[[PullPreview], None]) -> ExtractRecord:
        began = self.session.now - SAFETY_LAG
        findings: list[ExtractFinding] = []
        types = describe(self.session, self.sources.values())
        seen = {
            name: schema.visible(source, types[name], findings)
            for name, source in self.sources.items()
        }
        small = read_small(
            self.session, {each.object_name: seen[each.object_name] for each in SMALL}
        )
        organization_id = str(small["Organization"]["organization_id"].iloc[0])
        self.store.refuse_another(organization_id)
        approve(self._outlook(small, began))
        with self.store.alone(self.progress):
            instance = str(small["Organization"]["instance"].iloc[0] or "")
            base = self._base(instance)
            findings += _clock(self.session)
            if base:
                findings += schema.drift(base.pull.fields, types, self.sources.values())
            plan = self._plan(base, began, (organization_id, instance), types, seen, findings)
            reader = ObjectReader(
                self.session, self.store.checkpoint, plan.unfinished, self.progress
            )
            try:
                self._read(plan, reader)
            except BaseException:
                reader.abandon()
                raise
            try:
                record = self._store(plan, small, instance)
            except VanishedRecords:
                self.store.checkpoint.discard()  # once the permission is repaired, everything has to be looked at again
                raise
            self.store.checkpoint.discard()
            self.store.vacuum(record.extracted_at)
        return record

    def _outlook(self, small: dict[str, pd.DataFrame], began: datetime) -> PullPreview:
        oldest = self.session.records(
            "SELECT MIN(CreatedDate) oldest FROM Opportunity", what="find the first opportunity"
        )[0]["oldest"]
        return PullPreview(
            defaults_of(small["raw_organization"], small["Period"]),
            cast("DataFrame[RawUsers]", small["User"]),
            cast("DataFrame[RawRoles]", small["UserRole"]),
            cast("DataFrame[RawQuotas]", small["raw_quotas"]),
            datetime.fromisoformat(oldest) if oldest else None,
            began,
        )

    # --- what to read

    def _base(self, instance: str) -> ExtractRecord | None:
        base = self.store.latest()
        if base is None or not base.pull.watermarks:
            return None
        if self.session.login.local_url and base.pull.instance != instance:
            return None  # an org on this machine that was started again is another org
        return base

    def _plan(
        self,
        base: ExtractRecord | None,
        began: datetime,
        place: tuple[str, str],
        types: dict[str, FieldTypes | None],
        seen: dict[str, list[Source]],
        findings: list[ExtractFinding],
    ) -> _Plan:
        organization_id, instance = place
        whole = {
            each.object_name
            for each in LARGE
            if self._must_read_whole(base, each, types, instance, began)
        }
        compared = {
            each.object_name
            for each in SOFT_DELETED
            if base
            and types[each.object_name]
            and each.object_name not in whole
            and began - base.pull.watermarks[each.object_name].compared_at > COMPARE_AGAIN
        }
        dead = self._deletions(base, compared, whole, types) if base else {}
        fields = {name: [each.field for each in sources] for name, sources in seen.items()}
        signature = _digest(
            [
                base.extract_id if base else "",
                organization_id,
                instance,
                self.session.version,
                self.session.login.identity,
                fields,
                sorted(whole),
                sorted(compared),
            ]
        )
        unfinished = self.store.checkpoint.load()
        if unfinished and (
            unfinished.signature != signature or began - unfinished.began_at > JOBS_KEPT
        ):
            ObjectReader(self.session, self.store.checkpoint, unfinished, self.progress).forget(
                unfinished
            )
            self.store.checkpoint.discard()
            unfinished = None
        self.is_resumed = unfinished is not None
        if unfinished:
            self.progress(f"going on with the pull of {unfinished.began_at:%Y-%m-%d %H:%M} UTC")
        else:
            unfinished = UnfinishedPull(began.isoformat(), signature)
            for source in LARGE:
                name = source.object_name
                if not fields[name]:
                    continue
                since = (
                    ""
                    if base is None or name in whole
                    else soql_instant(base.pull.watermarks[name].cursor - OVERLAP)
                )
                unfinished.readings[name] = Reading(
                    name, name, fields[name], source.cursor, source.where, [Slice(0, since)]
                )
                if name in compared:
                    unfinished.readings[f"{name}-ids"] = Reading(
                        f"{name}-ids", name, ["Id"], source.cursor, source.where, [Slice(0)]
                    )
        return _Plan(base, unfinished, types, self.sources, seen, whole, compared, findings, dead)

    def _must_read_whole(
        self,
        base: ExtractRecord | None,
        source: ObjectSource,
        types: dict[str, FieldTypes | None],
        instance: str,
        began: datetime,
    ) -> bool:
        name = source.object_name
        if base is None or name not in base.pull.watermarks or source.table not in base.versions:
            return True
        wanted = {each.field for each in self.sources[name].sources}
        shown = {key: kind for key, kind in (types[name] or {}).items() if key in wanted}
        return (
            shown != base.pull.fields.get(name, {})
            or (name == "Opportunity" and base.pull.amount_field != self.custom.amount)
            or base.pull.instance != instance
            or base.pull.identity != self.session.login.identity
            or began - base.pull.watermarks[name].whole_at > WHOLE_AGAIN
        )

    def _deletions(
        self,
        base: ExtractRecord,
        compared: set[str],
        whole: set[str],
        types: dict[str, FieldTypes | None],
    ) -> dict[str, dict[str, datetime]]:
        """Return when records were deleted, as Salesforce's log says; where it does not reach back far enough, ids are compared."""
        asked: dict[str, Call] = {}
        for name in (each.object_name for each in SOFT_DELETED if types[each.object_name]):
            start = (
                base.pull.watermarks[name].deleted_to - OVERLAP
                if name in base.pull.watermarks
                else None
            )
            if start is None or self.session.now - start > DELETIONS_KEPT:
                compared |= {name} - whole
                continue
            asked[name] = Call(
                f"sobjects/{name}/deleted/",
                {
                    "start": _plus_zero(start),
                    "end": _plus_zero(self.session.now + timedelta(minutes=1)),
                },
            )
        answers = dict(
            zip(
                asked,
                self.session.several(list(asked.values()), what="list deletions"),
                strict=True,
            )
        )
        dead: dict[str, dict[str, datetime]] = {}
        for name, answer in answers.items():
            start = base.pull.watermarks[name].deleted_to - OVERLAP
            if isinstance(answer, RequestRefused) or (
                answer and datetime.fromisoformat(answer["earliestDateAvailable"]) > start
            ):
                compared |= {name} - whole
            if isinstance(answer, UserError) and not isinstance(answer, RequestRefused):
                raise answer
            if not isinstance(answer, Exception):
                self.deleted_to[name] = datetime.fromisoformat(answer["latestDateCovered"])
                dead[name] = {
                    each["id"]: datetime.fromisoformat(each["deletedDate"])
                    for each in answer["deletedRecords"]
                }
        return dead

    # --- reading

    def _read(self, plan: _Plan, reader: ObjectReader) -> None:
        # Opportunities first, their histories after: a change in between is then in the history,
        # and undone from there.
        everything = [each for each in plan.unfinished.readings.values() if not each.is_done]
        records = [each for each in everything if each.object_name == "Opportunity"]
        for readings in (records, [each for each in everything if each not in records]):
            self._read_together(plan, reader, readings)

    def _read_together(self, plan: _Plan, reader: ObjectReader, readings: list[Reading]) -> None:
        calls = {each.name: call for each in readings if (call := reader.first_call(each))}
        answers = dict(
            zip(calls, self.session.several(list(calls.values()), what="read records"), strict=True)
        )
        for reading in readings:
            source, seen = plan.sources[reading.object_name], plan.seen[reading.object_name]
            is_ids = reading.name != reading.object_name
            shape = (
                partial(_ids, source=source)
                if is_ids
                else partial(_shaped, source=source, seen=seen)
            )
            reader.read(reading, shape, answers.get(reading.name))

    # --- storing

    def _store(self, plan: _Plan, small: dict[str, pd.DataFrame], instance: str) -> ExtractRecord:
        extracted_at = plan.unfinished.began_at
        note = {"extracted_at": extracted_at.isoformat(), "signature": plan.unfinished.signature}
        versions: dict[str, int] = {}
        frames, changes = self._small_tables(plan, small)
        plan.findings += changes
        for name, frame in frames.items():
            versions[name] = self.store.raw.write(name, frame, note | {"digest": _digest_of(frame)})
        for source in LARGE:
            versions[source.table] = self._store_large(plan, source, note)
        first, watermarks = plan.unfinished.began_at, dict[str, Watermark]()
        for source in LARGE:
            name = source.object_name
            old = plan.base.pull.watermarks.get(name) if plan.base else None
            is_whole = old is None or name in plan.whole
            watermarks[name] = Watermark(
                cursor=first,
                whole_at=first if is_whole or old is None else old.whole_at,
                deleted_to=min(first, self.deleted_to.get(name, first)),
                compared_at=first
                if is_whole or old is None or name in plan.compared
                else old.compared_at,
            )
        wanted = {
            name: {each.field for each in source.sources} for name, source in plan.sources.items()
        }
        state = PullState(
            how="whole" if plan.base is None else "changes",
            api_version=self.session.version,
            api_usage=self.session.api_usage,
            requests=self.session.requests,
            instance=instance,
            identity=self.session.login.identity,
            amount_field=self.custom.amount,
            service_fields=self.custom.service,
            fields={
                name: {key: kind for key, kind in types.items() if key in wanted[name]}
                for name, types in plan.types.items()
                if types is not None
            },
            watermarks=watermarks,
        )
        findings = [(each.place, each.meaning) for each in plan.findings]
        self.progress(
            f"{self.session.requests} requests, {self.session.api_usage} of the organisation's requests in 24 hours"
        )
        return self.store.add(extracted_at, self.source, versions, findings, state)

    def _store_large(self, plan: _Plan, source: ObjectSource, note: dict[str, str]) -> int:
        name, raw, checkpoint = source.object_name, self.store.raw, self.store.checkpoint
        reading = plan.unfinished.readings.get(name)
        stamp = "modified_at" if "modified_at" in column_names(RAW[source.table]) else "created_at"
        base = plan.base.versions.get(source.table) if plan.base else None
        if reading is None:  # not visible: what was known of it before stays known
            return (
                base
                if base is not None
                else raw.write(source.table, empty(RAW[source.table]), note)
            )
        pages = checkpoint.pages(reading, source.key, stamp)
        if base is None:
            return raw.replace(source.table, pages, note)
        if reading.rows <= FEW_ROWS:
            pages = (raw.changed(source.table, base, page, source.key) for page in pages)
        come = [page for page in pages if page.num_rows] if reading.rows <= FEW_ROWS else pages
        # A whole reading is the truth, also for a record that counted as gone; in a window the
        # newer stamp wins.
        newest = stamp if stamp == "modified_at" and name not in plan.whole else None
        version = (
            raw.merge(source.table, base, iter(come), source.key, newest, note) if come else base
        )
        if source not in SOFT_DELETED:
            return version
        return raw.mark_deleted(
            source.table, version, self._dead(plan, source, base), source.key, note
        )

    def _dead(self, plan: _Plan, source: ObjectSource, base: int) -> pa.Table:
        """Return the records that are gone for good, each with when: by Salesforce's log, else since we looked."""
        name, checkpoint = source.object_name, self.store.checkpoint
        # A record that came and lives was restored since the log named it.
        restored = (
            set(checkpoint.living(plan.unfinished.readings[name], source.key).to_pylist())
            if plan.dead.get(name)
            else set[str]()
        )
        logged = {
            record_id: at
            for record_id, at in plan.dead.get(name, {}).items()
            if record_id not in restored
        }
        gone: dict[str, datetime] = {}
        compared = plan.unfinished.readings.get(name if name in plan.whole else f"{name}-ids")
        living = self.store.raw.living(source.table, base, source.key)
        if compared is not None and (name in plan.whole or name in plan.compared):
            missing = living.filter(
                pc.invert(pc.is_in(living, value_set=checkpoint.ids(compared, source.key)))
            ).to_pylist()
            unexplained = [each for each in missing if each not in logged]
            self._refuse_vanished(name, len(unexplained), len(living))
            gone = dict.fromkeys(unexplained, plan.unfinished.began_at)
            if unexplained:
                plan.findings.append(
                    ExtractFinding(
                        name,
                        f"{len(unexplained):,} records are gone without a trace, such as {unexplained[0]}: they count as deleted when that was found",
                    )
                )
        known = set(
            living.filter(
                pc.is_in(living, value_set=pa.array(list(logged), pa.string()))
            ).to_pylist()
        )
        gone |= {record_id: at for record_id, at in logged.items() if record_id in known}
        return pa.table(
            {
                source.key: pa.array(list(gone), pa.string()),
                "modified_at": pa.array(list(gone.values()), columns.INSTANT),
            }
        )

    def _refuse_vanished(self, name: str, missing: int, living: int) -> None:
        if missing > max(VANISHED_AT_MOST, living * VANISHED_SHARE) and not self.accepts_vanished:
            raise VanishedRecords(
                f"{missing:,} of {living:,} records of {name} can no longer be seen by this user, and Salesforce does not list them as deleted; "
                f"check the user's sharing and permissions, or, if they were deleted, run again with --accept-vanished"
            )

    def _small_tables(
        self, plan: _Plan, small: dict[str, pd.DataFrame]
    ) -> tuple[dict[str, pd.DataFrame], list[ExtractFinding]]:
        stages, findings = self._stages(plan, small["OpportunityStage"])
        rates = rate_table(small["CurrencyType"], small["DatedConversionRate"])
        if plan.base:
            before = set(
                self.store.raw.read("raw_currency_rates", plan.base.versions["raw_currency_rates"])[
                    "currency_code"
                ]
            )
            findings += [
                ExtractFinding("CurrencyType", f"{code} is new since the last reading")
                for code in sorted(set(rates["currency_code"]) - before)
            ]
        tables = {
            "raw_organization": small["raw_organization"],
            "raw_currency_rates": rates,
            "raw_users": small["User"],
            "raw_roles": small["UserRole"],
            "raw_queues": small["Group"],
            "raw_stages": stages,
            "raw_split_types": small["OpportunitySplitType"],
            "raw_record_types": small["raw_record_types"],
            "raw_quotas": small["raw_quotas"],
            "raw_periods": small["Period"],
        }
        return {name: checked(table, RAW[name]) for name, table in tables.items()}, findings

    def _stages(
        self, plan: _Plan, listed: pd.DataFrame
    ) -> tuple[pd.DataFrame, list[ExtractFinding]]:
        """Return what each stage name means; a name that Salesforce lists no more keeps its last known meaning."""
        now = stage_table(listed)
        if plan.base is None:
            return now, []
        before = self.store.frames(plan.base)["raw_stages"] if plan.base else now
        findings: list[ExtractFinding] = []
        unlisted = before.assign(is_listed=columns.series(pa.array([False] * len(before))))
        gone = unlisted.loc[~before["stage_name"].isin(now["stage_name"])]
        for row in gone.loc[columns.booleans(before.loc[gone.index, "is_listed"])].itertuples():
            same = now.loc[now["stage_id"] == row.stage_id, "stage_name"]
            became = f"is called {same.iloc[0]!r} now" if len(same) else "is no longer listed"
            findings.append(
                ExtractFinding(
                    "OpportunityStage",
                    f"stage {str(row.stage_name)[:80]!r} {became}: the old name keeps its meaning for the past",
                )
            )
        both = now.merge(before, on="stage_name", suffixes=("", "_before"))
        changed = both.loc[
            (both["is_won"] != both["is_won_before"])
            | (both["is_closed"] != both["is_closed_before"])
        ]
        findings += [
            ExtractFinding(
                "OpportunityStage",
                f"stage {str(name)[:80]!r} changed its meaning: month ends that were read before keep the old one",
            )
            for name in changed["stage_name"]
        ]
        return pd.concat([now, gone], ignore_index=True), findings


def _shaped(raw: pa.Table, source: ObjectSource, seen: list[Source]) -> pa.Table:
    """Return a page in the columns of its raw table, whose contract it keeps."""
    table = cells.typed(raw, source, seen)
    blank = empty(RAW[source.table])
    names = list(blank.columns)
    for name in set(names) - set(table.column_names):  # a custom field that policy does not ask for
        table = table.append_column(name, pa.nulls(table.num_rows, columns.arrow_type(blank[name])))
    ordered = table.select(names)
    checked(
        columns.frame(
            {name: ordered.column(name).combine_chunks() for name in ordered.column_names}
        ),
        RAW[source.table],
    )
    return ordered


def _ids(raw: pa.Table, source: ObjectSource) -> pa.Table:
    return pa.table({source.key: raw.column("Id")})


def _clock(session: SalesforceSession) -> Iterator[ExtractFinding]:
    if abs(session.clock_skew) > TOLERATED_SKEW:
        ahead = "ahead of" if session.clock_skew > timedelta(0) else "behind"
        yield ExtractFinding(
            "clock",
            f"this machine is {abs(session.clock_skew)} {ahead} Salesforce, whose clock was used; set this machine's clock",
        )


def _plus_zero(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _digest_of(frame: pd.DataFrame) -> str:
    sink = pa.BufferOutputStream()
    table = pa.table({name: columns.arrow(frame[name]) for name in frame.columns})
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return hashlib.sha256(sink.getvalue()).hexdigest()
