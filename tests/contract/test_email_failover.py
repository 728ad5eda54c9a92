"""Two providers of e-mail, each a real server: what one does not take the other does, as the same message."""

from __future__ import annotations

from collections.abc import AsyncIterator
from math import inf
from typing import Any

import pytest

from sandbox.sink.accounts import SENDGRID_KEY
from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.email.channel import SETTINGS, open_channel
from services.delivery.core.asked import AskedAccounts
from services.delivery.core.attempts import Outcome, ProviderUnavailable, Rejected, Sent
from services.delivery.failover import attempt
from services.delivery.settings import DeliverySettings
from shared.catalog.cache import Catalog
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.templates import EmailTemplate
from shared.mongo.database import Database
from tests.contract.sinks import Sink
from tests.support import samples as a

pytestmark = pytest.mark.real
WORKFLOW = a.workflow(
    templates=Templates(email=EmailTemplate(subject="Grüße {{ data.order }}", text="Text", html="<b>Html</b>"))
)
SMTP_DOWN = {"email": {"mode": "down"}}
API_DOWN = {"providers": {"sendgrid": {"mode": "status", "status": 503}}}


class Scene:
    """The channel as a worker opens it, over the sink."""

    def __init__(self, sink: Sink, database: Database) -> None:
        self._sink = sink
        own = SETTINGS(
            smtp_port=sink.smtp,
            sendgrid_url=f"http://127.0.0.1:{sink.http}/sendgrid",
            sendgrid_api_key=SENDGRID_KEY,
            email_providers="smtp,sendgrid",
            email_from="Shop <shop@example.com>",
        )
        self.channel = open_channel(
            ChannelContext(
                channel=Channel.EMAIL,
                settings=DeliverySettings(),
                own=own,
                database=database,
                catalog=Catalog(database),
            )
        )
        self.breaker = self.channel._sending.breaker

    async def attempt(self, name: str, **changes: Any) -> Outcome:
        found = await attempt(self.breaker, a.delivery(id=name, **changes), WORKFLOW, inf, AskedAccounts())
        assert isinstance(found, Outcome)
        return found

    async def fails(self, plan: dict[str, Any]) -> None:
        await self._sink.call("PUT", "/faults", json=plan)

    async def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self._sink.call("GET", "/messages?kind=email"))["messages"]
        return found


@pytest.fixture
async def scene(sink: Sink, database: Database) -> AsyncIterator[Scene]:
    await sink.call("DELETE", "/messages")
    await sink.call("DELETE", "/faults")
    made = Scene(sink, database)
    yield made
    await made.channel.close()
    await sink.call("DELETE", "/faults")


async def test_the_api_takes_what_the_mail_server_does_not(scene: Scene) -> None:
    assert await scene.attempt("d-1") == Sent(receipt="250")
    await scene.fails(SMTP_DOWN)
    assert isinstance(await scene.attempt("d-2"), Sent)
    by_smtp, by_api = await scene.messages()
    assert by_api["envelope"]["provider"] == "sendgrid"
    assert by_api["envelope"]["custom_args"] == {"delivery": "d-2", "notification": a.ID}
    for part in ("to", "subject", "text", "html"):
        assert str(by_api[part]).rstrip() == str(by_smtp[part]).rstrip(), part
    assert dict(by_api["headers"])["Message-ID"] == "<d-2@example.com>"


async def test_what_one_refuses_for_the_recipients_sake_goes_to_no_other(scene: Scene) -> None:
    await scene.fails({"email": {"mode": "reject"}})
    assert isinstance(await scene.attempt("d-1"), Rejected)
    assert not await scene.messages()


async def test_without_both_it_waits_for_either(scene: Scene) -> None:
    await scene.fails(SMTP_DOWN | API_DOWN)
    assert isinstance(await scene.attempt("d-1"), ProviderUnavailable)
    assert scene.breaker.waits_for(a.delivery()) == "email/sendgrid+smtp"
    assert not await scene.messages()
