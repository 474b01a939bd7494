"""Hostile inputs, and what is made of them: each way in from outside, with what must hold of it.

An input is held where it is read, or refused in one sentence of ours; anything else breaks the hold.
"""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
from hypothesis import strategies as st

from app.cli.month_ranges import UnknownMonths, months_named
from app.server.guard import Guard
from connectors.delivery.smtp import Attached, Letter, Refused, message_of
from connectors.policy.annual_targets import read_monthly_targets, read_target_book
from connectors.salesforce import answers
from connectors.salesforce.bulk import _parsed as bulk_page
from embedded_org.soql import SoqlError, parse
from publication.document_links import opened
from reports.export.safe_csv import guarded_csv
from reports.file_names import FileNames
from reports.text.formats import printable
from sales.calendar import FiscalCalendar, Month
from sales.delivery.recipients import parse_recipients, usable_address
from sales.errors import UserError
from sales.planning.scenario import parse_scenario
from sales.policy.reading import parse_policy
from tests.connectors.policy.test_annual_targets import HEAD, USERS
from tests.publication.april import RECIPIENTS, workspace_of
from tests.reports.months import reports_of

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 5, 5, 9, tzinfo=UTC)
CALENDAR = FiscalCalendar(1, named_by_end=False, time_zone="UTC")
MOST_SAID = 1000  # characters of a sentence
# What is spliced into good inputs: ends of everything, formulas, markup, paths, numbers beyond all bounds.
TOKENS = (
    "\x00", "\r\n", "\n", "\t", "\ufeff", "\u202e", "\u2028", "\ud7ff", "🤷", "é", "'", '"', '"""', "`",
    ",", ";", "=", "]", "[", "{", "}", "[[", "#", "\\", "\\u0000", "/../../etc/passwd", "%00", "%s", "${x}",
    "<script>", "&lt;", "{{7*7}}", "=1+1", "@SUM(1)", "-1", "+1", "0", "-0", "1e400", "-1e-400", "NaN", "inf",
    "9" * 40, "1_000", "1,5", "1.5", "0x1F", "true", "null", "2026-02-30", "9999-12-31", "0000-00", "1970-01-01",
    "' OR 1=1 --", "SELECT", "Bcc: evil@evil.example", "<evil@evil.example>", "@evil.example", "xn--", "a" * 1000,
)  # fmt: skip


@dataclass(frozen=True)
class WayIn:
    """A way in: what comes, and what is made of it; `refusals` are ours besides `UserError`."""

    comes: st.SearchStrategy[Any]
    use: Callable[[Any], object]
    refusals: tuple[type[Exception], ...] = ()

    def try_one(self, given: Any) -> None:  # whatever comes
        """Use an input; raises whatever is no refusal in one sentence."""
        try:
            self.use(given)
        except (UserError, *self.refusals) as refused:
            said = str(refused)
            assert said, "refused without a word"
            assert len(said) < MOST_SAID, "refused with a flood of words"


def mutated(seeds: Sequence[str]) -> st.SearchStrategy[str]:
    """Return good texts with pieces cut out and hostile ones put in, and texts of nothing but chance."""
    edit = st.tuples(
        st.floats(0, 1),
        st.integers(0, 30),
        st.one_of(st.sampled_from(TOKENS), st.text(max_size=8), st.sampled_from(seeds)),
    )
    return st.one_of(
        st.builds(_edited, st.sampled_from(seeds), st.lists(edit, min_size=1, max_size=5)),
        st.text(max_size=80),
    )


def _edited(text: str, edits: Sequence[tuple[float, int, str]]) -> str:
    for at, cut, put in edits:
        place = int(at * len(text))
        text = text[:place] + put + text[place + cut :]
    return text


SCENARIOS = [
    path.read_text(encoding="utf-8") for path in sorted((ROOT / "policy" / "plan").glob("*.toml"))
]
POLICIES = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "policy").glob("fy*.toml"))]
BOOKS = [HEAD + "2026,ann@acme.example,1200.50,EUR,2026-01-01,2026-12-31,1,2026-01-01,GB\n"]
MONTHLY = ["month,owner,amount,currency_code\n2026-01,ann@acme.example,100,EUR\n2026-02,Bob,1.5,\n"]
QUERIES = [
    "SELECT Id, Name FROM Opportunity WHERE SystemModstamp >= 2026-01-01T00:00:00Z ORDER BY Id LIMIT 10",
    "SELECT MIN(CreatedDate) oldest FROM Opportunity WHERE Name LIKE 'a%' AND Id IN ('006', '007')",
]
PAGES = ['Id,Amount,Name\r\n006000000000001AAA,12.50,"a ""b"""\r\n006000000000002AAA,,x\r\n']
ADDRESSES = [
    "ann@acme.example",
    "Ann <ann@acme.example>",
    '"a b"@acme.example',
    "jörg@müller.example",
]
MONTHS = ["2026-04", "2025-01..2025-12", "FY2026-Q3", "2025-Q1,FY2026"]
TEXTS = ["Ann", "Tidewater Ltd", "=HYPERLINK(1)", "北京", "a/b"]
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12)),
    lambda some: st.one_of(
        st.lists(some, max_size=4),
        st.dictionaries(
            st.one_of(
                st.sampled_from(
                    ["records", "totalSize", "done", "nextRecordsUrl", "fields", "name", "type", "id", "state",
                     "numberRecordsProcessed", "deletedRecords", "deletedDate", "earliestDateAvailable",
                     "latestDateCovered", "compositeResponse", "referenceId", "httpStatusCode", "body", "user_id"]
                ),
                st.text(max_size=6),
            ),
            some,
            max_size=6,
        ),
    ),
    max_leaves=12,
)  # fmt: skip
MODELS = [
    getattr(answers, name)
    for name in ("QueryPage", "Describe", "Deletions", "JobCreated", "Job", "Jobs", "Identity", "Composite")
]  # fmt: skip
PERSON = reports_of(4)[-1]
_FOLDER = tempfile.TemporaryDirectory(prefix="onpace-inputs-")  # removed with this process
FOLDER = Path(_FOLDER.name)
(FOLDER / "home").mkdir(mode=0o700)
(FOLDER / "policy").mkdir()
WORKSPACE = workspace_of(FOLDER)


def _book(given: bytes) -> None:
    path = FOLDER / "targets.csv"
    path.write_bytes(given)
    read_target_book(path, USERS)


def _monthly(given: bytes) -> None:
    path = FOLDER / "monthly_targets.csv"
    path.write_bytes(given)
    read_monthly_targets(path, USERS, CALENDAR)


def _name(given: str) -> None:
    name = FileNames().of(replace(PERSON, title=given, grain_id=given))
    assert re.fullmatch(r"person-[a-z0-9-]*[0-9a-f]{6,64}\.pdf", name), name
    assert len(name) < 128
    shown = printable(given)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", shown)


def _cell(given: str) -> None:
    content = guarded_csv(pa.table({"a": pa.array([given], pa.string())}))
    options = pyarrow.csv.ConvertOptions(column_types={"a": pa.string()})
    newlines = pyarrow.csv.ParseOptions(newlines_in_values=True)
    back = pyarrow.csv.read_csv(
        io.BytesIO(content), convert_options=options, parse_options=newlines
    ).column("a")[0]
    text = back.as_py() or ""
    is_number = re.fullmatch(r"[+-]?[0-9][0-9.,]*", text)
    assert is_number or not text.startswith(("=", "+", "-", "@", "\t", "\r")), text


def _mail(given: tuple[str, str, str, str]) -> None:
    to, name, subject, file = given
    address = usable_address(to)
    if not address:
        return
    letter = Letter(
        address, name, (), subject, "text", "<p>text</p>", "<1@acme.example>",
        "Month end <month-end.acme.example>", NOW, (Attached(file, b"%PDF"),),
    )  # fmt: skip
    # As servers get it: with letters of all scripts where the address has some.
    wire = policy.SMTP if address.isascii() else policy.SMTPUTF8
    back = message_from_bytes(
        message_of(letter, "Onpace <r@acme.example>").as_bytes(policy=wire), policy=wire
    )
    assert len(back["To"].addresses) == 1
    assert sorted({each.lower() for each in back}) == [
        "auto-submitted", "content-type", "date", "from", "list-id", "message-id", "mime-version",
        "subject", "to",
    ]  # fmt: skip
    assert [part.get_content() for part in back.iter_attachments()] == [b"%PDF"]


def _asked(given: tuple[str, str, str, str, str]) -> None:
    method, path, host, origin, kind = given
    headers = {"host": host, "origin": origin, "content-type": kind}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(n.encode(), v.encode("utf-8", "ignore")) for n, v in headers.items()],
    }

    async def ui(*_: object) -> None: ...

    refused = Guard(ui).why_refused(scope)
    is_own = re.fullmatch(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]*)?", host, re.IGNORECASE)
    if method == "POST" and not refused:
        assert is_own
        assert origin.lower().partition("://")[2] == host.lower()
        assert kind.lower().startswith("application/json")


WAYS_IN: dict[str, WayIn] = {
    "policy": WayIn(mutated(POLICIES), lambda text: parse_policy(text, "fy2026.toml")),
    "plan": WayIn(mutated(SCENARIOS), lambda text: parse_scenario(text, "plan/growth.toml")),
    "recipients": WayIn(mutated([RECIPIENTS]), parse_recipients),
    "target book": WayIn(
        st.one_of(mutated(BOOKS).map(lambda text: text.encode("utf-8", "ignore")), st.binary()),
        _book,
    ),
    "monthly targets": WayIn(
        st.one_of(mutated(MONTHLY).map(lambda text: text.encode("utf-16", "ignore")), st.binary()),
        _monthly,
    ),
    "SOQL": WayIn(mutated(QUERIES), parse, (SoqlError,)),
    "Bulk page": WayIn(
        mutated(PAGES).map(lambda text: text.encode("utf-8", "ignore")),
        lambda content: bulk_page(content, ["Id", "Amount", "Name"]),
    ),
    "answers of Salesforce": WayIn(
        st.tuples(JSON, st.sampled_from(MODELS)),
        lambda given: answers.expect(given[0], given[1], "try"),
    ),
    "names": WayIn(mutated(TEXTS), _name),
    "cells": WayIn(mutated(TEXTS), _cell),
    "mails": WayIn(
        st.tuples(mutated(ADDRESSES), mutated(TEXTS), mutated(TEXTS), mutated(TEXTS)),
        _mail,
        (Refused,),
    ),
    "months": WayIn(
        mutated(MONTHS),
        lambda text: (Month.parse(text), months_named(text, WORKSPACE)),
        (UnknownMonths,),
    ),
    "links": WayIn(
        mutated(["eyJhbGciOiJIUzI1NiJ9.eyJtb250aCI6IjIwMjYtMDQifQ.c2ln"]),
        lambda text: opened(text, WORKSPACE.home, NOW),
    ),
    "requests of browsers": WayIn(
        st.tuples(
            st.sampled_from(["GET", "POST", "HEAD", "PUT"]),
            mutated(["/graphql", "/runs/1"]),
            mutated(["127.0.0.1:3000", "localhost", "[::1]:3000", "evil.example"]),
            mutated(["http://127.0.0.1:3000", "http://localhost", "null", "https://evil.example"]),
            mutated(["application/json", "text/plain", "application/json; charset=utf-8"]),
        ),
        _asked,
    ),
}
