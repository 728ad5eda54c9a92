"""The checker over rules that look at other notifications: digests, throttles, the first channel that works."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model import ids
from shared.model.channels import Channel
from tests.chaos.checker import Verdict, check
from tests.chaos.rules import MOST
from tests.chaos.tables import Accepted, Effect, Evidence, Status

ADA, BOB = "default:ada#0", "default:bob#0"


def decided(subject: str, pass_: int, *items: dict[str, str]) -> Status:
    data = {"pass": pass_, "items": list(items), "partition": 0, "offset": 1}
    return Status(id=f"{subject}-{pass_}", type="carillon.notification.routed", subject=subject, data=data)


def reported(delivery: str, state: str = "sent") -> Status:
    return Status(id=f"{delivery}-{state}", type=f"carillon.delivery.{state}", subject=delivery, data={"pass": 0})


def goes(delivery: str, channel: str = "email") -> dict[str, str]:
    return {"outcome": "deliver", "channel": channel, "delivery": delivery}


def ends(reason: str) -> dict[str, str]:
    return {"outcome": "suppress", "reason": reason}


GATHER = {"outcome": "gather"}
ITEMS = {f"n{number}": Accepted(owner=ADA, mark=f"A-{number}-0", gathers=True) for number in (1, 2, 3)}
DIGEST = Effect(
    channel=Channel.EMAIL, delivery="d", owner=ADA, marks=frozenset(one.mark for one in ITEMS.values()), at=1, named=3
)


def digest(*effects: Effect) -> Verdict:
    """The first holds the digest, which the others join."""
    held = {"outcome": "hold", "subject": "n1"}
    statuses = [
        decided("n1", 0, GATHER, held),
        Status(id="n1-1", type="carillon.notification.routed", subject="n1",
               data={"pass": 1, "items": [GATHER, goes("d")], "partition": 0, "offset": 9}),
        decided("n2", 0, GATHER, ends("digested")),
        decided("n3", 0, GATHER, ends("digested")),
        Status(id="d-1", type="carillon.delivery.sent", subject="d", data={"pass": 1}),
    ]  # fmt: skip
    return check(ITEMS, Evidence(statuses=statuses, effects=list(effects)))


def test_every_item_of_a_digest_is_there_once() -> None:
    found = digest(DIGEST)
    assert found.faults() == {}
    assert found.ends == {"digested": 2, "sent": 1}


def test_an_item_that_is_missing_doubled_or_anothers_is_found() -> None:
    two = replace(DIGEST, marks=frozenset({"A-1-0", "A-2-0"}), named=2)
    assert digest(two).ungathered == ["n3 is in 0 digests"]
    assert digest(replace(DIGEST, named=4)).faults().keys() == {"ungathered"}
    assert digest(replace(DIGEST, marks=DIGEST.marks | {"A-9-0"}, named=4)).faults().keys() == {"leaked"}
    assert digest(replace(DIGEST, owner=BOB)).faults().keys() == {"leaked", "ungathered"}


def throttled(count: int, passes: int) -> Verdict:
    accepted = {f"n{number}": Accepted(owner=ADA, mark=f"A-{number}-0", throttle="t") for number in range(count)}
    statuses, effects = [], []
    for number in range(count):
        if number >= passes:
            statuses.append(decided(f"n{number}", 0, ends("throttled")))
            continue
        delivery, marks = f"d{number}", frozenset({f"A-{number}-0"})
        statuses += [decided(f"n{number}", 0, {"outcome": "count"}, goes(delivery)), reported(delivery)]
        effects.append(Effect(channel=Channel.EMAIL, delivery=delivery, owner=ADA, marks=marks, at=1))
    return check(accepted, Evidence(statuses=statuses, effects=effects))


@pytest.mark.parametrize(
    ("count", "passes", "good"),
    [(5, MOST, True), (2, 2, True), (MOST, MOST, True), (5, MOST + 1, False), (5, MOST - 1, False), (2, 1, False)],
)
def test_a_throttle_lets_as_many_pass_as_it_may(count: int, passes: int, good: bool) -> None:
    assert throttled(count, passes).faults().keys() == (set() if good else {"unlimited"})


def first(*statuses: Status, sent: tuple[str, ...]) -> Verdict:
    effects = [
        Effect(channel=Channel.EMAIL, delivery=delivery, owner=ADA, marks=frozenset({"A-1-0"}), at=1)
        for delivery in sent
    ]
    return check(
        {"n": Accepted(owner=ADA, mark="A-1-0", first=True)}, Evidence(statuses=list(statuses), effects=effects)
    )


def test_of_alternative_channels_one_is_taken() -> None:
    mail, failed = decided("n", 0, goes("mail")), reported("mail", "dead")
    fallback = ids.fallback_id("mail")
    instead = decided(fallback, 0, ends("fell_back"), goes("hook", "webhook"))
    assert first(mail, reported("mail"), sent=("mail",)).faults() == {}
    assert first(mail, failed, instead, reported("hook"), sent=("hook",)).faults() == {}
    assert first(mail, failed, sent=()).faults().keys() == {"unterminated", "split"}, "it is awaited"
    both = decided("n", 0, goes("mail"), goes("hook", "webhook"))
    assert first(both, reported("mail"), reported("hook"), sent=("mail", "hook")).faults().keys() == {"split"}
