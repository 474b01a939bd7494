"""Who gets which documents, in which language, and who may see what.

Put the rules of `policy/recipients.toml` here. Reading the file is `connectors.policy.folder`;
sending is `connectors.delivery.mailer`.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, ValidationError

from sales.errors import UserError
from sales.policy.sections import LanguageCode, Line, Paper, PolicySection
from sales.vocabulary import SOURCE_OWNER, GrainKind

FILE_NAME = "recipients.toml"
# A language and a paper; none is the document's own.
Variant = tuple[str | None, str | None]
COMPANY, OWN, LED, TEAM, SOURCES = "company", "own", "led", "team:", f"{SOURCE_OWNER}:"


class InvalidRecipients(UserError, ValueError):
    """The recipients' file says something that cannot be followed."""


def _address(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as wrong:
        raise ValueError(f"is no e-mail address: {wrong}") from None


def usable_address(text: str) -> str:
    """Return an address as it is used, empty where the text is none."""
    try:
        return _address(text)
    except ValueError:
        return ""


def _pack(text: str) -> str:
    if text not in {COMPANY, OWN, LED} and not text.startswith((TEAM, SOURCES)):
        raise ValueError(
            f'is no pack; use "{COMPANY}", "{OWN}", "{LED}", "{TEAM}NAME" or "{SOURCES}NAME"'
        )
    return text


Address = Annotated[str, Field(max_length=254), AfterValidator(_address)]
Domain = Annotated[str, Field(pattern=r"^[^\s@A-Z]{3,200}$")]
PackName = Annotated[str, Field(max_length=200), AfterValidator(_pack)]


class Recipient(PolicySection):
    """An address and the packs it gets: `company`, `team:NAME`, `led` (teams whose people this person is above), `own`, `sources:NAME` (the page of whoever owns lead sources by the policy).

    `user` is what the login in front of the documents calls them, where that is not the address.
    """

    address: Address
    """Where the mail goes."""
    name: Line = ""
    """How the mail addresses them."""
    user: Line = ""
    """What the login in front of the documents calls them, where that is not the address."""
    packs: tuple[PackName, ...]
    """What they get: "company", "team:NAME", "led" (teams whose people they are above), "own", "sources:NAME" (an owner of `[sources]`)."""
    language: LanguageCode | None = None
    """Language of their documents; left out: the document's own."""
    paper: Paper | None = None
    """Paper of their documents."""
    hidden_copies: tuple[Address, ...] = ()
    """Addresses that get a hidden copy."""


class RecipientBook(PolicySection):
    """Who gets what; with `own_pages` and `led_teams` also everyone whom Salesforce knows by an address."""

    allowed_domains: tuple[Domain, ...] = ()
    """Domains that mail may go to; an address of another one is refused."""
    own_pages: bool = False
    """Everyone active gets their own page."""
    led_teams: bool = False
    """Who is above all people of a team gets its pack."""
    hold_notice: tuple[Address, ...] = ()
    """Who is told that a delivery is held, and of alarms."""
    recipients: tuple[Recipient, ...] = ()
    """Further recipients, each a table of its own."""


@dataclass(frozen=True)
class DirectoryEntry:
    """An active user: where they are reached, their team, and the teams whose people they are above.

    `address` is empty where there is none; `unusable` is what stands in Salesforce and is no address.
    """

    user_id: str
    name: str
    address: str
    team: str
    leads: frozenset[str]
    unusable: str = ""


@dataclass(frozen=True)
class Document:
    """A published document that may be sent."""

    file: str
    sha256: str
    kind: str
    grain_id: str
    language: str
    paper: str
    title: str


@dataclass(frozen=True)
class MailBundle:
    """What one address gets: one mail with all its documents."""

    address: str
    name: str
    language: str
    hidden_copies: tuple[str, ...]
    documents: tuple[Document, ...]


@dataclass(frozen=True)
class Mailing:
    """Everything that goes out for a month, and what does not, with the reason."""

    bundles: tuple[MailBundle, ...]
    warnings: tuple[str, ...]


def parse_recipients(text: str) -> RecipientBook:
    """Read the recipients' file; raises `InvalidRecipients` with its first fault as one sentence."""
    book, faults = _read(text)
    if book is None or faults:
        raise InvalidRecipients(faults[0])
    return book


def recipient_faults(text: str) -> list[str]:
    """Return everything that is wrong with the recipients' file, a sentence each."""
    return _read(text)[1]


def _read(text: str) -> tuple[RecipientBook | None, list[str]]:
    """Return what the file says, none where it cannot be read, and what is wrong with it."""
    try:
        book = RecipientBook.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as fault:
        return None, [f"{FILE_NAME} is not valid TOML: {fault}"]
    except ValidationError as faults:
        return None, [
            f"{FILE_NAME}: {'.'.join(str(part)[:60] for part in each['loc'])} = {str(each['input'])[:60]!r}: "
            f"{each['msg'].removeprefix('Value error, ')[:200]}"
            for each in faults.errors(include_url=False)
        ]
    return book, [f"{FILE_NAME}: {each}" for each in _contradictions(book)]


def _contradictions(book: RecipientBook) -> Iterator[str]:
    for address in dict.fromkeys(_stated(book)):
        if not is_allowed(address, book):
            yield f"{address} is in none of allowed_domains; correct the address, or allow its domain"
    for address, times in Counter(each.address.casefold() for each in book.recipients).items():
        if times > 1:
            yield f"{address} is listed more than once; state all its packs in one place"
    logins = Counter(each.user.casefold() for each in book.recipients if each.user)
    for user, times in logins.items():
        if times > 1:
            yield f"user {user!r} stands at several addresses; a login is one person's"


def is_allowed(address: str, book: RecipientBook) -> bool:
    """Return whether an address lies in a domain to which anything may be sent."""
    return address.rpartition("@")[2].casefold() in book.allowed_domains


def only_packs(book: RecipientBook, kinds: Collection[str]) -> RecipientBook:
    """Return the book with packs of some kinds only: `company`, `team`, `led`, `own`."""
    return book.model_copy(
        update={
            "own_pages": book.own_pages and OWN in kinds,
            "led_teams": book.led_teams and LED in kinds,
            "recipients": tuple(
                each.model_copy(
                    update={"packs": tuple(p for p in each.packs if p.partition(":")[0] in kinds)}
                )
                for each in book.recipients
            ),
        }
    )


def mailing(
    book: RecipientBook, directory: Sequence[DirectoryEntry], documents: Sequence[Document]
) -> Mailing:
    """Return a parcel for each address that gets something, by address; what cannot be sent is remarked upon."""
    warnings: list[str] = []
    known = _by_address(directory, warnings)
    if book.own_pages or book.led_teams:
        warnings += [
            f"{each.name[:60]}: {each.unusable[:60]!r} in Salesforce is no e-mail address; nothing goes there until it is corrected"
            for each in directory
            if each.unusable
        ]
    stated = {each.address.casefold(): each for each in book.recipients}
    bundles: list[MailBundle] = []
    for key in sorted({*stated, *known}):
        recipient, colleague = stated.get(key), known.get(key)
        wanted = _wanted(recipient, colleague, book)
        mine = _chosen(
            documents, wanted, (recipient.language, recipient.paper) if recipient else (None, None)
        )
        if recipient:
            warnings += _missing(recipient, wanted, documents)
        if not mine:
            continue
        address = recipient.address if recipient else colleague.address if colleague else key
        if not is_allowed(address, book):
            warnings.append(f"{address} gets nothing: its domain is none of allowed_domains")
            continue
        if not address.rpartition("@")[0].isascii():
            warnings.append(
                f"{address} has letters that not every mail server takes: it is served where ours offers SMTPUTF8"
            )
        name = (recipient.name if recipient else "") or (colleague.name if colleague else "")
        language = (recipient.language if recipient else None) or mine[0].language
        bundles.append(
            MailBundle(
                address, name, language, recipient.hidden_copies if recipient else (), tuple(mine)
            )
        )
    return Mailing(tuple(bundles), tuple(warnings))


def variants(
    book: RecipientBook, directory: Sequence[DirectoryEntry]
) -> dict[tuple[str, str | None], set[Variant]]:
    """Return the languages and papers that recipients ask for, by kind and id of the document (none for the company)."""
    known, found = _by_address(directory, []), dict[tuple[str, str | None], set[Variant]]()
    for each in book.recipients:
        if each.language or each.paper:
            for document in _wanted(each, known.get(each.address.casefold()), book):
                found.setdefault(document, set()).add((each.language, each.paper))
    return found


def may_see(
    address: str, document: Document, book: RecipientBook, directory: Sequence[DirectoryEntry]
) -> bool:
    """Return whether an address may get a document, whatever was planned: asked once more before anything is sent.

    What the file grants may be seen; else one's own pages, and the packs of teams that one leads.
    """
    key = address.casefold()
    granted = {
        pack for each in book.recipients if each.address.casefold() == key for pack in each.packs
    }
    if document.kind == GrainKind.COMPANY:
        return COMPANY in granted
    me = [each for each in directory if each.address.casefold() == key]
    if document.kind == GrainKind.TEAM:
        return f"{TEAM}{document.grain_id}" in granted or (
            len(me) == 1 and document.grain_id in me[0].leads
        )
    if document.kind == SOURCE_OWNER:
        return f"{SOURCES}{document.grain_id}" in granted
    return document.kind == GrainKind.PERSON and len(me) == 1 and me[0].user_id == document.grain_id


def _wanted(
    recipient: Recipient | None, colleague: DirectoryEntry | None, book: RecipientBook
) -> set[tuple[str, str | None]]:
    packs = set(recipient.packs) if recipient else set[str]()
    if colleague and book.own_pages:
        packs.add(OWN)
    if colleague and book.led_teams:
        packs.add(LED)
    wanted: set[tuple[str, str | None]] = {
        (GrainKind.TEAM, pack.removeprefix(TEAM)) for pack in packs if pack.startswith(TEAM)
    }
    wanted |= {
        (SOURCE_OWNER, pack.removeprefix(SOURCES)) for pack in packs if pack.startswith(SOURCES)
    }
    if COMPANY in packs:
        wanted.add((GrainKind.COMPANY, None))
    if colleague and OWN in packs:
        wanted.add((GrainKind.PERSON, colleague.user_id))
    if colleague and LED in packs:
        wanted |= {(GrainKind.TEAM, team) for team in colleague.leads}
    return wanted


def _chosen(
    documents: Sequence[Document], wanted: set[tuple[str, str | None]], variant: Variant
) -> list[Document]:
    """Return each wanted document in the recipient's language and paper; its first edition where they state none."""
    found: dict[tuple[str, str], list[Document]] = {}
    for each in documents:
        if (each.kind, None if each.kind == GrainKind.COMPANY else each.grain_id) in wanted:
            found.setdefault((each.kind, each.grain_id), []).append(each)
    return [
        max(
            those,
            key=lambda each: (
                variant[0] in {None, each.language},
                variant[1] in {None, each.paper},
            ),
        )
        for those in found.values()
    ]


def _missing(
    recipient: Recipient, wanted: set[tuple[str, str | None]], documents: Sequence[Document]
) -> list[str]:
    there = {(each.kind, each.grain_id) for each in documents}
    words = {
        GrainKind.TEAM.value: "there is no pack of a team",
        SOURCE_OWNER: "the policy gives no lead source to",
    }
    return [
        f"{recipient.address}: {words[kind]} {name!r}"
        for kind, name in sorted(wanted, key=str)
        if kind in words and (kind, name) not in there
    ]


def _by_address(
    directory: Iterable[DirectoryEntry], warnings: list[str]
) -> Mapping[str, DirectoryEntry]:
    """Return colleagues by address; an address that several share is nobody's own."""
    found: dict[str, list[DirectoryEntry]] = {}
    for each in directory:
        if each.address:
            found.setdefault(each.address.casefold(), []).append(each)
    warnings += [
        f"{address} is the address of {len(those)} users: none of their pages goes there"
        for address, those in sorted(found.items())
        if len(those) > 1
    ]
    return {address: those[0] for address, those in found.items() if len(those) == 1}


def _stated(book: RecipientBook) -> list[str]:
    hidden = [copy for each in book.recipients for copy in each.hidden_copies]
    return [*(each.address for each in book.recipients), *hidden, *book.hold_notice]
