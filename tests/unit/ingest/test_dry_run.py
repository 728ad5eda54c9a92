"""The dry run: the way of every request, up to the record that would be written; then what the router would do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import orjson
import pytest

from services.ingest.dry_run import MAX_SHOWN, DryRuns, Rehearsal, is_dry_run, refuse_dry_run
from services.ingest.models.body import InvalidFields
from services.ingest.models.dry_runs import DryRunAnswer
from services.ingest.models.notifications import read_send
from services.ingest.sending import NotificationSender
from services.ingest.unknown_users import UnknownUsers, all_known
from shared.deciding.routing import route
from shared.deciding.routing_input import RoutingInput
from shared.model.errors import MongoUnavailable
from shared.model.notifications import Notification
from shared.model.owners import Owner
from shared.model.profiles import Preferences
from shared.model.steps import ChannelStep, WaitForReadStep
from shared.model.subscriptions import Subscription
from shared.model.topics import Topics
from shared.model.workflows import Workflow
from tests.support import samples as a
from tests.support.twins.cancellations import MemoryCancellations
from tests.support.twins.catalog import MemoryCatalog
from tests.unit.deciding.runs import HOUR, MAIL, SHOW
from tests.unit.ingest.scenes import call, request

EVE = Owner(user="eve", preferences=Preferences())


class People:
    """Ada has mail and is not quiet, eve is at night; nobody else is known. `loads`: what was asked for at once."""

    def __init__(self) -> None:
        self.loads: list[list[str]] = []
        self.known = {"ada": a.profile(), "eve": a.profile(user="eve", quiet_hours=a.NIGHTS, zone="UTC")}

    async def load(self, notifications: Sequence[Notification], workflow: Workflow, now: int) -> list[RoutingInput]:
        self.loads.append([one.user for one in notifications])
        return [
            RoutingInput(
                notification=one, workflow=workflow, profile=self.known.get(one.user), cancel_count=0, now=now,
                owner=EVE if one.contact is not None else None,
            )
            for one in notifications
        ]  # fmt: skip


class Subscribers:
    """Of every topic: ada and eve."""

    async def of_topic(self, tenant: str, topic: str, *, most: int) -> list[Subscription]:
        return [Subscription(tenant=tenant, topic=topic, user=user) for user in ("ada", "eve")][:most]


class Stage:
    def __init__(self, **workflow: Any) -> None:
        self.catalog, self.people, self.cancellations = MemoryCatalog(), People(), MemoryCancellations()
        self.catalog.publish("acme", a.workflow(**workflow))
        self.dry_runs = DryRuns(
            loader=self.people, catalog=self.catalog, subscribers=Subscribers(), topics=Topics(), sender=self._sender
        )

    def _sender(self, rehearsal: Rehearsal) -> NotificationSender:
        return NotificationSender(
            acceptance=rehearsal, catalog=self.catalog, cancellations=self.cancellations, topics=Topics(),
            fanouts=rehearsal,
            unknown_users=UnknownUsers(all_known),
        )  # fmt: skip

    async def ask(self, *recipients: Any, now: int = a.NOON, **wanted: Any) -> dict[str, Any]:
        await self.catalog.load()
        body = {"workflow": "order.shipped", "recipients": list(recipients)} | wanted
        answer = await self.dry_runs.answer(call(orjson.dumps(body)), read_send(body, now), now=now)
        assert answer.status == 200
        found = orjson.loads(answer.body)
        DryRunAnswer.model_validate(found)
        return found


def outcomes(recipient: dict[str, Any]) -> list[tuple[str, str | None, str | None]]:
    return [(item["outcome"], item.get("channel"), item.get("reason")) for item in recipient["items"]]


async def test_it_says_who_gets_what_and_which_rule_stops_the_rest() -> None:
    stage = Stage()
    found = await stage.ask("ada", "zoe", actor="zoe")
    assert (found["dry_run"], found["workflow"], found["version"]) == (True, "order.shipped", 3)
    ada, zoe = found["recipients"]
    assert outcomes(ada) == [("deliver", channel, None) for channel in a.ALL]
    assert outcomes(zoe) == [("suppress", None, "is_actor")]
    assert zoe["items"][0]["rule"] == "recipient"
    assert [one["text"] for one in ada["sentences"]] == [f"It goes by {channel}." for channel in a.ALL]
    assert "example.com" not in str(found), "addresses are in the profile"


async def test_it_says_when_what_waits_goes() -> None:
    found = await Stage().ask("eve", now=a.NIGHT)
    (eve,) = found["recipients"]
    (held,) = [item for item in eve["items"] if item["outcome"] == "hold"]
    assert (held["channel"], held["rule"], held["due"]) == ("email", "quiet_hours", "2026-01-06T07:00:00.000Z")
    assert [one["until"] for one in eve["sentences"] if "until" in one] == ["2026-01-06T07:00:00.000Z"]


async def test_it_walks_through_the_steps() -> None:
    stage = Stage(steps=(SHOW, WaitForReadStep(key="wait", seconds=3600), MAIL))
    (ada,) = (await stage.ask("ada"))["recipients"]
    goes = [
        (item["at"], item["channel"], item.get("condition")) for item in ada["items"] if item["outcome"] == "deliver"
    ]
    assert goes == [
        ("2026-01-05T12:00:00.000Z", "in_app", None),
        ("2026-01-05T13:00:00.000Z", "email", "if it is not read until then"),
    ]
    assert HOUR == 3_600_000


async def test_the_first_of_it_is_what_route_answers() -> None:
    """The same function of the same inputs: what is shown is what the router does."""
    stage = Stage(steps=(ChannelStep(key="notify", channels=a.ALL),))
    (eve,) = (await stage.ask("eve", now=a.NIGHT))["recipients"]
    asked = a.routing_input(
        notification=a.notification(user="eve"), profile=stage.people.known["eve"], now=a.NIGHT, workflow=a.workflow()
    )
    wanted = [msgspec.to_builtins(item) for item in route(asked)]
    shown = [item | {"type": item["outcome"]} for item in eve["items"]]
    for found, stored in zip(shown, wanted, strict=True):
        assert {name: found[name] for name in ("type", "channel", "step")} == {
            name: stored[name] for name in ("type", "channel", "step")
        }


async def test_an_inline_person_who_is_a_user_is_followed() -> None:
    stage = Stage()
    found = await stage.ask({"email": "eve@example.com"})
    person, eve = found["recipients"]
    assert outcomes(person) == [("suppress", None, "known_user")]
    assert eve["user"] == "eve"
    assert ("deliver", "email", None) in outcomes(eve)
    assert len(stage.people.loads) == 2


async def test_a_hundred_are_loaded_at_once() -> None:
    stage = Stage()
    found = await stage.ask(*[f"u{number}" for number in range(MAX_SHOWN)])
    assert len(found["recipients"]) == MAX_SHOWN
    assert [len(load) for load in stage.people.loads] == [MAX_SHOWN]


async def test_the_first_of_an_audience_are_looked_at() -> None:
    found = await Stage(critical=True).ask(recipients={"topic": "news"})
    assert [each["user"] for each in found["recipients"]] == ["ada", "eve"]
    assert found["audience"] == "the subscribers of news, page by page; those among the first 100 are shown"
    assert outcomes(found["recipients"][0])[0] == ("deliver", "in_app", None)
    some = await Stage().ask(recipients={"topic": "news", "where": {"profile.zone": "UTC"}})
    assert [each["user"] for each in some["recipients"]] == ["eve"]
    everybody = await Stage().ask(recipients={"users": "all"})
    assert (everybody["recipients"], everybody["audience"]) == ([], "all users, page by page; nobody is shown")


async def test_of_a_long_list_a_hundred_are_looked_at() -> None:
    found = await Stage().ask(*[f"u{number}" for number in range(250)])
    assert len(found["recipients"]) == MAX_SHOWN
    assert found["audience"].startswith("a list of 250")


async def test_what_is_refused_is_refused_with_the_same_words() -> None:
    with pytest.raises(InvalidFields, match="shiped"):
        await Stage().ask("ada", workflow="order.shiped")
    with pytest.raises(InvalidFields):
        await Stage().ask("ada", expires_at="2020-01-01T00:00:00Z")
    stage = Stage()
    await stage.catalog.load()
    stage.cancellations.outages.add()
    with pytest.raises(MongoUnavailable):
        await stage.ask("ada", cancellation_key="k")


@pytest.mark.parametrize(("query", "wanted"), [("dry_run=true", True), ("dry_run=false", False), ("x=1", False)])
def test_the_query_says_it(query: str, wanted: bool) -> None:
    asked = request()
    asked.scope["query_string"] = query.encode()
    assert is_dry_run(asked) is wanted


@pytest.mark.parametrize(
    "query", ["dry_run=1", "dry_run=", "dry_run=True", "dryrun=true", "dry-run=true", "dry_runs=true"]
)
def test_what_may_have_been_meant_as_a_dry_run_is_not_sent(query: str) -> None:
    asked = request()
    asked.scope["query_string"] = query.encode()
    with pytest.raises(InvalidFields, match="dry_run"):
        is_dry_run(asked)


@pytest.mark.parametrize("query", ["dry_run=true", "dryrun=1"])
def test_a_call_that_has_no_dry_run_is_not_made(query: str) -> None:
    asked = request(path="/v1/events")
    asked.scope["query_string"] = query.encode()
    with pytest.raises(InvalidFields, match="dry"):
        refuse_dry_run(asked)
    other = request(path="/v1/events")
    other.scope["query_string"] = b"trace=1"
    refuse_dry_run(other)
