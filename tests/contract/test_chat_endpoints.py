"""Incoming webhooks as accounts: one that is gone is not called again, and pauses no other."""

from __future__ import annotations

from math import inf

import pytest

from sandbox.free_ports import free_ports
from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.chat.channel import open_channel
from services.delivery.core.asked import AskedAccounts
from services.delivery.core.attempts import Failed, Outcome, Rejected, Sent
from services.delivery.failover import attempt
from services.delivery.settings import DeliverySettings
from shared.catalog.cache import Catalog
from shared.model.channels import Channel
from shared.model.reasons import Reason
from shared.mongo.database import Database
from shared.mongo.provider_accounts import enable
from tests.contract.providers.slack import SETTINGS, SLACK
from tests.contract.sinks import Sink

pytestmark = pytest.mark.real


async def test_one_that_was_removed_is_left_alone_until_it_is_named_anew(sink: Sink, database: Database) -> None:
    await sink.call("DELETE", "/messages")
    case = SLACK.at(f"http://127.0.0.1:{sink.http}")
    opened = open_channel(
        ChannelContext(
            channel=Channel.CHAT,
            settings=DeliverySettings(),
            own=SETTINGS,
            database=database,
            catalog=Catalog(database),
        )
    )

    async def send(number: int) -> Outcome:
        found = await attempt(opened._sending.breaker, case.delivery(number), case.workflow(), inf, AskedAccounts())
        assert isinstance(found, Outcome)
        return found

    async def fails(status: int, code: str) -> None:
        fault = {"mode": "status", "status": status, "code": code, "retry_after": 60, "only": case.named(1)}
        await sink.call("PUT", "/faults", json={"providers": {"slack": fault}})

    try:
        await fails(429, "rate_limited")
        assert await send(1) == Failed(code="429", retry_after_ms=60_000)
        await fails(404, "no_service")
        assert await send(1) == Rejected(reason=Reason.ENDPOINT_GONE, code="404 no_service")
        await sink.call("DELETE", "/faults")
        disabled = await send(1)
        assert isinstance(disabled, Rejected)
        assert disabled.reason in (Reason.ENDPOINT_GONE, Reason.ENDPOINT_DISABLED)
        assert isinstance(await send(2), Sent)
        taken = (await sink.call("GET", "/messages?kind=chat"))["messages"]
        assert [message["to"] for message in taken] == [["delivery-2"]]
        await enable(database, case.delivery(1).notification.tenant, case.address(1))
        assert isinstance(await send(1), Sent)
    finally:
        await opened.close()
        await sink.call("DELETE", "/faults")


async def test_one_that_cannot_be_reached_is_its_own_trouble() -> None:
    (unused,) = free_ports(1)
    sender = SLACK.sender("")
    try:
        delivery = SLACK.at(f"http://127.0.0.1:{unused}").delivery(1)
        assert await sender.send(delivery, SLACK.workflow(), inf) == Failed(code="unreachable", cool_down=True)
    finally:
        await sender.close()
