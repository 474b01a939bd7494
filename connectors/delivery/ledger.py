"""The ledger of deliveries: a record for each month, recipient, document and channel, and what became of it.

Put the states of a delivery here. They lie in the catalogue, and are of all homes that share it: no
document goes out twice from two of them. What is written is committed before the next step is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from connectors.storage.catalogue import Catalogue
from connectors.storage.catalogue_schema import APPROVALS, DELIVERIES
from connectors.storage.leases import Lease
from sales.calendar import MONTH
from sales.errors import UserError

LONGEST_DETAIL, LONGEST_NAME = 500, 200
# The name of what is no document: a notice that a month is held back or failed.
NOTICE = "notice"


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
    """A record of the ledger; `month` is a month, or the day of a flash."""

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

    @property
    def is_of_a_month(self) -> bool:
        """Whether it is of a month end; else `month` is the day of a flash."""
        return MONTH.fullmatch(self.month) is not None


class DeliveryLedger:
    """The records of one home, or of all that share a database."""

    def __init__(
        self,
        catalogue: Catalogue,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        guard: Callable[[sa.Connection], None] = lambda _: None,
    ) -> None:
        """Use a catalogue; its database is created by the first record. `guard` raises in a transaction where writing is another's turn."""
        self._catalogue, self._clock, self._guard = catalogue, now, guard

    def under(self, lease: Lease) -> DeliveryLedger:
        """Return the same records for who holds a lease: what it notes is refused once another one took that over."""
        return DeliveryLedger(self._catalogue, self._clock, lease.refuse_lost)

    def plan(
        self, month: str, channel: str, wanted: Sequence[tuple[str, str, str]]
    ) -> dict[tuple[str, str, str], DeliveryRecord]:
        """Note `(recipient, file, sha256)` as planned where they are new, and return the record of each."""
        of_month = sa.select(DELIVERIES).where(
            DELIVERIES.c.month == month, DELIVERIES.c.channel == channel
        )
        with self._catalogue.begin() as database:
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
        earlier = (
            DELIVERIES.c.month == delivery.month,
            DELIVERIES.c.channel == delivery.channel,
            DELIVERIES.c.recipient == delivery.recipient,
            DELIVERIES.c.file == delivery.file,
            DELIVERIES.c.revision < delivery.revision,
            DELIVERIES.c.status.in_([Status.SENT.value, Status.UNKNOWN.value]),
        )
        return bool(self._catalogue.rows(sa.select(DELIVERIES.c.id).where(*earlier).limit(1)))

    def approve(self, month: str, digest: str, name: str) -> None:
        """Note that a person approves of a month's documents as they are."""
        with self._catalogue.begin() as database:
            database.execute(
                APPROVALS.insert().values(
                    month=month, digest=digest, name=name[:LONGEST_NAME], at=self._now()
                )
            )

    def approved_by(self, month: str, digest: str) -> str:
        """Return who approved of these very documents, empty where nobody did."""
        same = (APPROVALS.c.month == month, APPROVALS.c.digest == digest)
        found = self._catalogue.rows(sa.select(APPROVALS.c.name).where(*same))
        return found[0].name if found else ""

    def claim(self, deliveries: Sequence[DeliveryRecord], message_id: str) -> bool:
        """Take planned deliveries for one mail; false where another process was quicker or they are not planned."""
        ids = [each.id for each in deliveries]
        with self._catalogue.begin() as database:
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
            self._guard(database)
            if taken != len(ids):
                database.rollback()
            return taken == len(ids)

    def note(self, deliveries: Sequence[DeliveryRecord], status: Status, detail: str = "") -> None:
        """Note what became of deliveries; raises `LeaseLost` where sending is another's turn, unless the server has them."""
        with self._catalogue.begin() as database:
            database.execute(
                DELIVERIES.update()
                .where(DELIVERIES.c.id.in_([each.id for each in deliveries]))
                .values(status=status.value, detail=detail[:LONGEST_DETAIL], changed_at=self._now())
            )
            if status is not Status.SENT:
                self._guard(database)

    def recover(self, channel: str) -> int:
        """Plan again what a killed process had in hand before anything left this machine, and return how many they were.

        The caller is alone with sending.
        """
        with self._catalogue.begin() as database:
            left = (DELIVERIES.c.channel == channel, DELIVERIES.c.status == Status.SENDING.value)
            found = database.execute(
                DELIVERIES.update()
                .where(*left)
                .values(status=Status.PLANNED.value, changed_at=self._now())
            ).rowcount
            self._guard(database)
            return found

    def resolve(self, delivery_id: int, *, was_sent: bool) -> DeliveryRecord:
        """Note a person's word on a delivery of which nobody knows: it was sent, or it is to be sent again.

        A refused one may be planned again too. Raises `NoSuchDelivery`.
        """
        open_states = (
            [Status.UNKNOWN.value] if was_sent else [Status.UNKNOWN.value, Status.REFUSED.value]
        )
        with self._catalogue.begin() as database:
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
        wanted = sa.select(DELIVERIES).order_by(DELIVERIES.c.month, DELIVERIES.c.id)
        of_month = wanted.where(DELIVERIES.c.month == month) if month else wanted
        return [_delivery(row) for row in self._catalogue.rows(of_month)]

    def counts(self) -> dict[Status, int]:
        """Return how many deliveries there are in each state."""
        counted = sa.select(DELIVERIES.c.status, sa.func.count().label("number"))
        rows = self._catalogue.rows(counted.group_by(DELIVERIES.c.status))
        found = {Status(row.status): row.number for row in rows}
        return {each: found.get(each, 0) for each in Status}

    def _now(self) -> str:
        return self._clock().astimezone(UTC).isoformat(timespec="seconds")

    def months(self, channel: str) -> dict[str, tuple[bool, datetime]]:
        """Return for each month whether every document went to everybody it was planned for, in some revision, and since when it is known.

        What was refused for good waits for nobody; something must have been sent.
        """
        of_channel = (DELIVERIES.c.channel == channel, DELIVERIES.c.file != NOTICE)
        rows = self._catalogue.rows(sa.select(DELIVERIES).where(*of_channel))
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

    def mailed(self, month: str, channel: str) -> list[tuple[str, str]]:
        """Return to whom which document of a month was sent, or may have been: the address and the document's digest."""
        known = (each for each in self.all(month) if each.channel == channel)
        return [
            (each.recipient, each.sha256)
            for each in known
            if each.status in {Status.SENT, Status.UNKNOWN} and each.file != NOTICE
        ]

    def digests(self) -> set[str]:
        """Return the digests of all documents that were sent to anybody, or may have been."""
        sent = DELIVERIES.c.status.not_in([Status.PLANNED.value, Status.REFUSED.value])
        wanted = sa.select(DELIVERIES.c.sha256).where(sent).distinct()
        return {row.sha256 for row in self._catalogue.rows(wanted)}

    def recipients_of(self, sha256: str) -> list[str]:
        """Return to whom a document was sent, by whatever channel, or may have been."""
        sent = DELIVERIES.c.status.in_([Status.SENT.value, Status.UNKNOWN.value])
        wanted = sa.select(DELIVERIES.c.recipient).where(DELIVERIES.c.sha256 == sha256, sent)
        in_order = wanted.distinct().order_by(DELIVERIES.c.recipient)
        return [row.recipient for row in self._catalogue.rows(in_order)]


def _key(row: sa.Row[tuple[object, ...]]) -> tuple[str, str, str]:
    return row.recipient, row.file, row.sha256


def _delivery(row: sa.Row[tuple[object, ...]]) -> DeliveryRecord:
    return DeliveryRecord(
        row.id,
        row.month,
        row.channel,
        row.recipient,
        row.file,
        row.sha256,
        row.revision,
        Status(row.status),
        row.message_id,
        row.detail,
        datetime.fromisoformat(row.changed_at),
    )
