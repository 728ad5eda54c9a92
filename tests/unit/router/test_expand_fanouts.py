"""Events for more people than are expanded at once: one record starts the walk, whatever is read again."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from shared.model import ids
from shared.model.fanouts import FanoutPage, decode_page, fanout_id
from shared.model.workflow_recipients import Audience, Everybody
from tests.support import samples as a
from tests.unit.router.expand_stores import TOPICS, TYPE, ExpandStores, carry

pytestmark = pytest.mark.usefixtures("clock")
EVENT = ids.event_id("default", "/shop", "e-1")
FANOUT = fanout_id(EVENT, "order.shipped")


def event(data: Any, **more: Any) -> Any:
    return a.event_record(data=orjson.dumps(data), **more)


def stores(recipients: Any, **more: Any) -> ExpandStores:
    made = ExpandStores()
    made.catalog.publish("default", a.workflow(version=4, on=(TYPE,), recipients=recipients, **more))
    return made


def pages(found: ExpandStores) -> list[FanoutPage]:
    return [decode_page(output.value) for output in found.publisher.on(TOPICS.fanouts)]


def statuses(found: ExpandStores) -> dict[str, dict[str, Any]]:
    outputs = found.publisher.on(TOPICS.statuses)
    return {dict(each.headers)["ce_type"].decode(): orjson.loads(each.value or b"") for each in outputs}


async def test_a_topic_is_named_by_the_data() -> None:
    found = stores(Audience(topic="thread:{data.thread.id}"))
    await carry(await found.expander(), event({"thread": {"id": 7}, "text": "Hello"}))
    assert pages(found) == [FanoutPage(fanout=FANOUT)]
    started = found.fanouts.started[FANOUT]
    assert (started.topic, started.template.topic, started.template.version) == ("thread:7", "thread:7", 4)
    assert orjson.loads(bytes(started.template.data)) == {"thread": {"id": 7}, "text": "Hello"}
    assert not found.notifications
    assert statuses(found)["carillon.event.expanded"]["fanouts"] == [FANOUT]
    assert statuses(found)["carillon.fanout.started"]["topic"] == "thread:7"


async def test_all_users_of_whom_something_holds() -> None:
    found = stores(Audience(users=Everybody.ALL, where={"profile.locale": ["de"]}), actor="data.by")
    await carry(await found.expander(), event({"by": 42}))
    started = found.fanouts.started[FANOUT]
    assert (started.topic, started.where, started.template.actor) == (None, {"profile.locale": ["de"]}, "42")


async def test_a_long_list_is_kept_with_its_fan_out_and_nobody_is_told_who_else() -> None:
    found = stores("data.to")
    users = [str(number) for number in range(101)]
    await carry(await found.expander(), event({"to": [*users, ""], "text": "Hello"}))
    started = found.fanouts.started[FANOUT]
    assert [each.id for each in started.listed] == users
    assert bytes(started.template.data) == b'{"text":"Hello"}'
    assert [part.left_out[0].reason for part in found.expansions.rows[EVENT].parts] == ["invalid_user_id"]


@pytest.mark.parametrize("data", [{}, {"thread": None}, {"thread": True}, {"thread": "a\n"}], ids=repr)
async def test_a_topic_that_the_data_does_not_name_costs_its_workflow(data) -> None:
    found = stores(Audience(topic="thread:{data.thread}"))
    await carry(await found.expander(), event(data))
    assert not pages(found)
    assert statuses(found)["carillon.event.not_expanded"]["reason"] in {"no_recipients", "invalid_topic"}


async def test_too_much_data_costs_its_workflow() -> None:
    found = stores(Audience(topic="thread"))
    await carry(await found.expander(), event({"text": "x" * 200_000}))
    assert statuses(found)["carillon.event.not_expanded"]["reason"] == "expanded_too_large"


async def test_a_replay_starts_it_again_under_the_same_id_and_the_version_of_before() -> None:
    found = stores(Audience(topic="thread"))
    await carry(await found.expander(), event({}, offset=5))
    found.catalog.publish("default", a.workflow(version=5, on=(TYPE,), recipients=Audience(topic="other")))
    await carry(await found.expander(), event({}, offset=5))
    await carry(await found.expander(), event({}, offset=6))
    assert pages(found) == [FanoutPage(fanout=FANOUT)] * 2, "a duplicate starts nothing"
    assert found.fanouts.started[FANOUT].topic == "thread"


async def test_its_row_is_there_before_its_record() -> None:
    found = stores(Audience(topic="thread"))
    found.fanouts.outages.add(2)
    await carry(await found.expander(), event({}))
    assert list(found.fanouts.started) == [FANOUT]
    assert len(pages(found)) == 1
