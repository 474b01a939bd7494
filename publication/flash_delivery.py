"""Mailing a weekly flash: to whom of the recipients' file it goes, and sending it, each page once.

Put here what differs from a month's delivery: a flash has no revisions that are kept, waits for no
approval, and goes to nobody unless [flash] recipients of the policy names packs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from connectors.delivery.ledger import DeliveryRecord, Status
from connectors.delivery.mailed_note import MailedNote
from connectors.delivery.mailer import FLASH, FLASH_REHEARSAL, SendResult, deliver
from connectors.delivery.smtp import Letter
from publication.delivery import DeliveryService, LedgerBehind
from publication.letters import (
    files_of,
    flash_mails,
    letter,
    readdressed,
    refuse_unseen,
    said_by,
)
from publication.month_inputs import MonthInputs, resolve
from publication.published_documents import content_of, documents_listed
from publication.release import Release, addressed
from publication.stored_flash import PICTURE, folder_of, manifest_of_flash
from reports.email_body import cover, weekly_flash
from sales.calendar import Month
from sales.delivery.recipients import MailBundle, Mailing, RecipientBook, mailing, only_packs
from sales.errors import UserError
from sales.history.extract import EMBEDDED

# The ledger's word for where notices go, and how many lines of a page are posted.
POST, PLACES, POSTED = "post", "notices", 3
NOBODY = "no pack is named in [flash] recipients of the policy, so nobody is mailed a flash"


class FlashGone(UserError, LookupError):
    """The extract that a flash was made from is no longer there."""


@dataclass(frozen=True)
class FlashDelivery:
    """The delivery of a day's flash as it lies in the home."""

    room: DeliveryService
    day: date

    def planned(self) -> Mailing:
        """Return who gets what; raises `NoSuchDay` where there is no flash, `NotComputed` where a page is not what was made."""
        documents = documents_listed(self._manifest["documents"])
        for each in documents:
            content_of(self._folder / each.file, each.sha256)
        return mailing(self._book, self._inputs.directory, documents)

    def records(self) -> list[DeliveryRecord]:
        """Return what the ledger knows of the day's mails, rehearsals left out."""
        return [r for r in self.room.ledger.all(str(self.day)) if r.channel == FLASH]

    def release(self) -> Release:
        """Return what would go out; nothing holds a flash."""
        plan = self.planned()
        nobody = () if self.room.workspace.policies.newest.flash.recipients else (NOBODY,)
        return Release(
            addressed(plan, self.records()),
            (),
            (*plan.warnings, *nobody),
            0,
            (),
            self.room.smtp is not None,
        )

    def send(self, *, with_revisions: bool = False, only_to: str = "") -> SendResult:
        """Send what was never sent; `only_to` gets everything instead, as a rehearsal.

        A flash that was printed again goes out `with_revisions` only, to those who have an earlier
        one. Raises `NoMailServer`, `LedgerBehind`, `NotForTheirEyes` or what the mailer raises.
        """
        plan, book = self.planned(), self._book
        refuse_unseen(plan.bundles, book, self._inputs.directory)
        bundles = readdressed(plan.bundles, only_to, book) if only_to else plan.bundles
        if not bundles:
            return SendResult()
        note = MailedNote(self.room.outbox, self.day)
        if not only_to and note.count() > len(self._mailed()):
            raise LedgerBehind(
                f"the outbox says that more pages of {self.day} were mailed than the ledger of deliveries knows of: it was lost, or comes from an older backup; "
                f"nothing was sent. Delete {self.day} in the outbox to mail them again"
            )
        channel = FLASH_REHEARSAL if only_to else FLASH
        try:
            return deliver(
                bundles,
                str(self.day),
                self.room.ledger,
                self.room.connector(),
                self._compose,
                self.room.alone(f"the delivery of the flash of {self.day}"),
                pause=self.room.pause,
                with_revisions=with_revisions,
                channel=channel,
            )
        finally:
            note.add(self._mailed())

    def post(self) -> bool:
        """Post the company's headline and the picture of its page where notices go, once unless it is killed meanwhile; return whether it was posted now.

        Nothing is posted unless [flash] post says so and a place is named. Raises `NoticeUnusable`
        where a place does not take it: it is tried again then.
        """
        notices, wanted = self.room.notices, self.room.workspace.policies.newest.flash.post
        company = self._manifest["documents"][0]
        if notices is None or not wanted:
            return False
        key = (PLACES, company["file"], company["sha256"])
        with self.room.alone(f"the post of the flash of {self.day}") as lease:
            ledger = self.room.ledger.under(lease)
            ledger.recover(POST)
            record = ledger.plan(str(self.day), POST, [key])[key]
            if record.status is not Status.PLANNED or not ledger.claim([record], ""):
                return False
            said = said_by([company])[company["file"]]
            lines = [said.verdict, *(f"{n}: {value} ({note})" for n, value, note in said.headlines)]
            title = weekly_flash(
                Month.parse(self._manifest["month"]),
                self.day - timedelta(days=1),
                company["title"],
                company["language"],
            ).subject
            try:
                notices.tell(title, "\n".join(lines[:POSTED]), self._folder / PICTURE)
            except UserError as fault:
                ledger.note([record], Status.PLANNED, str(fault))
                raise
            ledger.note([record], Status.SENT)
        return True

    def _mailed(self) -> list[tuple[str, str]]:
        return self.room.ledger.mailed(str(self.day), FLASH)

    def _compose(
        self,
        bundle: MailBundle,
        mine: Sequence[DeliveryRecord],
        known_id: str,
        _linked: bool,  # noqa: FBT001  # the mailer's: a page is never too large for a mail
    ) -> Letter:
        wanted = {each.file: each for each in bundle.documents}
        documents = [wanted[each.file] for each in mine]
        rules, month = self._inputs.rules, Month.parse(self._manifest["month"])
        company = rules.policy.brand.name or rules.company
        last_day = self.day - timedelta(days=1)
        said = cover(
            documents,
            said_by(self._manifest["documents"]),
            weekly_flash(month, last_day, company, bundle.language),
            bundle.language,
            links={},
            is_demo=self._manifest["source"] == EMBEDDED,
            revisions={
                each.file: each.revision for each in mine if self.room.ledger.sent_before(each)
            },
        )
        assert self.room.smtp is not None  # noqa: S101  # without a server nothing is composed
        files = files_of(self._folder, documents)
        now = self.room.workspace.now()
        return letter(
            self.room.smtp, bundle, mine, flash_mails(self.day), known_id, said, files, now
        )

    @property
    def _folder(self) -> Path:
        return folder_of(self.room.workspace.home, self.day)

    @cached_property
    def _manifest(self) -> dict[str, Any]:
        return manifest_of_flash(self.room.workspace.home, self.day)

    @cached_property
    def _inputs(self) -> MonthInputs:
        """What the flash was computed from."""
        workspace, wanted = self.room.workspace, self._manifest["extract_id"]
        record = next((r for r in workspace.extracts.all() if r.extract_id == wanted), None)
        if record is None:
            raise FlashGone(
                f"the extract that the flash of {self.day} was made from is no longer kept; run `onpace flash --as-of {self.day}` first"
            )
        return resolve(workspace, Month.parse(self._manifest["month"]), record)

    @cached_property
    def _book(self) -> RecipientBook:
        """The recipients' file, with the packs that come as a flash too."""
        workspace = self.room.workspace
        return only_packs(workspace.recipients, workspace.policies.newest.flash.recipients)
