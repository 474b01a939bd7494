"""Reading an organisation into raw tables: whole at first, then only what changed.

Put the order of a pull here, from the login to the extract that it ends with. What is read is
`pull_plan`, how one object is read `reader`, what becomes of it `extract_writer`; names and types are
`objects` and `schema`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import cast

import pandas as pd
import pyarrow as pa
from pandera.typing import DataFrame

from connectors.salesforce import cells, objects, schema
from connectors.salesforce.answers import expect_value
from connectors.salesforce.auth import Login
from connectors.salesforce.extract_writer import ExtractWriter, VanishedRecords
from connectors.salesforce.objects import LARGE, SMALL
from connectors.salesforce.pull_plan import OVERLAP, SAFETY_LAG, Planner, PullPlan
from connectors.salesforce.reader import ObjectReader
from connectors.salesforce.session import TOLERATED_SKEW, Progress, SalesforceSession
from connectors.salesforce.small_objects import describe, read_small
from connectors.salesforce.source import ExtractFinding, ObjectSource, Source
from connectors.storage.extract_record import ExtractRecord, PullState, Watermark
from connectors.storage.extracts import ExtractStore
from connectors.storage.pull_checkpoint import Reading
from sales import arrow as columns
from sales.contracts.contract import checked, empty
from sales.contracts.raw import RAW, RawQuotas, RawRoles, RawUsers
from sales.history.extract import defaults_of
from sales.policy.rules import CustomFields, OrganizationDefaults

NO_CUSTOM_FIELDS = CustomFields()


@dataclass(frozen=True)
class PullPreview:
    """What is known before records are read: settings, people, quotas, and when the first opportunity was created."""

    defaults: OrganizationDefaults
    users: DataFrame[RawUsers]
    roles: DataFrame[RawRoles]
    quotas: DataFrame[RawQuotas]
    first_created: datetime | None
    reaches_to: datetime


# What is said of a reading that the next one cannot go on from.
DAMAGED = "this reading is damaged: the pull went on from an earlier one, or read everything again; see `onpace check --stored`"


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
        again = partial(
            _Pull, session, store, source, progress, custom, accepts_vanished=accepts_vanished
        )
        pull = again()
        record = pull.run(approve)
        # What happened since the pull that was left unfinished is read too.
        is_old = pull.planner.is_resumed and session.now - record.extracted_at > OVERLAP
        return again().run(approve) if is_old else record


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
        self.sources = {each.object_name: each.with_custom(custom) for each in (*SMALL, *LARGE)}
        self.planner = Planner(session, store, custom, self.sources, progress)

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
            latest = self.store.latest()
            if latest is not None and latest != base and self.store.damaged(latest):
                findings.append(ExtractFinding(latest.extract_id, DAMAGED))
            if base:
                findings += schema.drift(base.pull.fields, types, self.sources.values())
            place = (organization_id, instance)
            plan = self.planner.plan(base, began, place, types, seen, findings)
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
        return record

    def _outlook(self, small: dict[str, pd.DataFrame], began: datetime) -> PullPreview:
        what = "find the first opportunity"
        found = self.session.records("SELECT MIN(CreatedDate) oldest FROM Opportunity", what=what)
        oldest = expect_value(found, "oldest", what)
        return PullPreview(
            defaults_of(small["raw_organization"], small["Period"]),
            cast("DataFrame[RawUsers]", small["User"]),
            cast("DataFrame[RawRoles]", small["UserRole"]),
            cast("DataFrame[RawQuotas]", small["raw_quotas"]),
            datetime.fromisoformat(oldest) if oldest else None,
            began,
        )

    def _base(self, instance: str) -> ExtractRecord | None:
        """Return what this pull goes on from: the newest reading that is not damaged, none where all is to be read."""
        for base in reversed(self.store.all()):
            if not base.pull.watermarks:
                return None
            if self.session.login.local_url and base.pull.instance != instance:
                return None  # an org on this machine that was started again is another org
            if not self.store.damaged(base):
                return base
        return None

    def _read(self, plan: PullPlan, reader: ObjectReader) -> None:
        # Opportunities first, their histories after: a change in between is then in the history,
        # and undone from there.
        everything = [each for each in plan.unfinished.readings.values() if not each.is_done]
        records = [each for each in everything if each.object_name == "Opportunity"]
        for readings in (records, [each for each in everything if each not in records]):
            self._read_together(plan, reader, readings)

    def _read_together(self, plan: PullPlan, reader: ObjectReader, readings: list[Reading]) -> None:
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

    def _store(
        self, plan: PullPlan, small: dict[str, pd.DataFrame], instance: str
    ) -> ExtractRecord:
        extracted_at = plan.unfinished.began_at
        note = {"extracted_at": extracted_at.isoformat(), "signature": plan.unfinished.signature}
        versions: dict[str, int] = {}
        writer = ExtractWriter(self.store, plan, accepts_vanished=self.accepts_vanished)
        frames, changes = writer.small_tables(small)
        plan.findings += changes
        for name, frame in frames.items():
            versions[name] = self.store.raw.write(name, frame, note | {"digest": _digest_of(frame)})
        for source in LARGE:
            versions[source.table] = writer.write_large(source, note)
        findings = [(each.place, each.meaning) for each in plan.findings]
        self.progress(
            f"{self.session.requests} requests, {self.session.api_usage} of the organisation's requests in 24 hours"
        )
        return self.store.add(
            extracted_at, self.source, versions, findings, self._state(plan, instance)
        )

    def _state(self, plan: PullPlan, instance: str) -> PullState:
        """Return what the next pull has to know of this one."""
        wanted = {
            name: {each.field for each in source.sources} for name, source in plan.sources.items()
        }
        return PullState(
            how="whole" if plan.base is None else "changes",
            api_version=self.session.version,
            api_usage=self.session.api_usage,
            requests=self.session.requests,
            instance=instance,
            identity=self.session.login.identity,
            amount_field=self.custom.amount,
            service_fields=self.custom.service,
            dimension_field=self.custom.dimension,
            fields={
                name: {key: kind for key, kind in types.items() if key in wanted[name]}
                for name, types in plan.types.items()
                if types is not None
            },
            watermarks={source.object_name: self._watermark(plan, source) for source in LARGE},
        )

    def _watermark(self, plan: PullPlan, source: ObjectSource) -> Watermark:
        name, began = source.object_name, plan.unfinished.began_at
        old = plan.base.pull.watermarks.get(name) if plan.base else None
        if old is None or name in plan.whole:
            old = Watermark(began, began, began, began)
        return Watermark(
            cursor=began,
            whole_at=old.whole_at,
            deleted_to=min(began, self.planner.deleted_to.get(name, began)),
            compared_at=began if name in plan.compared else old.compared_at,
        )


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


def _digest_of(frame: pd.DataFrame) -> str:
    sink = pa.BufferOutputStream()
    table = pa.table({name: columns.arrow(frame[name]) for name in frame.columns})
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return hashlib.sha256(sink.getvalue()).hexdigest()
