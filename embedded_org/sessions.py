"""Who may ask: OAuth grants, the old SOAP login, and the tokens they give."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape, unescape

import jwt
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from embedded_org.answers import OrgError

HOST = "https://local-org.my.salesforce.com"
DEFAULT_CREDENTIAL = "onpace-local"
API_USER = "005000000000APIAAA"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LAST_SOAP_LOGIN = 64.0
REFRESH_TOKEN = "local-refresh-token"  # noqa: S105  # not a secret: only loopback may use it


@dataclass
class Credentials:
    """What the org accepts; an empty value refuses its flow. `public_key` is PEM text."""

    client_id: str = DEFAULT_CREDENTIAL
    client_secret: str = DEFAULT_CREDENTIAL
    username: str = "api@local-org.example"
    password: str = ""
    security_token: str = ""
    public_key: str = ""


@dataclass
class Sessions:
    """Tokens that are good; the org's clock dates them."""

    credentials: Credentials
    now: Callable[[], datetime]
    tokens: set[str] = field(default_factory=set)

    def open(self) -> str:
        """Return a new token."""
        token = f"00D000000000LOC!{secrets.token_urlsafe(48)}"
        self.tokens.add(token)
        return token

    def authorise(self, request: Request) -> None:
        """Raise `OrgError` 401 unless the request carries a good token."""
        if request.headers.get("authorization", "").partition(" ")[2] not in self.tokens:
            raise OrgError(401, "INVALID_SESSION_ID", "Session expired or invalid")

    async def token(self, request: Request, organization_id: str) -> Response:
        """Answer `POST /services/oauth2/token`."""
        form = dict(parse_qsl((await request.body()).decode(errors="replace")))
        try:
            client_id, client_secret = _client(request, form)
        except ValueError:
            return _oauth_error("invalid_client", "invalid client credentials")
        refusal = self._refusal(form, client_id, client_secret)
        if refusal:
            return _oauth_error(*refusal)
        return JSONResponse(
            {
                "access_token": self.open(),
                "instance_url": HOST,
                "id": f"{HOST}/id/{organization_id}/{API_USER}",
                "token_type": "Bearer",
                "issued_at": str(int(self.now().timestamp() * 1000)),
                "signature": base64.b64encode(secrets.token_bytes(32)).decode(),
                "scope": "api",
                "api_instance_url": HOST,
            }
        )

    def _refusal(
        self, form: dict[str, str], client_id: str, client_secret: str
    ) -> tuple[str, str] | None:
        known, grant = self.credentials, form.get("grant_type")
        if grant == JWT_GRANT:
            return self._refused_assertion(form.get("assertion", ""))
        if grant not in {"client_credentials", "password", "refresh_token"}:
            return "unsupported_grant_type", "grant type not supported"
        if not (_same(client_id, known.client_id) and _same(client_secret, known.client_secret)):
            is_known = _same(client_id, known.client_id)
            return (
                ("invalid_client", "invalid client credentials")
                if is_known
                else ("invalid_client_id", "client identifier invalid")
            )
        if grant == "password" and not self._is_person(form):
            return "invalid_grant", "authentication failure"
        if grant == "refresh_token" and not _same(form.get("refresh_token", ""), REFRESH_TOKEN):
            return "invalid_grant", "expired access/refresh token"
        return None

    def _is_person(self, given: dict[str, str]) -> bool:
        known = self.credentials
        is_user = _same(given.get("username", ""), known.username)
        return (
            bool(known.password)
            and is_user
            and _same(given.get("password", ""), known.password + known.security_token)
        )

    def _refused_assertion(self, assertion: str) -> tuple[str, str] | None:
        if not self.credentials.public_key:
            return "invalid_grant", "user hasn't approved this consumer"
        try:
            claims = cast(
                "dict[str, object]",
                jwt.decode(
                    assertion,
                    self.credentials.public_key,
                    algorithms=["RS256"],
                    options={"verify_exp": False, "verify_aud": False},
                ),
            )
        except jwt.InvalidTokenError:
            return "invalid_grant", "invalid assertion"
        if not _same(str(claims.get("iss")), self.credentials.client_id):
            return "invalid_client_id", "client identifier invalid"
        if not _same(str(claims.get("sub")), self.credentials.username):
            return "invalid_grant", "user hasn't approved this consumer"
        if (
            not str(claims.get("exp", "")).isdigit()
            or int(str(claims["exp"])) < self.now().timestamp()
        ):
            return "invalid_grant", "expired authorization code"
        return None

    async def soap(self, request: Request) -> Response:
        """Answer the SOAP `login()` that API versions up to 64 still have."""
        body = (await request.body()).decode(errors="replace")
        version = str(request.path_params["version"])
        given = {
            name: unescape(found[1])
            for name in ("username", "password")
            if (found := re.search(rf"<\w+:{name}>(.*?)</", body, re.DOTALL))
        }
        if float(version) > LAST_SOAP_LOGIN:
            return _soap_fault(
                "UNSUPPORTED_API_VERSION", f"login() is not available in API version {version}"
            )
        if not self._is_person(given):
            return _soap_fault(
                "INVALID_LOGIN", "Invalid username, password, security token; or user locked out."
            )
        return Response(
            '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
            'xmlns="urn:partner.soap.sforce.com"><soapenv:Body><loginResponse><result>'
            f"<serverUrl>{HOST}/services/Soap/u/{version}/00D000000000LOC</serverUrl><sessionId>{escape(self.open())}</sessionId>"
            f"<userId>{API_USER}</userId></result></loginResponse></soapenv:Body></soapenv:Envelope>",
            media_type="text/xml",
        )


def public_key_of(private_key: str) -> str:
    """Return the public half of a private key in PEM form; raises `ValueError`."""
    key = load_pem_private_key(private_key.encode(), password=None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _client(request: Request, form: dict[str, str]) -> tuple[str, str]:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    client_id, _, client_secret = base64.b64decode(encoded).decode().partition(":")
    return client_id, client_secret


def _same(given: str, known: str) -> bool:
    return secrets.compare_digest(given.encode(), known.encode())


def _oauth_error(code: str, description: str) -> Response:
    return JSONResponse({"error": code, "error_description": description}, status_code=400)


def _soap_fault(code: str, message: str) -> Response:
    return Response(
        '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:sf="urn:fault.partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault>'
        f"<faultcode>sf:{code}</faultcode><faultstring>{code}: {message}</faultstring><detail>"
        f'<sf:LoginFault xsi:type="sf:LoginFault"><sf:exceptionCode>{code}</sf:exceptionCode><sf:exceptionMessage>{message}</sf:exceptionMessage>'
        "</sf:LoginFault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>",
        status_code=500,
        media_type="text/xml",
    )
