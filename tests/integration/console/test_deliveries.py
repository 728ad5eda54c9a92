"""Deliveries, listed: from statuses on a real Kafka to the API and the command, each tenant's own alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.model import ids
from shared.model.channels import Channel
from shared.model.deliveries import DeliveryState
from shared.model.devices import DEFAULT_ENDPOINT
from shared.model.outputs import Output
from shared.model.statuses import Subject, status
from shared.mongo.indexes import INDEXES
from tests.integration.console.stage import Console, command, console, decide
from tests.support.env import Names
from tests.support.wait import until
from tests.unit.console import test_timeline as made


@pytest.fixture
async def live(names: Names) -> AsyncIterator[Console]:
    async with console(names) as made_console:
        yield made_console


def sent_in_app(live: Console) -> Output:
    delivery = ids.delivery_id(made.NOTIFICATION.id, "notify", Channel.IN_APP, DEFAULT_ENDPOINT)
    about = {"notification": made.NOTIFICATION.id, "channel": Channel.IN_APP, "step": "notify", "attempts": 1}
    return status(
        live.topics.statuses, area="delivery", state=DeliveryState.SENT, subject=Subject(delivery, 0, 0),
        tenant="default", user="ana", at=made.ACCEPTED + 90, data=about,
    )  # fmt: skip


async def states(live: Console, wanted: dict[str, str], query: str = "") -> dict[str, Any]:
    """The answer once channels are in these states."""

    async def there() -> dict[str, Any]:
        code, found = await live.get(f"/v1/deliveries?{query}")
        assert code == 200, found
        return found if {row["channel"]: row["state"] for row in found["deliveries"]} == wanted else {}

    return await until(there, what=f"{wanted} are listed")


async def test_what_waits_and_what_was_sent(live: Console) -> None:
    await decide(live)
    await states(live, {"in_app": "queued", "email": "held"})
    await live.publisher.publish([sent_in_app(live)] * 2)
    found = await states(live, {"in_app": "sent", "email": "held"})
    [waiting] = [row for row in found["deliveries"] if row["channel"] == "email"]
    assert (waiting["notification"], waiting["reason"], waiting["user"]) == (
        made.NOTIFICATION.id,
        "quiet_hours",
        "ana",
    )
    assert waiting["due"] > waiting["accepted_at"]
    await states(live, {"email": "held"}, "state=open")
    await states(live, {"in_app": "sent"}, "state=sent&user=ana&workflow=order.shipped")
    code, out, err = await command(live, "deliveries", "--in", "open", "--json", "--key", live.keys["default"])
    assert (code, [row["channel"] for row in json.loads(out)["deliveries"]]) == (0, ["email"]), err
    code, out, err = await command(live, "deliveries", "--key", live.keys["default"])
    assert code == 0, err
    assert "2 shown" in out


async def test_pages_end_and_go_on(live: Console) -> None:
    await decide(live)
    await states(live, {"in_app": "queued", "email": "held"})
    _, first = await live.get("/v1/deliveries?limit=1")
    _, second = await live.get(f"/v1/deliveries?limit=1&cursor={first['cursor']}")
    assert {row["channel"] for row in (*first["deliveries"], *second["deliveries"])} == {"in_app", "email"}
    assert second["cursor"] is None


async def test_nobody_elses_and_nothing_that_is_not_there(live: Console) -> None:
    await decide(live)
    await states(live, {"in_app": "queued", "email": "held"})
    assert (await live.get("/v1/deliveries", key="other"))[1]["deliveries"] == []
    assert (await live.get("/v1/deliveries", key="sender"))[0] == 403
    code, problem = await live.get("/v1/deliveries?state=snet")
    assert (code, problem["code"]) == (422, "invalid_filter")
    assert 'did you mean "sent"?' in problem["detail"]
    for wrong in ("state=sent,", "channel=pigeon", "since=yesterday", "subject=", "cursor=xx", "limit=0"):
        assert (await live.get(f"/v1/deliveries?{wrong}"))[0] == 422, wrong


async def test_each_filter_has_an_index(live: Console) -> None:
    """Nothing that is asked for reads the whole collection."""
    await live.database.delivery_states.create_indexes(INDEXES["delivery_states"])
    for wanted in ({}, {"state": "sent"}, {"user": "ana"}, {"subject": "order/7"}):
        asked = live.database.delivery_states.find({"tenant": "default", **wanted})
        plan = await asked.sort([("accepted_at", -1), ("_id", -1)]).explain()
        assert "COLLSCAN" not in json.dumps(plan["queryPlanner"]["winningPlan"], default=str), wanted
