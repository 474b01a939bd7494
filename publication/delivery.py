"""The delivery service: who gets which documents of a month, whether they may go out, and sending them.

Put here what delivery needs of inputs, pages and connectors. Built by `orchestration.resources`.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import escape
from upath import UPath

from connectors.delivery.ledger import NOTICE, DeliveryLedger, DeliveryRecord, Status
from connectors.delivery.mailed_note import MailedNote
from connectors.delivery.mailer import FLASH, MAIL, REHEARSAL, Connect, SendResult, deliver
from connectors.delivery.outbox import months_there
from connectors.delivery.smtp import Attached, Letter, SmtpSettings, connected
from connectors.storage.leases import Lease, Leases
from connectors.storage.monthly_tables import NotComputed
from connectors.storage.revision_documents import MANIFEST, documents_of
from publication.document_links import DocumentLink, signed
from publication.extract_selection import published_extract
from publication.letters import (
    files_of,
    letter,
    month_end_mails,
    readdressed,
    refuse_unseen,
    said_by,
)
from publication.month_inputs import MonthInputs, resolve
from publication.published_documents import content_of, documents_listed, manifest_in
from publication.workspace import Workspace
from reports.email_body import Cover, cover, month_end
from sales.calendar import Month
from sales.checks.invariants import assumed_share
from sales.contracts.history import OpportunitySnapshot
from sales.delivery import release_gate as gate
from sales.delivery.recipients import Document, MailBundle, Mailing, mailing
from sales.delivery.release_gate import Finished
from sales.errors import UserError
from sales.history.extract import EMBEDDED

if TYPE_CHECKING:
    from connectors.delivery.notices import Notices  # it loads much

# Seconds: sensors tell of things, are tried again, and must not stand still.
A_NOTICE_WAITS = 20


class NoMailServer(UserError, LookupError):
    """Mail is to be sent, and no server is named."""


class HeldBack(UserError, RuntimeError):
    """A month must not go out."""


class LedgerBehind(UserError, RuntimeError):
    """Documents were mailed that the ledger does not know of."""


@dataclass(frozen=True)
class DeliveryService:
    """Everything that sending needs; `smtp` is none where no server is named."""

    workspace: Workspace
    ledger: DeliveryLedger
    smtp: SmtpSettings | None
    outbox: UPath
    link_base: str = ""
    notices: Notices | None = None
    pause: Callable[[float], None] = time.sleep

    def planned(self, month: Month) -> Mailing:
        """Return who gets what of a month; raises `NotComputed` where nothing is published."""
        documents, folder = (
            documents_listed(self._manifest(month)["documents"]),
            self._folder(month),
        )
        for each in documents:
            content_of(folder / each.file, each.sha256)
        return mailing(self.workspace.recipients, self._inputs(month).directory, documents)

    def held(self, month: Month) -> list[str]:
        """Return why a month must not go out; none means that it may."""
        digest, inputs = self.digest(month), self._inputs(month)
        share = assumed_share(self.workspace.published.read_as(OpportunitySnapshot, month))
        finished = Finished(
            month,
            inputs.rules.calendar.as_of(month),
            inputs.extracted_at,
            share,
            self._manifest(month)["failed"],
            self.ledger.approved_by(str(month), digest),
        )
        return gate.reasons(finished, inputs.rules, self.workspace.now())

    def approve(self, month: Month, name: str) -> None:
        """Note that a person approves of the documents of a month as they are."""
        self.ledger.approve(str(month), self.digest(month), name)

    def digest(self, month: Month) -> str:
        """Return a digest of a month's documents."""
        return _digest(self._manifest(month))

    def send(
        self, month: Month, *, with_revisions: bool = False, only_to: str = "", released: str = ""
    ) -> SendResult:
        """Send what was never sent; `only_to` gets everything instead, as a rehearsal that the ledger knows by its address.

        `released` is the digest of the documents that may go, empty for those that are published
        now. Raises `HeldBack`, `NoMailServer` or what the mailer raises.
        """
        plan = self.planned(month)
        if released and self.digest(month) != released:
            raise HeldBack(
                f"{month} is held back: it was published again since it was released; look at it and run `onpace approve {month}`"
            )
        book, directory = self.workspace.recipients, self._inputs(month).directory
        refuse_unseen(plan.bundles, book, directory)
        if not only_to and (reasons := self.held(month)):
            raise HeldBack(f"{month} is held back: {'; '.join(reasons)}")
        bundles = readdressed(plan.bundles, only_to, book) if only_to else plan.bundles
        if not bundles:
            return SendResult()
        known = len(self.ledger.mailed(str(month), MAIL))
        noted = MailedNote(self.outbox, month).count()
        if not only_to and noted > known:
            raise LedgerBehind(
                f"the outbox says that {noted} documents of {month} were mailed, and the ledger of deliveries knows of {known}: it was lost, or comes from an older backup; "
                f"run `onpace deliveries adopt {month} --sent` to note them as sent, or with --again to mail them again"
            )
        # Links of a rehearsal open what is rehearsed: whoever sees the mails may not have it of their own.
        meant_for = {each.documents: each.address for each in plan.bundles if only_to}
        compose = partial(
            self._compose, month, self._manifest(month), self._folder(month), meant_for
        )
        try:
            return deliver(
                bundles,
                str(month),
                self.ledger,
                self.connector(),
                compose,
                self.alone(f"the delivery of {month}"),
                pause=self.pause,
                with_revisions=with_revisions,
                channel=REHEARSAL if only_to else MAIL,
            )
        finally:
            MailedNote(self.outbox, month).add(self.ledger.mailed(str(month), MAIL))

    def forgotten(self, month: Month) -> list[tuple[str, str, str]]:
        """Return what was mailed as the outbox says, in whatever revision, and the ledger does not know of: address, file and digest of each.

        Addresses are those that get something today.
        """
        published = self.workspace.published
        files = [
            documents_of(published.kept.folder(month, each.revision)) or {}
            for each in published.revisions(month)
        ]
        wanted = {
            (address, its[each.file]): each.file
            for bundle in self.planned(month).bundles
            for address in (bundle.address, *bundle.hidden_copies)
            for each in bundle.documents
            for its in files
            if each.file in its
        }
        known = set(self.ledger.mailed(str(month), MAIL))
        mailed = MailedNote(self.outbox, month).among(wanted.keys() - known)
        return sorted((address, wanted[address, sha256], sha256) for address, sha256 in mailed)

    def adopt(self, month: Month, *, were_sent: bool) -> list[tuple[str, str, str]]:
        """Settle what the ledger forgot: note it as sent, or let it be mailed again; return what it was."""
        with self.alone(f"the adoption of mails of {month}"):
            found = self.forgotten(month)
            if were_sent:
                planned = self.ledger.plan(str(month), MAIL, found)
                self.ledger.note(list(planned.values()), Status.SENT, "adopted from the outbox")
            # The outbox knows then what the ledger knows.
            MailedNote(self.outbox, month).replace(self.ledger.mailed(str(month), MAIL))
        return found

    def resolve(self, delivery_id: int, *, was_sent: bool) -> DeliveryRecord:
        """Note a person's word on a delivery of which nobody knows; raises `NoSuchDelivery`."""
        done = self.ledger.resolve(delivery_id, was_sent=was_sent)
        known = self.ledger.mailed(done.month, MAIL if done.is_of_a_month else FLASH)
        MailedNote(self.outbox, done.month).replace(known)
        return done

    def deliveries(self) -> dict[Month, tuple[bool, datetime]]:
        """Return for each month of which something left whether all of it did, and when the first of it did.

        Where mail was planned, the mail decides; else what was handed over to the outbox.
        Rehearsals are no deliveries.
        """
        handed_over = {month: (True, at) for month, at in months_there(self.outbox).items()}
        return handed_over | {
            Month.parse(month): known for month, known in self.ledger.months(MAIL).items()
        }

    @property
    def unheard(self) -> str:
        """Why an alarm would reach nobody, empty where somebody would hear of it."""
        if self.notices is not None or (self.smtp and self.workspace.recipients.hold_notice):
            return ""
        return "an alarm reaches nobody: set SMTP_HOST and name hold_notice in recipients.toml, or set ONPACE_NOTICES"

    def notify(self, month: Month, subject: str, text: str) -> SendResult:
        """Tell the channels that are named, and those whom the recipients' file names for it; each address once for the same words."""
        written = self.write(month, subject, text)
        self.tell(subject, text)
        return written

    def tell(self, subject: str, text: str) -> None:
        """Tell the channels that are named."""
        if self.notices is not None:
            self.notices.tell(subject, text)

    def write(self, month: Month, subject: str, text: str) -> SendResult:
        """Write to those whom the recipients' file names for notices; each address once for the same words."""
        addresses = self.workspace.recipients.hold_notice
        if not addresses or self.smtp is None:
            return SendResult()
        note = Document(
            NOTICE, hashlib.sha256(text.encode()).hexdigest(), "notice", "", "en", "", subject
        )
        bundles = [MailBundle(address, "", "en", (), (note,)) for address in addresses]

        def compose(
            bundle: MailBundle,
            mine: Sequence[DeliveryRecord],
            known_id: str,
            _linked: bool,  # noqa: FBT001
        ) -> Letter:  # the mailer's
            html = f'<!DOCTYPE html><html lang="en"><head><title>-</title></head><body><p>{escape(text)}</p></body></html>'
            return self._letter(bundle, mine, month, known_id, Cover(subject, text, html), ())

        return deliver(
            bundles,
            str(month),
            self.ledger,
            self.connector(),
            compose,
            self.alone(f"a notice about {month}", A_NOTICE_WAITS),
            pause=self.pause,
            with_revisions=True,
        )

    def alone(self, work: str, patience: int | None = None) -> AbstractContextManager[Lease]:
        """Return the hold of sending, which all homes share whose ledger is in one database."""
        waits = self.workspace.patience if patience is None else patience
        return Leases(self.workspace.catalogue, waits).hold("sending", work, is_shared=True)

    def connector(self) -> Connect:
        """Return how to reach the mail server; raises `NoMailServer`, or what its settings contradict."""
        if self.smtp is None:
            raise NoMailServer("no mail server is named; set SMTP_HOST and SMTP_FROM")
        self.smtp.check()
        return partial(connected, self.smtp)

    def _compose(
        self,
        month: Month,
        manifest: Mapping[str, Any],
        folder: Path,
        meant_for: Mapping[tuple[Document, ...], str],
        bundle: MailBundle,
        mine: Sequence[DeliveryRecord],
        known_id: str,
        linked: bool,  # noqa: FBT001
    ) -> Letter:  # the mailer's
        wanted = {each.file: each for each in bundle.documents}
        documents = [wanted[each.file] for each in mine]
        links = (
            {
                each.file: self._link(month, each, meant_for.get(bundle.documents, bundle.address))
                for each in documents
            }
            if linked and self.link_base
            else {}
        )
        files = () if linked and links else files_of(folder, documents)
        rules = self._inputs(month).rules
        company = rules.policy.brand.name or rules.company
        made = cover(
            documents,
            said_by(manifest["documents"]),
            month_end(month, company, bundle.language),
            bundle.language,
            links=links,
            is_demo=manifest["source"] == EMBEDDED,
            revisions={each.file: each.revision for each in mine if self.ledger.sent_before(each)},
            has_same_numbers=self._has_the_same_numbers(month),
        )
        return self._letter(bundle, mine, month, known_id, made, files)

    def _has_the_same_numbers(self, month: Month) -> bool:
        """Return whether a month's revisions differ in words or looks only, whichever of them somebody was sent."""
        *earlier, newest = self.workspace.published.revisions(month)
        return bool(earlier) and all(newest.has_numbers_of(each) for each in earlier)

    def _link(self, month: Month, document: Document, address: str) -> str:
        link = DocumentLink(month, document.file, document.sha256, address)
        token = signed(link, self.workspace.home, self.workspace.now())
        return f"{self.link_base.rstrip('/')}/link/{token}"

    def _letter(
        self,
        bundle: MailBundle,
        mine: Sequence[DeliveryRecord],
        month: Month,
        known_id: str,
        said: Cover,
        files: tuple[Attached, ...],
    ) -> Letter:
        assert self.smtp is not None  # noqa: S101  # without a server nothing is composed
        now, series = self.workspace.now(), month_end_mails(month)
        return letter(self.smtp, bundle, mine, series, known_id, said, files, now)

    def _manifest(self, month: Month) -> dict[str, Any]:
        folder = self._folder(month)
        manifest = manifest_in(folder)
        publication = self.workspace.published.current(month)
        if publication is not None and not _digest(manifest).startswith(publication.documents):
            raise NotComputed(
                f"{folder / MANIFEST} does not list what was published; run `onpace report {month}` again"
            )
        if any("paper" not in each for each in manifest["documents"]):
            raise NotComputed(
                f"{month} was printed by an earlier version of this program; run `onpace report {month}` first"
            )
        return manifest

    def _folder(self, month: Month) -> Path:
        """Return where the published documents of a month lie; raises `NotComputed`."""
        return self.workspace.published.documents(month)

    def _inputs(self, month: Month) -> MonthInputs:
        """Return what the published month was computed from."""
        return resolve(self.workspace, month, published_extract(self.workspace, month))


def _digest(manifest: Mapping[str, Any]) -> str:
    """Return a digest of the documents that a manifest lists."""
    return hashlib.sha256(
        "".join(each["sha256"] for each in manifest["documents"]).encode()
    ).hexdigest()
