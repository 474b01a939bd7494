"""Talking to Salesforce: sessions, timeouts, asking again, limits, several requests in one.

Put sessions here, on top of simple-salesforce's logins: asking, asking again, what a refusal means.
The wire is `transport`, large answers are `bulk`; which objects and fields are read is `objects`.
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import jwt
import requests
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from connectors.salesforce.answers import Composite, Identity, QueryPage, expect
from connectors.salesforce.auth import JWT_BEARER, SESSION, Login, LoginRefused
from connectors.salesforce.refusals import (
    AnswerLost,
    DailyLimitReached,
    IncompleteAnswer,
    LocatorExpired,
    QueryTimeout,
    RequestRefused,
    ResourceNotFound,
    SalesforceUnavailable,
)
from connectors.salesforce.transport import (
    Adapter,
    Call,
    bundles,
    content_of,
    query_string,
    seconds_to_wait,
)
from sales.errors import UserError

if TYPE_CHECKING:
    from simple_salesforce.api import Salesforce

NEWEST_VERSION = 66.0
OLDEST_VERSION = 58.0
NEWEST_SOAP_VERSION = 64.0
READ_SECONDS = 300.0
ATTEMPTS, LOGIN_ATTEMPTS, LONGEST_PAUSE = 6, 3, 20.0
OK, MULTIPLE_CHOICES, UNAUTHORIZED, NOT_FOUND, TOO_MANY = 200, 300, 401, 404, 429
SERVER_ERROR = 500
JSON, CSV = "application/json", "text/csv"
# Hosts that a login may name: Salesforce's clouds, its government cloud, and the one in China.
OF_SALESFORCE = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,200}[A-Za-z0-9])?\.(?:salesforce\.com|salesforce\.mil|sfcrmproducts\.cn)(?::443)?"
)
HIGHEST_API_SHARE = 90
TOLERATED_SKEW = timedelta(minutes=5)

Progress = Callable[[str], None]


class _Transient(Exception):  # never leaves this module
    """Worth asking again; carries the fault to raise when it stays so."""

    def __init__(self, fault: UserError, wait: float = 0.0) -> None:
        super().__init__(str(fault))
        self.fault, self.wait = fault, wait


class SalesforceSession:
    """A logged-in connection. Requests are counted; Salesforce's clock is the clock."""

    def __init__(
        self,
        login: Login,
        *,
        pause: Callable[[float], None] = time.sleep,
        read_seconds: float = READ_SECONDS,
        highest_api_share: int = HIGHEST_API_SHARE,
    ) -> None:
        """Log in; raises `SalesforceUnavailable` or `LoginRefused`."""
        self.login = login
        self.pause = pause
        self.now = datetime.now(UTC)
        self.clock_skew = timedelta(0)
        self.api_usage = "unknown"
        self._highest_share = highest_api_share
        self._adapter = Adapter(login.local_url, read_seconds)
        session = requests.Session()
        session.trust_env = not login.local_url  # a proxy has no way to this machine's loopback
        session.mount("https://", self._adapter)
        self._has_composite = True
        self.version = self._negotiated(session)
        self._salesforce = self._retrying(lambda: self._logged_in(session), LOGIN_ATTEMPTS)

    @property
    def requests(self) -> int:
        """How many HTTP requests were sent, logins and repetitions included."""
        return self._adapter.sent

    # --- asking

    def get(self, path: str, parameters: dict[str, str] | None = None, *, what: str) -> Any:  # noqa: ANN401
        """Return the JSON of an address below the API version."""
        return self._json("GET", path, parameters=parameters, what=what)

    def send(self, method: str, path: str, body: dict[str, Any] | None = None, *, what: str) -> Any:  # noqa: ANN401
        """Send something that may be sent twice without harm."""
        return self._json(method, path, body=body, what=what)

    def create(self, path: str, body: dict[str, Any], *, what: str) -> Any:  # noqa: ANN401
        """Send something that must not be sent twice; raises `AnswerLost` when it may have arrived."""
        return self._json("POST", path, body=body, what=what, is_repeatable=False)

    def download(self, path: str, parameters: dict[str, str], *, what: str) -> requests.Response:
        """Return an answer as CSV."""
        return self._retrying(lambda: self._once("GET", path, parameters, None, CSV, what))

    def query(self, soql: str, *, what: str) -> dict[str, Any]:
        """Return the first page of a query, deleted records included."""
        return expect(self.get("queryAll", {"q": soql}, what=what), QueryPage, what)

    def pages(self, first: dict[str, Any], *, what: str) -> Iterator[list[dict[str, Any]]]:
        """Yield the records of every page; raises `IncompleteAnswer` unless all announced ones came."""
        answer = expect(first, QueryPage, what)
        received = len(first["records"])
        yield first["records"]
        while not answer["done"]:
            path = urlsplit(str(answer.get("nextRecordsUrl"))).path
            following = self.get(path.partition(f"/v{self.version}/")[2], what=what)
            answer = expect(following, QueryPage, what)
            received += len(answer["records"])
            yield answer["records"]
        if received != first["totalSize"]:
            raise IncompleteAnswer(
                f"asked to {what}, Salesforce announced {first['totalSize']:,} records and sent {received:,}; run again"
            )

    def records(self, soql: str, first: Any = None, *, what: str) -> list[dict[str, Any]]:  # noqa: ANN401
        """Return all records of a small query; an answer that was too slow, cut short or half forgotten is asked for again.

        `first` is its first page where that was asked for together with others, or the fault that
        met it.
        """
        for attempt in range(ATTEMPTS):
            try:
                if isinstance(first, Exception):
                    raise first  # it met this query
                return [
                    record
                    for page in self.pages(first or self.query(soql, what=what), what=what)
                    for record in page
                ]
            except (IncompleteAnswer, LocatorExpired, QueryTimeout):
                if attempt == ATTEMPTS - 1:
                    raise
                first = None
        raise AssertionError  # the last attempt returns or raises

    def whoami(self) -> dict[str, Any]:
        """Return user and organisation of the login."""
        what = "ask who we are"
        return expect(self.get("/services/oauth2/userinfo", what=what), Identity, what)

    def several(self, calls: Sequence[Call], *, what: str) -> list[Any]:
        """Return the JSON of each call, or the `UserError` that met it; many calls count as one request at Salesforce."""
        answers: list[Any] = []
        for bundle in bundles(calls):
            answers += (
                self._bundled(bundle, what)
                if self._has_composite
                else [self._alone(call, what) for call in bundle]
            )
        return answers

    def _bundled(self, bundle: list[Call], what: str) -> list[Any]:
        root = f"/services/data/v{self.version}/"
        wanted = [
            {
                "method": "GET",
                "url": root + call.path + query_string(call.parameters),
                "referenceId": f"r{number}",
            }
            for number, call in enumerate(bundle)
        ]
        try:
            answer = self.send(
                "POST", "composite", {"allOrNone": False, "compositeRequest": wanted}, what=what
            )
        except ResourceNotFound:
            self._has_composite = False
            return [self._alone(call, what) for call in bundle]
        expect(answer, Composite, what)
        parts = {part["referenceId"]: part for part in answer["compositeResponse"]}
        return [
            self._part(parts.get(f"r{number}"), call, what) for number, call in enumerate(bundle)
        ]

    def _part(self, part: dict[str, Any] | None, call: Call, what: str) -> Any:  # noqa: ANN401
        if part is None:
            return self._alone(call, what)
        if part["httpStatusCode"] < MULTIPLE_CHOICES:
            return part["body"]
        fault = self._fault(part["httpStatusCode"], part["body"], what)
        return self._alone(call, what) if isinstance(fault, _Transient) else fault

    def _alone(self, call: Call, what: str) -> Any:  # noqa: ANN401
        try:
            return self.get(call.path, call.parameters, what=what)
        except RequestRefused as refused:
            return refused

    # --- one request

    def _json(
        self,
        method: str,
        path: str,
        *,
        parameters: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
        what: str,
        is_repeatable: bool = True,
    ) -> Any:  # noqa: ANN401
        def once() -> Any:  # noqa: ANN401
            try:
                answer = self._once(method, path, parameters, body, JSON, what)
            except _Transient as lost:
                if is_repeatable or isinstance(lost.fault, RequestRefused):
                    raise
                raise AnswerLost(str(lost.fault)) from None
            if not answer.content:
                return None
            try:
                return answer.json(parse_float=Decimal)
            except requests.exceptions.JSONDecodeError:
                raise _Transient(self._silent(what, "an answer that is no JSON")) from None

        return self._retrying(once)

    def _once(
        self,
        method: str,
        path: str,
        parameters: dict[str, str] | None,
        body: dict[str, Any] | None,
        accept: str,
        what: str,
    ) -> requests.Response:
        for is_first in (True, False):
            try:
                answer = self._salesforce.session.request(
                    method,
                    self._address(path),
                    params=parameters,
                    json=body,
                    headers={
                        **self._salesforce.headers,
                        "Accept": accept,
                        "Accept-Encoding": "gzip, deflate",
                    },
                )
            except requests.exceptions.RequestException as fault:
                raise _Transient(self._silent(what, type(fault).__name__)) from None
            self._note(answer)
            if answer.status_code < MULTIPLE_CHOICES:
                return answer
            if answer.status_code == UNAUTHORIZED and is_first:
                self._log_in_again(what)
                continue
            raise self._fault(answer.status_code, content_of(answer), what, seconds_to_wait(answer))
        raise AssertionError  # the second round returns or raises

    def _address(self, path: str) -> str:
        """Return an address below the API version, or on the host where the path begins with a slash."""
        return (
            f"https://{self._salesforce.sf_instance}{path}"
            if path.startswith("/")
            else self._salesforce.base_url + path
        )

    def _note(self, answer: requests.Response) -> None:
        """Keep Salesforce's clock and its count of the day's requests; raises `DailyLimitReached` near the limit."""
        self._note_clock(answer)
        usage: Any = self._salesforce.parse_api_usage(
            answer.headers.get("Sforce-Limit-Info", "")
        ).get("api-usage")
        if usage is None:
            return
        self.api_usage = f"{usage.used}/{usage.total}"
        if usage.used * 100 > usage.total * self._highest_share:
            raise DailyLimitReached(
                f"{self.login.place} has answered {usage.used:,} of {usage.total:,} requests in 24 hours, more than {self._highest_share} %; "
                f"nothing is lost: run again later, or raise SALESFORCE_API_SHARE"
            )

    def _note_clock(self, answer: requests.Response) -> None:
        try:
            self.now = parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC)
        except (KeyError, ValueError):
            return
        self.clock_skew = datetime.now(UTC) - self.now

    def _fault(self, status: int, content: Any, what: str, wait: float = 0.0) -> Exception:  # noqa: ANN401
        """Return what an error means: a `UserError`, or something worth asking again."""
        several = cast("list[Any]", content if isinstance(content, list) else [content])
        first = several[0] if several else ""
        code, message = "", str(first)
        if isinstance(first, dict):
            said = cast("dict[str, Any]", first)
            code, message = str(said.get("errorCode", "")), str(said.get("message", ""))
        reason = self.login.masked(f"{code}: {message}" if code else f"HTTP {status} {message}")
        sentence = f"{self.login.place} refused to {what}: {reason}"
        if code == "REQUEST_LIMIT_EXCEEDED" and "TotalRequests" in message:
            again = self.now + (timedelta(seconds=wait) if wait else timedelta(hours=24))
            return DailyLimitReached(
                f"{self.login.place} has no requests left today: the limit counts the last 24 hours and is free again by {again:%Y-%m-%d %H:%M} UTC "
                f"at the latest; run again then, what was read so far is kept"
            )
        if status == TOO_MANY or code == "REQUEST_LIMIT_EXCEEDED":
            return _Transient(RequestRefused(f"{sentence}; run again later"), wait)
        if status >= SERVER_ERROR or status == UNAUTHORIZED:
            return _Transient(self._silent(what, reason), wait)
        kinds: dict[str, type[RequestRefused]] = {
            "QUERY_TIMEOUT": QueryTimeout,
            "INVALID_QUERY_LOCATOR": LocatorExpired,
            "NOT_FOUND": ResourceNotFound,
        }
        return kinds.get(code, ResourceNotFound if status == NOT_FOUND else RequestRefused)(
            sentence
        )

    def _silent(self, what: str, how: str) -> SalesforceUnavailable:
        return SalesforceUnavailable(
            f"{self.login.place} did not answer when asked to {what} ({how}); check the address and the network, then run again"
        )

    def _retrying(self, once: Callable[[], Any], attempts: int = ATTEMPTS) -> Any:  # noqa: ANN401
        """Ask again while it may help, more slowly each time; raises the last fault."""
        random = wait_random_exponential(multiplier=0.5, max=LONGEST_PAUSE)

        def wait(state: RetryCallState) -> float:
            fault = state.outcome.exception() if state.outcome else None
            return max(
                random(state),
                min(fault.wait, LONGEST_PAUSE) if isinstance(fault, _Transient) else 0.0,
            )

        retrying = Retrying(
            retry=retry_if_exception_type(_Transient),
            stop=stop_after_attempt(attempts),
            wait=wait,
            sleep=self.pause,
            reraise=True,
        )
        try:
            return retrying(once)
        except _Transient as lasting:
            raise lasting.fault from None

    # --- sessions

    def _negotiated(self, session: requests.Session) -> str:
        """Return the API version: the one that settings name, else the newest that both sides know."""

        def ask() -> requests.Response:
            try:
                answer = session.get(f"https://{self.login.host}/services/data")
            except requests.exceptions.RequestException as fault:
                raise _Transient(self._silent("log in", type(fault).__name__)) from None
            if answer.status_code >= SERVER_ERROR:
                raise _Transient(self._silent("log in", f"HTTP {answer.status_code}"))
            return answer

        answer = self._retrying(ask, LOGIN_ATTEMPTS)
        self._note_clock(answer)
        if self.login.api_version:
            return self.login.api_version
        try:
            offered = [float(each["version"]) for each in answer.json()]
        except (ValueError, TypeError, KeyError):
            raise SalesforceUnavailable(
                f"{self.login.place} answers, but not like Salesforce (HTTP {answer.status_code}); check the address"
            ) from None
        newest = NEWEST_SOAP_VERSION if self.login.uses_soap else NEWEST_VERSION
        common = [version for version in offered if OLDEST_VERSION <= version <= newest]
        if not common:
            raise RequestRefused(
                f"{self.login.place} offers API versions {min(offered)} to {max(offered)}; this program needs {OLDEST_VERSION} to {newest}"
            )
        return f"{max(common):.1f}"

    def _logged_in(self, session: requests.Session) -> Salesforce:
        # A tenth of a second, most of it for SOAP, that only a login needs.
        from simple_salesforce.api import Salesforce  # noqa: PLC0415
        from simple_salesforce.exceptions import SalesforceAuthenticationFailed  # noqa: PLC0415

        with_domain: dict[str, Any] = (
            {} if self.login.flow == SESSION else {"domain": self.login.host_domain}
        )
        try:
            with warnings.catch_warnings():  # the library prints what our sentence says
                warnings.simplefilter("ignore")
                return self._trusted(
                    Salesforce(
                        **self.login.arguments(),
                        **with_domain,
                        version=self.version,
                        session=session,
                        client_id="onpace",
                    )
                )
        except SalesforceAuthenticationFailed as refused:
            raise self._refused(str(refused)) from None
        except (jwt.InvalidKeyError, ValueError, TypeError) as fault:
            if self.login.flow != JWT_BEARER:
                raise
            raise LoginRefused(
                f"SALESFORCE_PRIVATE_KEY holds no usable private key in PEM form ({type(fault).__name__}); export it as -----BEGIN PRIVATE KEY-----"
            ) from None
        except requests.exceptions.RequestException as fault:
            raise _Transient(self._silent("log in", type(fault).__name__)) from None

    def _trusted(self, salesforce: Salesforce) -> Salesforce:
        """Return a login whose host is Salesforce's: what the answer named gets the token with every request."""
        host = str(salesforce.sf_instance)
        if not self.login.local_url and not OF_SALESFORCE.fullmatch(host):
            raise LoginRefused(
                f"{self.login.place} answered the login with the host {host[:80]!r}, which is not Salesforce's; nothing was asked there: check SALESFORCE_DOMAIN"
            )
        return salesforce

    def _log_in_again(self, what: str) -> None:
        if self.login.flow == SESSION:
            raise LoginRefused(
                f"the session of SALESFORCE_SESSION_ID ended while asked to {what}; log in anew and set it again"
            )
        from simple_salesforce.exceptions import SalesforceAuthenticationFailed  # noqa: PLC0415

        try:
            self._salesforce._refresh_session()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # the library has no public name for it
        except SalesforceAuthenticationFailed as refused:
            raise self._refused(str(refused)) from None
        except requests.exceptions.RequestException as fault:
            raise _Transient(self._silent("log in", type(fault).__name__)) from None
        self._trusted(self._salesforce)

    def _refused(self, reason: str) -> LoginRefused:
        clock = (
            f"; this machine's clock is {self.clock_skew.total_seconds():.0f} s off"
            if abs(self.clock_skew) > TOLERATED_SKEW
            else ""
        )
        approve = (
            ", and allow the External Client App for this user in advance"
            if "approved" in reason
            else ""
        )
        return LoginRefused(
            f"{self.login.place} refused the login ({self.login.masked(reason)}){clock}; check {self.login.variables}{approve}"
        )
