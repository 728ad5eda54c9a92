"""How the webhook channel is put together: an account and a host for each endpoint, and days after which it is given up."""

from __future__ import annotations

from typing import Any, cast

import pytest

from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.own_endpoint import host_of
from services.delivery.channels.webhook.channel import SETTINGS, open_channel
from services.delivery.settings import DeliverySettings
from shared.model import ids
from shared.model.channels import Channel, Lane
from shared.model.topics import Topics
from tests.support import samples as a
from tests.support.twins.catalog import MemoryCatalog
from tests.support.twins.publisher import MemoryPublisher


class _Anything:
    """A database that nobody asks: any name is a collection of it."""

    def __getattr__(self, _name: str) -> _Anything:
        return self


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://Hooks.Example.com/a", "hooks.example.com"),
        ("http://hooks.example.com:8080/a", "hooks.example.com:8080"),
        ("http://[::1/a", None),
        ("mailto:ada@example.com", None),
    ],
)
def test_a_host_is_that_of_the_url(address: str, host: str | None) -> None:
    assert host_of(a.delivery(channel=Channel.WEBHOOK, address=address)) == host


async def test_each_endpoint_has_an_account_a_share_by_its_host_and_an_end() -> None:
    context = ChannelContext(
        channel=Channel.WEBHOOK,
        settings=DeliverySettings(),
        own=SETTINGS(webhook_secret="w" * 40, webhook_disable_after_days=2),
        database=cast("Any", _Anything()),
        catalog=cast("Any", MemoryCatalog()),
    )
    opened = open_channel(context)
    breaker = opened._sending.breaker
    one, other = (
        a.delivery(
            channel=Channel.WEBHOOK, address="https://hooks.example.com/a", notification=a.notification(tenant=tenant)
        )
        for tenant in ("acme", "other")
    )
    assert breaker.waits_for(one) == ids.endpoint_id("acme", "https://hooks.example.com/a") != breaker.waits_for(other)
    assert breaker.policy.disable_after == 2 * 86_400_000
    worker = cast("Any", opened.reader(Lane.NORMAL, cast("Any", MemoryPublisher())))._worker
    assert worker._host_of is host_of
    assert worker._topics == Topics()
    assert worker._slots is not cast("Any", opened.reader(Lane.EXPRESS, cast("Any", MemoryPublisher())))._worker._slots
    await opened.close()
