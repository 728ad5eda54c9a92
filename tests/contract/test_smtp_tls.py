"""The e-mail sender over SMTP servers that speak TLS, from the first byte on or after STARTTLS, and want a password."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

from services.delivery.channels.email.smtp import EmailSender
from services.delivery.core.attempts import AttemptFault, Outcome, ProviderUnavailable, Sent
from tests.contract.test_smtp import send, sending, settings

pytestmark = pytest.mark.real


class Handler:
    """aiosmtpd's hooks."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's
        self.taken.append(envelope)
        return "250 taken"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    made = trustme.CA()
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    made.cert_pem.write_to_path(path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.issue_cert("127.0.0.1").configure_cert(context)
    return path, context


@asynccontextmanager
async def real_server(context: ssl.SSLContext, **more: Any) -> AsyncIterator[tuple[int, Handler]]:
    """aiosmtpd in this process; `implicit`: TLS from the first byte on."""
    handler, implicit = Handler(), more.pop("implicit", False)

    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: LoginPassword) -> AuthResult:
        return AuthResult(success=(given.login, given.password) == (b"shop", b"s3cret"), handled=False)

    def make() -> SMTP:
        return SMTP(handler, authenticator=check, tls_context=None if implicit else context, **more)

    listening = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0, ssl=context if implicit else None)
    async with listening:
        yield listening.sockets[0].getsockname()[1], handler


LOGIN = {"smtp_username": "shop", "smtp_password": "s3cret"}


@pytest.mark.parametrize(
    ("server", "client", "outcome"),
    [
        ({"implicit": True}, {"smtp_tls": "implicit"}, Sent(receipt="250")),
        ({"implicit": True, "auth_required": True, "auth_require_tls": False}, {"smtp_tls": "implicit", **LOGIN}, Sent(receipt="250")),
        ({"require_starttls": True}, {"smtp_tls": "starttls"}, Sent(receipt="250")),
        ({"require_starttls": True}, {"smtp_start_tls": True}, Sent(receipt="250")),
        ({"require_starttls": True, "auth_required": True}, {"smtp_tls": "starttls", **LOGIN}, Sent(receipt="250")),
        ({"auth_require_tls": False, "auth_required": True}, LOGIN, Sent(receipt="250")),
        ({"require_starttls": True}, {}, ProviderUnavailable(code="530", fault=AttemptFault.ACCOUNT)),
        ({"require_starttls": True, "auth_required": True}, LOGIN, ProviderUnavailable(code="no_auth", fault=AttemptFault.ACCOUNT)),
        ({"auth_require_tls": False, "auth_required": True}, {}, ProviderUnavailable(code="530 5.7.0", fault=AttemptFault.ACCOUNT)),
        ({"auth_require_tls": False, "auth_required": True}, LOGIN | {"smtp_password": "wrong"},
         ProviderUnavailable(code="535 5.7.8", fault=AttemptFault.ACCOUNT)),
        ({}, {"smtp_tls": "implicit"}, ProviderUnavailable(code="tls_failed")),
        ({"implicit": True}, {}, ProviderUnavailable(code="no_greeting")),
        ({"implicit": True}, {"smtp_tls": "implicit", "smtp_ca_file": None}, ProviderUnavailable(code="tls_failed")),
        ({"require_starttls": True}, {"smtp_tls": "starttls", "smtp_ca_file": None}, ProviderUnavailable(code="tls_failed")),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # some servers do
async def test_tls_and_login(
    authority: tuple[Path, ssl.SSLContext], server: dict[str, Any], client: dict[str, Any], outcome: Outcome
) -> None:
    path, context = authority
    async with real_server(context, **server) as (port, handler):
        given = {"smtp_ca_file": path, "smtp_timeout_seconds": 2} | client
        sender = EmailSender(settings(port, **given))
        assert await send(sender) == outcome
        assert len(handler.taken) == isinstance(outcome, Sent)
        await sender.close()


async def test_starttls_is_never_left_out() -> None:
    async with sending(smtp_tls="starttls") as (sender, server):
        assert await send(sender) == ProviderUnavailable(code="no_starttls")
        assert "MAIL" not in server.verbs
