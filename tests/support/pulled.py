"""Deliveries of `pull` that the tests start from; each changes what it is about."""

from __future__ import annotations

from typing import Any

from shared.model.channels import Channel
from shared.model.deliveries import ReceivedDelivery
from shared.model.pull import PulledDelivery
from shared.model.records import encode
from shared.process.clock import now_ms
from tests.support import samples as a

HOUR = 3_600_000


def pulled(id_: str = "d", *, about: dict[str, Any] | None = None, **changes: Any) -> PulledDelivery:
    """One that waits, decided now; `about` changes its notification, `changes` the delivery or what is known of it."""
    now = now_ms()
    own = {name: changes.pop(name) for name in tuple(changes) if name in PulledDelivery.__struct_fields__}
    delivery = a.delivery(
        **{
            "id": id_,
            "channel": Channel.PULL,
            "address": "ada",
            "notification": a.notification(**{"accepted_at": now, "expires_at": now + HOUR} | (about or {})),
            "decided_at": now,
            "format": 2,
        }
        | changes
    )
    known: dict[str, Any] = {
        "received": ReceivedDelivery(
            delivery=delivery, record=a.record(encode(delivery), topic="carillon.deliveries.pull.v1")
        ),
        "critical": False,
        "fresh_until": now + HOUR,
        "look": 0,
    }
    return PulledDelivery(**(known | own))
