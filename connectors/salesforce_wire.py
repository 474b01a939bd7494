"""Talking to Salesforce: login, timeouts, retries, paging, Bulk jobs, and counting what arrives.

Put the wire here, on top of simple-salesforce. Which objects and fields are read,
and what they mean, is `salesforce`.
"""

from __future__ import annotations

import io
import ipaddress
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.csv
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed, SalesforceError
from urllib3.util.retry import Retry

from sales.fault import Fault

NEWEST_VERSION = 66.0
OLDEST_VERSION = 58.0
LOCAL_DOMAIN = "local-org.my"
CONNECT_SECONDS, READ_SECONDS = 10.0, 300.0
BULK_FROM_ROWS = 2_000
BULK_PAGE = 50_000
LONGEST_JOB_SECONDS = 3_600.0
FIRST_POLL_SECONDS, SLOWEST_POLL_SECONDS = 0.05, 10.0
MANY_ROWS_IN_A_BLOCK = 1 << 26

Progress = Callable[[str], None]


class SalesforceUnavailable(Fault, ConnectionError):
    """Salesforce did not answer."""


class LoginRefused(Fault, PermissionError):
    """Salesforce does not accept who we say we are."""


class RequestRefused(Fault, RuntimeError):
    """Salesforce answered with an error."""


class IncompleteAnswer(Fault, RuntimeError):
    """Salesforce said how much there is, and something else arrived."""


class NotLocal(Fault, ValueError):
    """An address of an org on this machine is not on this machine."""


class MissingSetting(Fault, LookupError):
    """A variable that says where Salesforce is has no value."""


@dataclass(frozen=True)
class Login:
    """Where Salesforce lives and who we are; `repr` never shows the secret."""

    domain: str
    client_id: str
    client_secret: str
    local_url: str = ""
    api_version: str = ""

    def __post_init__(self) -> None:
        """Refuse a half-filled login, and a local address that is not local."""
        for name, value in (("SALESFORCE_CLIENT_ID", self.client_id), ("SALESFORCE_CLIENT_SECRET", self.client_secret)):
            if not value:
                raise MissingSetting(f"{name} is not set; set it in the environment or in .env")
        if not self.domain and not self.local_url:
            raise MissingSetting("SALESFORCE_DOMAIN is not set; set it to your My Domain, such as acme.my")
        if self.local_url:
            _refuse_remote(self.local_url)

    def __repr__(self) -> str:
        """Show the place only."""
        return f"Login({self.place})"

    @property
    def place(self) -> str:
        """Where Salesforce is, for messages."""
        return self.local_url or f"https://{self.domain}.salesforce.com"


class Wire:
    """A logged-in connection; every answer is counted against what Salesforce said it would be."""

    def __init__(self, login: Login, *, pause: Callable[[float], None] = time.sleep) -> None:
        """Log in; raises `SalesforceUnavailable` or `LoginRefused`."""
        self.login = login
        self._pause = pause
        session = _session(login)
        domain = LOCAL_DOMAIN if login.local_url else login.domain
        with self._faults("log in"):
            self.version = login.api_version or _newest_common(session, domain, login.place)
            self._salesforce = Salesforce(
                consumer_key=login.client_id,
                consumer_secret=login.client_secret,
                domain=domain,
                version=self.version,
                session=session,
                parse_float=Decimal,
                client_id="onpace",
            )

    @property
    def api_usage(self) -> str:
        """What Salesforce last said of today's requests, such as `18/15000`."""
        usage: Any = self._salesforce.api_usage.get("api-usage")
        return f"{usage.used}/{usage.total}" if usage else "unknown"

    def limits(self) -> dict[str, Any]:
        """Return the organisation's limits."""
        with self._faults("read limits"):
            return dict(self._salesforce.limits())

    def object_names(self) -> set[str]:
        """Return the objects that this user may see."""
        with self._faults("list objects"):
            described = cast("dict[str, Any]", self._salesforce.describe())
        return {each["name"] for each in described["sobjects"]}

    def fields(self, object_name: str) -> set[str]:
        """Return the fields of an object that this user may see."""
        with self._faults(f"describe {object_name}"):
            described: Any = getattr(self._salesforce, object_name).describe()
        return {each["name"] for each in described["fields"]}

    def whoami(self) -> dict[str, Any]:
        """Return user and organisation of the login."""
        with self._faults("ask who we are"):
            return dict(self._salesforce.oauth2("userinfo") or {})

    def rows(self, object_name: str, fields: Sequence[str], progress: Progress = lambda _: None) -> pa.Table:
        """Return all rows, deleted ones included, as text columns; small answers by REST, large ones by Bulk."""
        soql = f"SELECT {', '.join(fields)} FROM {object_name}"  # noqa: S608  # names come from describe
        with self._faults(f"read {object_name}"):
            count = f"SELECT COUNT() FROM {object_name}"  # noqa: S608  # the name is ours
            counted = cast("dict[str, Any]", self._salesforce.query(count, include_deleted=True))
            expected = int(counted["totalSize"])
            progress(f"{object_name}: {expected:,} records")
            table = self._by_rest(soql, fields) if expected < BULK_FROM_ROWS else self._by_bulk(soql, fields, progress)
        # Records may be added while we read, never taken away: deleted ones are read too.
        if table.num_rows < expected:
            raise IncompleteAnswer(f"{object_name} had {expected:,} records and {table.num_rows:,} arrived; run again")
        return table

    def _by_rest(self, soql: str, fields: Sequence[str]) -> pa.Table:
        answer = cast("dict[str, Any]", self._salesforce.query(soql, include_deleted=True))
        total = int(answer["totalSize"])
        records: list[dict[str, Any]] = list(answer["records"])
        while not answer["done"]:
            answer = cast("dict[str, Any]", self._salesforce.query_more(answer["nextRecordsUrl"], identifier_is_url=True))
            records += answer["records"]
        if len(records) != total:
            raise IncompleteAnswer(f"Salesforce announced {total:,} records and sent {len(records):,}; run again")
        columns = {name: pa.array([_text(record.get(name)) for record in records], pa.string()) for name in fields}
        return pa.table(columns)

    def _by_bulk(self, soql: str, fields: Sequence[str], progress: Progress) -> pa.Table:
        job = cast("dict[str, Any]", self._salesforce.restful("jobs/query", method="POST", json={"operation": "queryAll", "query": soql}))
        job_id = str(job["id"])
        try:
            done = self._wait_for(job_id)
            pages = list(self._pages(job_id, fields, progress))
        finally:
            self._forget(job_id, progress)
        table = pa.concat_tables(pages)
        processed = int(done["numberRecordsProcessed"])
        if table.num_rows != processed:
            raise IncompleteAnswer(f"Bulk job {job_id} processed {processed:,} records and sent {table.num_rows:,}; run again")
        return table

    def _forget(self, job_id: str, progress: Progress) -> None:
        """Delete a job: left behind it would count against the daily limit for a week. Its answer does not depend on it."""
        try:
            self._salesforce.restful(f"jobs/query/{job_id}", method="DELETE")
        except (SalesforceError, requests.exceptions.RequestException) as fault:
            progress(f"Bulk job {job_id} could not be deleted ({type(fault).__name__}); Salesforce forgets it in a week")

    def _wait_for(self, job_id: str) -> dict[str, Any]:
        pause, waited = FIRST_POLL_SECONDS, 0.0
        while True:
            job = cast("dict[str, Any]", self._salesforce.restful(f"jobs/query/{job_id}"))
            if job["state"] == "JobComplete":
                return job
            if job["state"] in {"Failed", "Aborted"}:
                raise RequestRefused(f"Bulk job {job_id} {job['state'].lower()}: {job.get('errorMessage') or 'no reason given'}; run again")
            if waited > LONGEST_JOB_SECONDS:
                raise SalesforceUnavailable(f"Bulk job {job_id} is still {job['state']} after {waited:.0f} s; run again later")
            self._pause(pause)
            waited += pause
            pause = min(pause * 1.5, SLOWEST_POLL_SECONDS)

    def _pages(self, job_id: str, fields: Sequence[str], progress: Progress) -> Iterator[pa.Table]:
        url = f"{self._salesforce.base_url}jobs/query/{job_id}/results"
        locator, received = "", 0
        while locator != "null":
            wanted = {"maxRecords": str(BULK_PAGE)} | ({"locator": locator} if locator else {})
            answer = self._salesforce.session.get(url, params=wanted, headers={**self._salesforce.headers, "Accept": "text/csv"})
            if not answer.ok:
                raise RequestRefused(f"results of Bulk job {job_id}: HTTP {answer.status_code} {_first_words(answer)}")
            page = _parsed(answer.content, fields)
            announced = int(answer.headers["Sforce-NumberOfRecords"])
            if page.num_rows != announced:
                raise IncompleteAnswer(f"a page of Bulk job {job_id} announced {announced:,} records and holds {page.num_rows:,}; run again")
            received += page.num_rows
            progress(f"{received:,} records received")
            yield page
            locator = answer.headers["Sforce-Locator"]

    @contextmanager
    def _faults(self, what: str) -> Iterator[None]:
        """Turn the library's exceptions into one sentence each."""
        place = self.login.place
        try:
            yield
        except SalesforceAuthenticationFailed as refused:
            raise LoginRefused(
                f"{place} refused the login ({_shown(str(refused), self.login)}); check SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET"
            ) from None
        except SalesforceError as refused:
            content: Any = refused.content
            first: Any = content[0] if isinstance(content, list) and content else content
            reason = f"{first.get('errorCode')}: {first.get('message')}" if isinstance(first, dict) else str(first)
            raise RequestRefused(f"{place} refused to {what}: {_shown(reason, self.login)}") from None
        except requests.exceptions.RequestException as fault:
            raise SalesforceUnavailable(
                f"{place} did not answer when asked to {what} ({type(fault).__name__}); check the address and the network, then run again"
            ) from None


class _Adapter(HTTPAdapter):
    """Every request has a timeout; reading is tried again; a local org is reached over plain HTTP."""

    def __init__(self, local_url: str) -> None:
        self._local_url = local_url.rstrip("/")
        retry = Retry(
            total=4, connect=2, backoff_factor=0.4, status_forcelist=(429, 502, 503, 504),
            allowed_methods=("GET", "HEAD"), raise_on_status=False, respect_retry_after_header=True,
        )  # fmt: skip
        super().__init__(max_retries=retry)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401
        """Send with a timeout, to this machine where the org is local."""
        if self._local_url:
            target = urlsplit(request.url or "")
            request.url = f"{self._local_url}{target.path}" + (f"?{target.query}" if target.query else "")
        kwargs["timeout"] = kwargs.get("timeout") or (CONNECT_SECONDS, READ_SECONDS)
        return super().send(request, *args, **kwargs)


def _session(login: Login) -> requests.Session:
    session = requests.Session()
    session.trust_env = not login.local_url  # a proxy has no way to this machine's loopback
    session.mount("https://", _Adapter(login.local_url))
    return session


def _newest_common(session: requests.Session, domain: str, place: str) -> str:
    answer = session.get(f"https://{domain}.salesforce.com/services/data")
    try:
        offered = [float(each["version"]) for each in answer.json()]
    except (ValueError, TypeError, KeyError):
        raise SalesforceUnavailable(f"{place} answers, but not like Salesforce (HTTP {answer.status_code}); check the address") from None
    common = [version for version in offered if OLDEST_VERSION <= version <= NEWEST_VERSION]
    if not common:
        raise RequestRefused(f"{place} offers API versions {min(offered)} to {max(offered)}; this program needs {OLDEST_VERSION} to {NEWEST_VERSION}")
    return f"{max(common):.1f}"


def _refuse_remote(url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_local = host == "localhost" or ipaddress.ip_address(host).is_loopback
        is_local &= parts.scheme == "http"
    except ValueError:
        is_local = False
    if not is_local:
        raise NotLocal("SALESFORCE_LOCAL_URL must be an address on this machine, such as http://127.0.0.1:8080")


def _parsed(content: bytes, fields: Sequence[str]) -> pa.Table:
    """Read a Bulk page: everything is text, and nothing but an empty string is null."""
    table = pyarrow.csv.read_csv(
        io.BytesIO(content.replace(b"\x00", b"")),
        read_options=pyarrow.csv.ReadOptions(block_size=MANY_ROWS_IN_A_BLOCK),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={name: pa.string() for name in fields},
            null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=True,
        ),
    )  # fmt: skip
    if table.column_names != list(fields):
        raise IncompleteAnswer(f"a Bulk page has columns {table.column_names[:5]} instead of {list(fields)[:5]}; run again")
    return table


def _text(value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _shown(text: str, login: Login) -> str:
    """Return a server's words in one short line, without our secret should it echo it."""
    return " ".join(text.replace(login.client_secret, "***").split())[:300]


def _first_words(answer: requests.Response) -> str:
    return " ".join(answer.text[:200].split())
