"""The ledger of deliveries: a record for each month, recipient, document and channel, and what became of it.

Put the states of a delivery here. SQLite below `ONPACE_HOME` unless another database is named; what
is written is committed before the next step is taken.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    OperationalError,
    ProgrammingError,
)

from connectors.delivery.ledger_schema import APPROVALS, DELIVERIES, bring_to_newest
from sales.errors import UserError

LONGEST_DETAIL, LONGEST_NAME = 500, 200
# The name of what is no document: a notice that a month is held back or failed.
NOTICE = "notice"


# Alembic keeps what it works on in one place a process: two threads at once would wait for each
# other for ever.
_ONE_AT_A_TIME = threading.Lock()


class LedgerUnusable(UserError, OSError):
    """The ledger's database cannot be used."""


class NoSuchDelivery(UserError, LookupError):
    """There is no such record, or it is not in a state that a person may change."""


class Status(StrEnum):
    """What became of a delivery."""

    PLANNED = "planned"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class DeliveryRecord:
    """A record of the ledger."""

    id: int
    month: str
    channel: str
    recipient: str
    file: str
    sha256: str
    revision: int
    status: Status
    message_id: str
    detail: str
    changed_at: datetime


class DeliveryLedger:
    """The records of one home, or of all that share a database."""

    def __init__(self, url: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Use a database by its address; its table is created by the first record."""
        try:
            self._engine = sa.create_engine(url)
        except (ArgumentError, NoSuchModuleError, ImportError) as fault:
            raise LedgerUnusable(
                f"ONPACE_LEDGER_URL cannot be used ({type(fault).__name__}); name a database such as postgresql+psycopg://host/name"
            ) from None
        self._is_ready, self._clock = False, now

    @classmethod
    def at(
        cls, home: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> DeliveryLedger:
        """Return the ledger below a home."""
        home.mkdir(parents=True, exist_ok=True)
        return cls(f"sqlite:///{home / 'deliveries.sqlite'}", now)

    def plan(
        self, month: str, channel: str, wanted: Sequence[tuple[str, str, str]]
    ) -> dict[tuple[str, str, str], DeliveryRecord]:
        """Note `(recipient, file, sha256)` as planned where they are new, and return the record of each."""
        of_month = sa.select(DELIVERIES).where(
            DELIVERIES.c.month == month, DELIVERIES.c.channel == channel
        )
        with self._open() as database:
            known = {_key(row): row for row in database.execute(of_month)}
            revisions: dict[tuple[str, str], int] = {}
            for recipient, file, _ in known:
                revisions[recipient, file] = revisions.get((recipient, file), 0) + 1
            for key in wanted:
                if key in known:
                    continue
                recipient, file, sha256 = key
                revisions[recipient, file] = revisions.get((recipient, file), 0) + 1
                values = {
                    "month": month,
                    "channel": channel,
                    "recipient": recipient,
                    "file": file,
                    "sha256": sha256,
                }
                try:
                    with database.begin_nested():
                        database.execute(
                            DELIVERIES.insert().values(
                                **values,
                                revision=revisions[recipient, file],
                                status=Status.PLANNED.value,
                                changed_at=self._now(),
                            )
                        )
                except IntegrityError:
                    continue  # another process planned the same in this moment
            found = {_key(row): _delivery(row) for row in database.execute(of_month)}
        return {key: found[key] for key in wanted}

    def sent_before(self, delivery: DeliveryRecord) -> bool:
        """Return whether an earlier revision of the same document was sent to the same recipient, or may have been."""
        with self._open() as database:
            same = (
                *_same(delivery.month, delivery.channel, delivery.recipient),
                DELIVERIES.c.file == delivery.file,
                DELIVERIES.c.revision < delivery.revision,
            )
            there = sa.select(sa.func.count()).where(
                *same, DELIVERIES.c.status.in_([Status.SENT.value, Status.UNKNOWN.value])
            )
            return bool(database.execute(there).scalar_one())

    def approve(self, month: str, digest: str, name: str) -> None:
        """Note that a person approves of a month's documents as they are."""
        with self._open() as database:
            database.execute(
                APPROVALS.insert().values(
                    month=month, digest=digest, name=name[:LONGEST_NAME], at=self._now()
                )
            )

    def approved_by(self, month: str, digest: str) -> str:
        """Return who approved of these very documents, empty where nobody did."""
        with self._open() as database:
            found = database.execute(
                sa.select(APPROVALS.c.name).where(
                    APPROVALS.c.month == month, APPROVALS.c.digest == digest
                )
            ).first()
            return found[0] if found else ""

    def claim(self, deliveries: Sequence[DeliveryRecord], message_id: str) -> bool:
        """Take planned deliveries for one mail; false where another process was quicker or they are not planned."""
        ids = [each.id for each in deliveries]
        with self._open() as database:
            taken = database.execute(
                DELIVERIES.update()
                .where(DELIVERIES.c.id.in_(ids), DELIVERIES.c.status == Status.PLANNED.value)
                .values(
                    status=Status.SENDING.value,
                    message_id=message_id,
                    detail="",
                    changed_at=self._now(),
                )
            ).rowcount
            if taken != len(ids):
                database.rollback()
            return taken == len(ids)

    def note(self, deliveries: Sequence[DeliveryRecord], status: Status, detail: str = "") -> None:
        """Note what became of deliveries."""
        with self._open() as database:
            database.execute(
                DELIVERIES.update()
                .where(DELIVERIES.c.id.in_([each.id for each in deliveries]))
                .values(status=status.value, detail=detail[:LONGEST_DETAIL], changed_at=self._now())
            )

    def recover(self, channel: str) -> int:
        """Plan again what a killed process had in hand before anything left this machine, and return how many they were.

        The caller holds the only lock on sending.
        """
        with self._open() as database:
            left = (DELIVERIES.c.channel == channel, DELIVERIES.c.status == Status.SENDING.value)
            return database.execute(
                DELIVERIES.update()
                .where(*left)
                .values(status=Status.PLANNED.value, changed_at=self._now())
            ).rowcount

    def resolve(self, delivery_id: int, *, was_sent: bool) -> DeliveryRecord:
        """Note a person's word on a delivery of which nobody knows: it was sent, or it is to be sent again.

        A refused one may be planned again too. Raises `NoSuchDelivery`.
        """
        open_states = (
            [Status.UNKNOWN.value] if was_sent else [Status.UNKNOWN.value, Status.REFUSED.value]
        )
        with self._open() as database:
            status = Status.SENT if was_sent else Status.PLANNED
            changed = database.execute(
                DELIVERIES.update()
                .where(DELIVERIES.c.id == delivery_id, DELIVERIES.c.status.in_(open_states))
                .values(status=status.value, detail="by a person's word", changed_at=self._now())
            ).rowcount
            if not changed:
                raise NoSuchDelivery(
                    f"delivery {delivery_id} is not {' or '.join(open_states)}; see `onpace deliveries list`"
                )
            return _delivery(
                database.execute(sa.select(DELIVERIES).where(DELIVERIES.c.id == delivery_id)).one()
            )

    def all(self, month: str = "") -> list[DeliveryRecord]:
        """Return the records of a month, or all of them."""
        with self._open() as database:
            wanted = sa.select(DELIVERIES).order_by(DELIVERIES.c.month, DELIVERIES.c.id)
            return [
                _delivery(row)
                for row in database.execute(
                    wanted.where(DELIVERIES.c.month == month) if month else wanted
                )
            ]

    def counts(self) -> dict[Status, int]:
        """Return how many deliveries there are in each state."""
        with self._open() as database:
            counted = database.execute(
                sa.select(DELIVERIES.c.status, sa.func.count()).group_by(DELIVERIES.c.status)
            )
            found = {Status(status): count for status, count in counted}
        return {each: found.get(each, 0) for each in Status}

    def _now(self) -> str:
        return self._clock().astimezone(UTC).isoformat(timespec="seconds")

    def months(self, channel: str) -> dict[str, tuple[bool, datetime]]:
        """Return for each month whether every document went to everybody it was planned for, in some revision, and since when it is known.

        What was refused for good waits for nobody; something must have been sent.
        """
        with self._open() as database:
            rows = database.execute(
                sa.select(DELIVERIES).where(
                    DELIVERIES.c.channel == channel, DELIVERIES.c.file != NOTICE
                )
            ).all()
        found: dict[str, tuple[bool, datetime]] = {}
        for month in {row.month for row in rows}:
            mine = [row for row in rows if row.month == month]
            gone = {
                (row.recipient, row.file)
                for row in mine
                if row.status not in {Status.PLANNED.value, Status.SENDING.value}
            }
            is_sent = any(row.status in {Status.SENT.value, Status.UNKNOWN.value} for row in mine)
            is_whole = is_sent and {(row.recipient, row.file) for row in mine} == gone
            found[month] = is_whole, min(datetime.fromisoformat(row.changed_at) for row in mine)
        return found

    def recipients_of(self, sha256: str) -> list[str]:
        """Return to whom a document was sent, by whatever channel, or may have been."""
        with self._open() as database:
            sent = DELIVERIES.c.status.in_([Status.SENT.value, Status.UNKNOWN.value])
            wanted = (
                sa.select(DELIVERIES.c.recipient)
                .where(DELIVERIES.c.sha256 == sha256, sent)
                .distinct()
                .order_by(DELIVERIES.c.recipient)
            )
            return [row.recipient for row in database.execute(wanted)]

    def upgrade(self) -> None:
        """Bring the database to the schema of this version; another process may do so in the same moment."""
        with self._said():
            for is_last in (False, True):
                try:
                    with _ONE_AT_A_TIME, self._engine.begin() as database:
                        bring_to_newest(database)
                except (IntegrityError, ProgrammingError, OperationalError):
                    if is_last:
                        raise
                else:
                    break
        self._is_ready = True

    @contextmanager
    def _open(self) -> Iterator[sa.Connection]:
        if not self._is_ready:
            self.upgrade()
        with self._said(), self._engine.begin() as database:
            yield database

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Say what a database refuses, without its address."""
        try:
            yield
        except DBAPIError as fault:
            # The address may hold a password: the driver's words are cut to the first line.
            said = str(fault.orig).splitlines()[0][:120] if fault.orig else "no answer"
            raise LedgerUnusable(
                f"the ledger of deliveries cannot be used ({said}); check ONPACE_LEDGER_URL or ONPACE_HOME"
            ) from None


def _key(row: sa.Row[tuple[object, ...]]) -> tuple[str, str, str]:
    return row.recipient, row.file, row.sha256


def _same(month: str, channel: str, recipient: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        DELIVERIES.c.month == month,
        DELIVERIES.c.channel == channel,
        DELIVERIES.c.recipient == recipient,
    )


def _delivery(row: sa.Row[tuple[object, ...]]) -> DeliveryRecord:
    values = {name: getattr(row, name) for name in DELIVERIES.columns.keys()}  # noqa: SIM118  # columns, which do not iterate over names
    return DeliveryRecord(
        **values
        | {
            "status": Status(values["status"]),
            "changed_at": datetime.fromisoformat(values["changed_at"]),
        }
    )
