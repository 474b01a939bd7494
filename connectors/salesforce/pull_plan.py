"""What a pull reads: which objects whole, which since a cursor, whose ids are compared, and what the log says was deleted.

Put what is read when here; how it is read is `reader`, how it is stored `extract_writer`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from connectors.salesforce.answers import Deletions, expect
from connectors.salesforce.objects import LARGE, SOFT_DELETED
from connectors.salesforce.reader import ObjectReader, soql_instant
from connectors.salesforce.refusals import RequestRefused
from connectors.salesforce.session import Progress, SalesforceSession
from connectors.salesforce.source import ExtractFinding, FieldTypes, ObjectSource, Source
from connectors.salesforce.transport import Call
from connectors.storage.extract_record import ExtractRecord
from connectors.storage.extracts import ExtractStore
from connectors.storage.pull_checkpoint import Reading, Slice, UnfinishedPull
from sales.errors import UserError
from sales.policy.rules import CustomFields

# Records that are saved while we read may become visible a little late, and out of order.
SAFETY_LAG, OVERLAP = timedelta(seconds=60), timedelta(minutes=10)
WHOLE_AGAIN, COMPARE_AGAIN = timedelta(days=30), timedelta(days=7)
DELETIONS_KEPT = timedelta(days=14)  # Salesforce says 15 days, and may clear its log earlier
JOBS_KEPT = timedelta(days=6)  # a day less than Salesforce keeps a finished job


@dataclass
class PullPlan:
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


class Planner:
    """Decides what one pull reads; `deleted_to` says how far the log of deletions of each object reaches."""

    def __init__(
        self,
        session: SalesforceSession,
        store: ExtractStore,
        custom: CustomFields,
        sources: dict[str, ObjectSource],
        progress: Progress,
    ) -> None:
        """Plan for an organisation and what is stored of it."""
        self.session, self.store, self.custom = session, store, custom
        self.sources, self.progress = sources, progress
        self.is_resumed = False
        self.deleted_to: dict[str, datetime] = {}

    def plan(
        self,
        base: ExtractRecord | None,
        began: datetime,
        place: tuple[str, str],
        types: dict[str, FieldTypes | None],
        seen: dict[str, list[Source]],
        findings: list[ExtractFinding],
    ) -> PullPlan:
        """Return what is to be read since a base, or everything; goes on with a pull that was left unfinished where it would read the same."""
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
        # A field may fill two columns: policy may name a dimension that is read anyway.
        fields = {
            name: list(dict.fromkeys(each.field for each in sources))
            for name, sources in seen.items()
        }
        signature = _digest(
            [
                base.extract_id if base else "",
                organization_id,
                instance,
                self.session.version,
                self.session.login.identity,
                # Which columns they fill: the same fields may fill others by now.
                {name: [(each.column, each.field) for each in seen[name]] for name in seen},
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
        return PullPlan(
            base, unfinished, types, self.sources, seen, whole, compared, findings, dead
        )

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
            or (name == "Opportunity" and not base.pull.has_read(self.custom))
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
            if not isinstance(answer, Exception):
                expect(answer, Deletions, f"list deletions of {name}")
            if isinstance(answer, RequestRefused) or (
                not isinstance(answer, Exception)
                and datetime.fromisoformat(answer["earliestDateAvailable"]) > start
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


def _plus_zero(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
