"""The checker of the chaos runs over tables of evidence: whatever is tampered with is a verdict that names it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.model.channels import Channel
from tests.chaos.checker import KINDS, check
from tests.chaos.tables import EVERYWHERE, Accepted, Effect, Evidence, Frame, Status

ADA, BOB = "default:ada#0", "default:bob#0"
ACCEPTED = {
    "n1": Accepted(owner=ADA, mark="A-1", asked=1, answered=2),
    "n2": Accepted(owner=ADA, mark="A-2", asked=3, answered=4),
    "n3": Accepted(owner=BOB, mark="A-3", asked=5, answered=6, not_before=500, quiet_until=600),
}
FIRST = {"n1": 10, "n2": 11, "n3": 12}
"""Where each is first decided."""


def routed(notification: str, offset: int, pass_: int = 0, **items: str) -> Status:
    """A decision: what became of each channel, `deliver` or why not."""
    described: list[dict[str, Any]] = [
        {"channel": channel, "outcome": "deliver", "delivery": f"{notification}-{channel}"}
        if outcome == "deliver"
        else {"channel": channel, "outcome": "suppress", "reason": outcome}
        for channel, outcome in items.items()
    ]
    data = {"pass": pass_, "items": described, "partition": 0, "offset": offset}
    return Status(id=f"{notification}-{pass_}", type="carillon.notification.routed", subject=notification, data=data)


def ended(delivery: str, state: str = "sent", pass_: int = 0) -> Status:
    id_ = f"{delivery}-{pass_}-{state}"
    return Status(id=id_, type=f"carillon.delivery.{state}", subject=delivery, data={"pass": pass_})


def mail(notification: str, owner: str, **more: Any) -> Effect:
    mark = ACCEPTED[notification].mark
    found = Effect(
        channel=Channel.EMAIL, delivery=f"{notification}-email", owner=owner, marks=frozenset({mark}), at=1_000
    )
    return replace(found, **more)


def row(notification: str, owner: str, offset: int, **more: Any) -> Effect:
    found = mail(notification, owner, channel=Channel.IN_APP, delivery=f"{notification}-in_app", offset=offset)
    return replace(found, **more)


def frame(notification: str, offset: int, owner: str = "default:ada", **more: Any) -> Frame:
    marks = frozenset({ACCEPTED[notification].mark})
    found = Frame(client=f"{owner}/1", owner=owner, notification=notification, marks=marks, offset=offset)
    return replace(found, **more)


def clean() -> Evidence:
    """A run in which everything was kept."""
    statuses = [routed(name, offset, in_app="deliver", email="deliver") for name, offset in FIRST.items()]
    statuses += [ended(f"{name}-{channel}") for name in FIRST for channel in ("in_app", "email")]
    effects = [mail("n1", ADA), mail("n2", ADA), mail("n3", BOB)]
    effects += [row("n1", ADA, 20), row("n2", ADA, 21), row("n3", BOB, 22)]
    frames = [frame("n1", 20), frame("n2", 21)]
    return Evidence(statuses=statuses, effects=effects, frames=frames, clients=frozenset({"default:ada"}))


def test_a_clean_run_has_no_faults_and_says_what_there_was() -> None:
    verdict = check(ACCEPTED, clean())
    assert verdict.faults() == {}
    assert verdict.ends == {"sent": 6}


def without(found: Evidence, number: int) -> Evidence:
    return replace(found, effects=found.effects[:number] + found.effects[number + 1 :])


def with_effect(number: int, **changes: Any) -> Callable[[Evidence], Evidence]:
    def tamper(found: Evidence) -> Evidence:
        effects = list(found.effects)
        effects[number] = replace(effects[number], **changes)
        return replace(found, effects=effects)

    return tamper


def with_frames(*frames: Frame) -> Callable[[Evidence], Evidence]:
    return lambda found: replace(found, frames=list(frames))


def swapped_rows(found: Evidence) -> Evidence:
    return with_effect(3, offset=21)(with_effect(4, offset=20)(found))


A_1, A_2, A_3 = frame("n1", 20), frame("n2", 21), frame("n3", 22)
TAMPERED: dict[str, tuple[Callable[[Evidence], Evidence], set[str]]] = {
    "a mail is lost": (lambda found: without(found, 0), {"lost"}),
    "a row is lost": (lambda found: without(found, 3), {"lost"}),
    "a mail came twice": (lambda found: replace(found, effects=[*found.effects, found.effects[0]]), {"doubled"}),
    "nobody sent this": (with_effect(0, delivery="other"), {"lost", "phantom"}),
    "before its time": (with_effect(5, at=499), {"early"}),
    "in quiet hours": (with_effect(2, at=599), {"early"}),
    "rows against the log": (swapped_rows, {"inverted"}),
    "two rows at one offset": (with_effect(4, offset=20), {"inverted"}),
    "a mail at another's address": (with_effect(0, owner=BOB), {"leaked"}),
    "a mail at nobody's address": (with_effect(0, owner="mallory@example.com"), {"leaked"}),
    "a mail in another tenant": (with_effect(0, owner="other:ada#0"), {"leaked"}),
    "a mail for the successor": (with_effect(0, owner="default:ada#1"), {"leaked"}),
    "a mail with another's contents": (with_effect(0, marks=frozenset({"A-3"})), {"leaked"}),
    "a mail with two contents": (with_effect(0, marks=frozenset({"A-1", "A-3"})), {"leaked"}),
    "a row in another's inbox": (with_effect(3, owner=BOB), {"leaked"}),
    "frames against the log": (with_frames(A_2, A_1), {"inverted"}),
    "a frame twice": (with_frames(A_1, A_2, A_2), {"inverted"}),
    "a frame on another's socket": (with_frames(A_1, A_2, A_3), {"leaked"}),
    "a frame in another tenant": (with_frames(A_1, A_2, frame("n1", 20, "other:ada")), {"leaked"}),
    "a frame with another's contents": (with_frames(A_1, replace(A_2, marks=A_1.marks)), {"leaked"}),
    "a frame of nothing": (with_frames(A_1, A_2, replace(A_2, notification="n9", offset=30)), {"leaked"}),
    "a frame is missing": (with_frames(A_1), {"unseen"}),
    "nothing reported": (lambda found: replace(found, statuses=found.statuses[:-1]), {"unterminated", "phantom"}),
    "never decided": (lambda found: replace(found, statuses=found.statuses[1:]), {"unterminated", "phantom"}),
    "two ends": (lambda found: replace(found, statuses=[*found.statuses, ended("n1-email", "dead")]), {"contradicted"}),
    "two decisions": (
        lambda found: replace(found, statuses=[*found.statuses, routed("n1", 10, email="no_address")]),
        {"contradicted"},
    ),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_what_is_tampered_with_is_named_by_its_kind(name: str) -> None:
    tamper, kinds = TAMPERED[name]
    faults = check(ACCEPTED, tamper(clean())).faults()
    assert kinds <= faults.keys(), faults
    assert faults.keys() <= kinds | {"phantom", "unseen"}, "what follows from it, at most"


def test_every_kind_of_fault_is_shown_to_be_found() -> None:
    shown = set().union(*(kinds for _, kinds in TAMPERED.values()))
    in_other_tests = {"unwanted", "ungathered", "unlimited", "split"}
    assert shown | in_other_tests == set(KINDS)


def test_an_acceptance_that_was_answered_comes_first_whatever_the_log_says() -> None:
    """Written to the log in the wrong order: the rows agree with the log, and not with the producer."""
    found = clean()
    statuses = [
        routed("n1", 11, in_app="deliver", email="deliver"),
        routed("n2", 10, in_app="deliver", email="deliver"),
    ]
    tampered = swapped_rows(replace(found, statuses=statuses + found.statuses[2:]))
    tampered = replace(tampered, frames=[frame("n2", 20), frame("n1", 21)])
    assert check(ACCEPTED, tampered).faults().keys() == {"inverted"}
    at_once = ACCEPTED | {"n2": replace(ACCEPTED["n2"], asked=1.5)}
    assert check(at_once, tampered).faults() == {}
    on_a_detour = ACCEPTED | {"n1": replace(ACCEPTED["n1"], answered=None)}
    assert check(on_a_detour, tampered).faults() == {}
    waiting = ACCEPTED | {"n1": replace(ACCEPTED["n1"], not_before=1)}
    assert check(waiting, tampered).faults() == {}


@pytest.mark.parametrize("refused", [frozenset({Channel.EMAIL}), EVERYWHERE])
def test_what_was_opted_out_of_or_cancelled_is_unwanted(refused: frozenset[Channel]) -> None:
    accepted = ACCEPTED | {"n1": replace(ACCEPTED["n1"], refused=refused)}
    verdict = check(accepted, clean())
    assert verdict.faults().keys() == {"unwanted"}
    assert len(verdict.unwanted) == min(len(refused), 2)


def test_the_inbox_of_a_deleted_user_is_not_lost_but_a_mail_is() -> None:
    accepted = ACCEPTED | {"n1": replace(ACCEPTED["n1"], erased=True)}
    no_row = without(clean(), 3)
    assert check(accepted, replace(no_row, frames=[A_2])).faults() == {}
    assert check(accepted, without(no_row, 0)).faults().keys() == {"lost"}


def test_a_retry_is_followed_to_its_end() -> None:
    found = clean()
    again = routed("n1-email", 15, 1, email="deliver")
    data = again.data | {"items": [{"channel": "email", "outcome": "deliver", "delivery": "n1-email"}]}
    statuses = [status for status in found.statuses if status.id != "n1-email-0-sent"]
    statuses += [ended("n1-email", "retrying"), replace(again, data=data), ended("n1-email", pass_=1)]
    verdict = check(ACCEPTED, replace(found, statuses=statuses))
    assert verdict.faults() == {}
    assert verdict.retries == 1
