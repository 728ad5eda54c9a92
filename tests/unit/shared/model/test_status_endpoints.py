"""What is pushed to endpoints of statuses: what their filters let pass, once, and nothing about pushes."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest

from shared.model.errors import InvalidWorkflow
from shared.model.own_workflows import STATUSES
from shared.model.status_endpoints import FILTER, StatusEndpoint, StatusEvent, pushes
from shared.model.workflows import parse
from tests.support import samples as a


def endpoint(*events: str, tenant: str = "acme", url: str = "https://example.com/statuses") -> StatusEndpoint:
    return StatusEndpoint(tenant=tenant, id="one", url=url, events=events, created_at=a.NOON)


def status(type_: str = "carillon.delivery.sent", **changes: Any) -> StatusEvent:
    known: dict[str, Any] = {
        "id": "s-1", "tenant": "acme", "type": type_, "subject": "d-1", "at": "2026-01-05T12:00:00.000Z",
        "data": {"notification": "n-1", "workflow": "order.shipped", "reason": None},
    }  # fmt: skip
    return StatusEvent(**(known | changes))


@pytest.mark.parametrize(
    ("events", "type_", "wanted"),
    [
        (("carillon.delivery.dead",), "carillon.delivery.dead", True),
        (("carillon.delivery.dead",), "carillon.delivery.deadly", False),
        (("carillon.delivery.*",), "carillon.delivery.sent", True),
        (("carillon.delivery.*",), "carillon.delivery", False),
        (("carillon.*",), "carillon.inbox.read", True),
        (("carillon.delivery.*",), "carillon.deliveryx.sent", False),
        (("carillon.inbox.*", "carillon.delivery.dead"), "carillon.delivery.dead", True),
    ],
)
def test_filters(events: tuple[str, ...], type_: str, wanted: bool) -> None:
    assert endpoint(*events).wants(type_) is wanted
    assert all(re.fullmatch(FILTER, each) for each in events)


@pytest.mark.parametrize(
    "wrong", ["", "*", "delivery.*", "carillon.*.dead", "carillon.Delivery", "carillon..x", "carillon.x*"]
)
def test_what_is_no_filter(wrong: str) -> None:
    assert not re.fullmatch(FILTER, wrong)


def test_a_status_becomes_a_notification_for_each_url_that_wants_it_the_same_each_time() -> None:
    known = {"acme": [endpoint("carillon.delivery.*"), endpoint("carillon.*", url="https://other.example.com/")]}
    found, again = (list(pushes([status()], known, a.NOON + later)) for later in (0, 99))
    assert [one.id for one in found] == [one.id for one in again]
    assert len({one.id for one in found}) == 2
    (first, _) = found
    assert (first.workflow, first.version, first.event_type) == (STATUSES.key, 1, "carillon.delivery.sent")
    assert first.contact is not None
    assert first.contact.addresses == {"webhook": "https://example.com/statuses"}
    assert orjson.loads(bytes(first.data)) == {
        "notification": "n-1", "workflow": "order.shipped", "reason": None, "id": "s-1", "subject": "d-1",
        "time": "2026-01-05T12:00:00.000Z",
    }  # fmt: skip


def test_nothing_is_pushed_about_pushes_or_to_another_tenant() -> None:
    about_a_push = status(data={"notification": "n", "workflow": STATUSES.key})
    assert not list(pushes([about_a_push], {"acme": [endpoint("carillon.*")]}, a.NOON))
    assert not list(pushes([status(tenant="other")], {"acme": [endpoint("carillon.*")]}, a.NOON))


def test_nobody_publishes_a_workflow_of_the_platforms_own() -> None:
    document = {"key": "carillon.statuses", "category": "c", "steps": [{"key": "only", "channels": ["webhook"]}]}
    with pytest.raises(InvalidWorkflow, match="own"):
        parse(document)
