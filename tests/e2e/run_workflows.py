"""Workflows of several steps for the tests of runs, as their files would say them."""

from __future__ import annotations

from typing import Any

from shared.catalog.publishing import publish
from shared.kafka.producer import Publisher
from shared.model.workflows import Workflow, parse
from tests.support.env import Harness

TEXTS: dict[str, Any] = {
    "in_app": {"title": "{{ digest.count }} of {{ data.thread | default: 'none' }}"},
    "email": {"subject": "Still there?", "text": "{{ data.n | default: 0 }}"},
}


def flow(key: str, *steps: dict[str, Any], **more: Any) -> Workflow:
    """One that is started by events of its own key."""
    known = {"key": key, "on": [key], "recipients": "data.to", "category": key, "templates": TEXTS}
    return parse(known | {"steps": list(steps)} | more)


SHOW = {"key": "show", "channels": ["in_app"]}
MAIL = {"key": "mail", "channels": ["email"]}
WORKFLOWS = (
    flow("run.digest", {"key": "gather", "kind": "digest", "by": "data.thread", "seconds": 2, "max_items": 500}, SHOW),
    flow("run.escalate", SHOW, {"key": "wait", "kind": "wait_for_read", "seconds": 3}, MAIL),
    flow("run.first", {"key": "first", "channels": ["email", "webhook"], "deliver": "first"}),
    flow("run.later", {"key": "wait", "kind": "delay", "seconds": 3}, MAIL),
    flow(
        "run.booking", {"key": "wait", "kind": "delay", "until": "data.start - 1h"}, SHOW, collapse_key="data.booking"
    ),
    flow(
        "run.twice",
        SHOW,
        {"key": "wait", "kind": "delay", "seconds": 1},
        {"key": "again", "channels": ["in_app"], "templates": {"in_app": {"title": "Still {{ data.thread }}"}}},
    ),
    flow("run.limited", {"key": "limit", "kind": "throttle", "most": 2, "seconds": 60}, SHOW),
)


async def publish_runs(product: Harness) -> None:
    """Publishes them; services take them up by themselves."""
    await publish_flows(product, *WORKFLOWS)


async def publish_flows(product: Harness, *workflows: Workflow) -> None:
    """Publishes some; services take them up by themselves."""
    publisher = Publisher(product.names.brokers.kafka, client_id="tests")
    await publisher.start()
    try:
        async with product.database() as database:
            await publish(database, publisher, product.names.topics, "default", workflows)
    finally:
        await publisher.stop()
