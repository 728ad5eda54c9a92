"""Steps of a workflow: each kind that can be published, and each mistake with its place."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.deciding.facts import Facts
from shared.deciding.history import History
from shared.model.errors import InvalidWorkflow
from shared.model.step_checks import KNOWN, MAX_STEPS
from shared.model.step_order import walk
from shared.model.workflows import Workflow, parse
from tests.support import samples as a

INBOX: dict[str, Any] = {"key": "inbox", "channels": ["in_app"]}


def flow(*steps: Any) -> dict[str, Any]:
    return {
        "key": "a.b",
        "category": "c",
        "steps": list(steps),
        "templates": {"in_app": {"title": "Hi"}, "email": {"subject": "Hi", "text": "Hi"}},
    }


def publish(*steps: Any) -> Workflow:
    return parse(flow(*steps))


@pytest.mark.parametrize(
    "step",
    [
        {"channels": ["email", "webhook"], "deliver": "first"},
        {"channels": ["email", "webhook"], "deliver": "first", "fallback_after_seconds": 300},
        {"channels": ["webhook"], "when": {"data.total": {"gt": 1}, "profile.locale": "de", "presence.online": False}},
        {"channels": ["webhook"], "when": {"steps.inbox.read": False, "not": {"profile.addresses": {"contains": "email"}}}},
        {"kind": "delay", "seconds": 60},
        {"kind": "delay", "until": "data.booking.start - 24h", "late": "send_now"},
        {"kind": "digest", "seconds": 60, "by": "data.thread", "sliding": True, "max_items": 10, "first_at_once": True},
        {"kind": "digest", "cron": "0 9 * * 1-5", "user_choice": True},
        {"kind": "throttle", "most": 3, "seconds": 3600, "by": "data.thread"},
        {"kind": "wait_for_read", "seconds": 600, "seen": True},
        {"kind": "branch", "branches": [{"when": {"data.x": 1}, "steps": []}], "otherwise": [{"key": "o", "channels": ["webhook"]}]},
    ],
)  # fmt: skip
def test_what_can_be_published(step: dict[str, Any]) -> None:
    found = publish(INBOX, {"key": "next"} | step)
    assert found.format == 2, "an older version leaves it alone"
    assert not found.is_plain


X: dict[str, Any] = {"key": "x"}


@pytest.mark.parametrize(
    ("step", "pointer"),
    [
        (X | {"channels": ["webhook"], "deliver": "any"}, "/deliver"),
        (X | {"channels": []}, "/channels"),
        (X | {"channels": ["webhook", "webhook"]}, "/channels"),
        (X | {"channels": ["webhook"], "fallback_after_seconds": 5}, "/fallback_after_seconds"),
        (X | {"channels": ["webhook"], "deliver": "first", "fallback_after_seconds": 0}, "/fallback_after_seconds"),
        (X | {"channels": ["webhook"], "when": {"dta.x": 1}}, "/when/dta.x"),
        (X | {"channels": ["webhook"], "when": {"steps.none.sent": True}}, "/when/steps.none.sent"),
        (X | {"channels": ["webhook"], "when": {"steps.x.sent": True}}, "/when/steps.x.sent"),
        (X | {"channels": ["webhook"], "when": {"steps.inbox.gone": True}}, "/when/steps.inbox.gone"),
        (X | {"channels": ["webhook"], "when": {"steps.inbox": True}}, "/when/steps.inbox"),
        (X | {"channels": ["webhook"], "when": {"profile.vip": True}}, "/when/profile.vip"),
        (X | {"channels": ["webhook"], "when": {"profile.addresses": ["email"]}}, "/when/profile.addresses"),
        (X | {"channels": ["webhook"], "when": {"event.source": "/shop"}}, "/when/event.source"),
        (X | {"channels": ["webhook"], "when": {"presence": True}}, "/when/presence"),
        (INBOX, "/key"),
        ({"key": "X!", "channels": ["webhook"]}, "/key"),
        ({"key": "x" * 65, "channels": ["webhook"]}, "/key"),
        (X | {"kind": "delay"}, ""),
        (X | {"kind": "delay", "seconds": 1, "until": "data.x"}, ""),
        (X | {"kind": "delay", "seconds": 0}, "/seconds"),
        (X | {"kind": "delay", "seconds": 366 * 86_400 + 1}, "/seconds"),
        (X | {"kind": "delay", "until": "tomorrow"}, "/until"),
        (X | {"kind": "delay", "until": "data.x", "late": "never"}, "/late"),
        (X | {"kind": "delay", "seconds": 5, "channels": ["webhook"]}, ""),
        (X | {"kind": "digest"}, ""),
        (X | {"kind": "digest", "seconds": 5, "cron": "0 9 * * *"}, ""),
        (X | {"kind": "digest", "seconds": -1}, "/seconds"),
        (X | {"kind": "digest", "cron": "0 0 30 2 *"}, "/cron"),
        (X | {"kind": "digest", "cron": "0 0 9 * * *"}, "/cron"),
        (X | {"kind": "digest", "cron": "0 9 * * *", "sliding": True}, "/sliding"),
        (X | {"kind": "digest", "seconds": 5, "max_items": 0}, "/max_items"),
        (X | {"kind": "digest", "seconds": 5, "max_items": 1001}, "/max_items"),
        (X | {"kind": "digest", "seconds": 5, "by": "thread"}, "/by"),
        (X | {"kind": "digest", "seconds": 5, "by": "data.posts[0].id"}, "/by"),
        (X | {"kind": "throttle", "seconds": 5}, ""),
        (X | {"kind": "throttle", "most": 0, "seconds": 5}, "/most"),
        (X | {"kind": "throttle", "most": 1, "seconds": 0}, "/seconds"),
        (X | {"kind": "throttle", "most": 1, "seconds": 5, "by": "data"}, "/by"),
        (X | {"kind": "wait_for_read"}, ""),
        (X | {"kind": "wait_for_read", "seconds": 0}, "/seconds"),
        (X | {"kind": "branch"}, "/branches"),
        (X | {"kind": "branch", "branches": [{"when": {}, "steps": []}]}, "/branches/0/when"),
        (X | {"kind": "branch", "branches": [{"steps": []}]}, "/branches/0"),
        (
            X | {"kind": "branch", "branches": [{"when": {"data.x": 1}, "steps": [INBOX]}]},
            "/branches/0/steps/0/key",
        ),
        (
            X | {"kind": "branch", "branches": [{"when": {"data.x": 1}}], "otherwise": [{"key": "y", "channels": []}]},
            "/otherwise/0/channels",
        ),
        (X | {"kind": "fax"}, "/kind"),
    ],
)
def test_a_mistake_is_pointed_at(step: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidWorkflow) as refused:
        publish(INBOX, step)
    assert refused.value.pointer == f"/steps/1{pointer}"


def test_there_must_have_been_something_to_read() -> None:
    waits = {"key": "w", "kind": "wait_for_read", "seconds": 5}
    for before in ((), ({"key": "d", "kind": "delay", "seconds": 5},), ({"key": "m", "channels": ["email"]},)):
        with pytest.raises(InvalidWorkflow, match="inbox"):
            publish(*before, waits)
    publish(INBOX, waits)


def test_something_must_be_sent() -> None:
    for step in (
        {"key": "g", "kind": "digest", "seconds": 5},
        {"key": "t", "kind": "throttle", "most": 1, "seconds": 5},
    ):
        with pytest.raises(InvalidWorkflow, match="nothing is sent"):
            publish(step)


def test_a_condition_asks_only_about_steps_before_it() -> None:
    later = {"key": "first", "channels": ["webhook"], "when": {"steps.inbox.read": True}}
    with pytest.raises(InvalidWorkflow, match="before this one"):
        publish(later, INBOX)
    publish(INBOX, later)


def test_the_number_of_steps_is_bounded_wherever_they_stand() -> None:
    sends = [{"key": f"s{n}", "channels": ["webhook"]} for n in range(MAX_STEPS)]
    found = publish(*sends[1:], {"key": "b", "kind": "branch", "branches": [{"when": {"data.x": 1}, "steps": []}]})
    assert len(list(walk(found.steps))) == MAX_STEPS
    with pytest.raises(InvalidWorkflow, match="51 steps"):
        publish({"key": "b", "kind": "branch", "branches": [{"when": {"data.x": 1}, "steps": sends}]})


def test_texts_of_a_step_stand_for_the_workflows() -> None:
    own = {"key": "n", "channels": ["email"], "templates": {"email": {"subject": "s", "text": "t"}}}
    document = flow(own) | {"templates": {}}
    parse(document)
    with pytest.raises(InvalidWorkflow) as refused:
        parse(document | {"steps": [own, {"key": "m", "channels": ["email", "in_app"]}]})
    assert (refused.value.code, refused.value.pointer) == ("missing_template", "/templates/email")


def test_what_conditions_may_ask_about_is_what_is_looked_up() -> None:
    facts = Facts(a.routing_input(profile=a.profile(name="Ada", locale="de", zone="UTC"), history=History(online=True)))
    for root, names in KNOWN.items():
        for name in names:
            assert facts(f"{root}.{name}") is not msgspec.UNSET, f"{root}.{name}"
