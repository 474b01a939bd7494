"""Every way to log in, against the org that checks it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connectors.salesforce.auth import Login, LoginRefused, MissingSetting
from connectors.salesforce.session import SalesforceSession
from embedded_org.server import OrgServer, serving
from embedded_org.sessions import Credentials, public_key_of
from tests.connectors.salesforce.orgs import LivingOrg

pytestmark = pytest.mark.slow


def new_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


KEY = new_key()
USER = "api@acme.example"


@pytest.fixture(scope="module")
def server() -> OrgServer:
    living = LivingOrg(3)
    server = OrgServer(
        living.org, Credentials("key", "secret", USER, "pass<&>word", "TOKEN", public_key_of(KEY))
    )
    living.org.now = lambda: datetime.now(UTC)  # assertions carry this machine's clock
    return server


@pytest.fixture(scope="module")
def address(server: OrgServer) -> Iterator[str]:
    with serving(server) as url:
        yield url


def session(login: Login) -> SalesforceSession:
    return SalesforceSession(login, pause=lambda _: None)


def session_of(address: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": "key", "client_secret": "secret"}
    return requests.post(f"{address}/services/oauth2/token", data=form, timeout=10).json()[
        "access_token"
    ]


def test_every_flow_logs_in_and_again_when_the_session_ends(
    server: OrgServer, address: str
) -> None:
    logins = {
        "client credentials": Login("", "key", "secret", address),
        "JWT bearer": Login("", "key", local_url=address, username=USER, private_key=KEY),
        "username and password": Login(
            "",
            "key",
            "secret",
            address,
            username=USER,
            password="pass<&>word",
            security_token="TOKEN",
        ),
    }
    for flow, login in logins.items():
        it = session(login)
        assert login.flow == flow
        assert it.version == "66.0"
        assert it.whoami()["username"] == USER
        server.sessions.tokens.clear()
        assert it.whoami()["username"] == USER


def test_a_password_without_an_app_uses_the_old_login_and_its_last_version(address: str) -> None:
    it = session(
        Login("", local_url=address, username=USER, password="pass<&>word", security_token="TOKEN")
    )
    assert it.login.uses_soap
    assert it.version == "64.0"
    assert it.whoami()["username"] == USER


def test_a_session_id_works_until_it_ends(server: OrgServer, address: str) -> None:
    it = session(Login("", local_url=address, session_id=session_of(address)))
    assert it.whoami()["username"] == USER
    server.sessions.tokens.clear()
    with pytest.raises(
        LoginRefused,
        match="the session of SALESFORCE_SESSION_ID ended while asked to ask who we are; log in anew",
    ):
        it.whoami()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (
            {"client_id": "key", "username": USER, "private_key": new_key()},
            "invalid assertion.*check SALESFORCE_CLIENT_ID and SALESFORCE_USERNAME",
        ),
        (
            {"client_id": "key", "username": "nobody", "private_key": KEY},
            "user hasn't approved this consumer",
        ),
        (
            {"client_id": "key", "username": USER, "private_key": "-----BEGIN nonsense"},
            "holds no usable private key in PEM form",
        ),
        (
            {
                "client_id": "key",
                "client_secret": "secret",
                "username": USER,
                "password": "hunter2",
            },
            "authentication failure.*check SALESFORCE_USERNAME",
        ),
        ({"username": USER, "password": "hunter2"}, "Invalid username, password, security token"),
        ({"client_id": "key", "client_secret": "hunter2"}, "invalid client credentials"),
    ],
)
def test_a_refusal_says_what_to_check_and_no_secret(
    more: dict[str, str], says: str, address: str
) -> None:
    with pytest.raises(LoginRefused, match=says) as refused:
        session(Login("", local_url=address, **more))
    assert "hunter2" not in str(refused.value)
    assert "BEGIN" not in str(refused.value) or "-----BEGIN PRIVATE KEY-----" in str(refused.value)


def test_an_assertion_that_is_too_old_by_salesforces_clock_names_the_clock(
    server: OrgServer, address: str
) -> None:
    server.clock_skew = timedelta(hours=1)
    try:
        with pytest.raises(LoginRefused, match=r"this machine's clock is -3\d\d\d s off"):
            session(Login("", "key", local_url=address, username=USER, private_key=KEY))
    finally:
        server.clock_skew = timedelta(0)


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("acme.my", "acme.my"),
        ("https://acme.my.salesforce.com/", "acme.my"),
        ("acme--dev.sandbox.my.salesforce.com", "acme--dev.sandbox.my"),
        ("https://acme.lightning.force.com/lightning/page/home", "acme.my"),
        ("https://acme.my.salesforce-setup.com/lightning/setup/SetupOneHome/home", "acme.my"),
        ("acme--dev.sandbox.lightning.force.com", "acme--dev.sandbox.my"),
        ("https://acme--dev.sandbox.my.salesforce.com/?ec=302", "acme--dev.sandbox.my"),
        ("https://acme-dev-ed.develop.lightning.force.com/", "acme-dev-ed.develop.my"),
        ("ACME.my", "acme.my"),
    ],
)
def test_a_my_domain_may_be_written_as_people_find_it(text: str, domain: str) -> None:
    assert Login(text, "a", "b").place == f"https://{domain}.salesforce.com"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"domain": "evil.example/?x="}, "is no host name"),
        ({"domain": "acme.my\nHost: evil"}, "is no host name"),
        (
            {"domain": "login", "client_id": "a", "client_secret": "b"},
            "client credentials need your My Domain",
        ),
        ({"domain": "acme.my", "username": USER}, "SALESFORCE_PASSWORD is not set"),
        ({"domain": "acme.my", "private_key": KEY}, "SALESFORCE_CLIENT_ID is not set"),
    ],
)
def test_a_half_filled_login_is_refused_before_anything_is_sent(
    more: dict[str, str], says: str
) -> None:
    with pytest.raises(MissingSetting, match=says):
        Login(**more)


def test_a_login_shows_no_secret() -> None:
    login = Login(
        "acme.my",
        "key",
        "s3cret",
        username=USER,
        password="hunter2",
        security_token="T0KEN",
        private_key=KEY,
        session_id="00D!x",
    )
    for secret in ("s3cret", "hunter2", "T0KEN", "PRIVATE", "00D!x"):
        assert secret not in repr(login)
    assert login.masked("you sent s3cret and hunter2") == "you sent *** and ***"
