"""Fan-outs that tests start from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shared.model.expansion import Request
from shared.model.fanouts import StartedFanout, start_fanout
from shared.model.recipients import Recipient
from tests.support import samples as a

TOPIC = "thread:7"


def request(**changes: Any) -> Request:
    """What starts a workflow, for nobody yet."""
    known: dict[str, Any] = {
        "tenant": "acme",
        "event_id": "e-1",
        "event_type": "com.example.order.shipped",
        "recipients": (),
        "data": b'{"order":"A7"}',
        "accepted_at": a.NOON,
    }
    return Request(**(known | changes))


def of_topic(topic: str = TOPIC, **changes: Any) -> StartedFanout:
    """To those who are subscribed."""
    return start_fanout(request(**changes), a.workflow(), topic=topic)


def of_list(users: Iterable[str], **changes: Any) -> StartedFanout:
    """To those who are named."""
    return start_fanout(request(**changes), a.workflow(), listed=[Recipient(id=user) for user in users])
