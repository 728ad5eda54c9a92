"""The walk of the dry run: what happens now, and what follows if nothing else happens."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.deciding.foresight import MAX_STAGES, Stage, foresee, foreseen_sentences, known_user, shown_items
from shared.deciding.history import History
from shared.deciding.instead import instead
from shared.deciding.items import Deliver, HoldUntil, RoutingItem, Suppress
from shared.model.holds import Cause
from shared.model.notifications import Contact
from shared.model.owners import Owner
from shared.model.profiles import Preferences
from shared.model.reasons import Reason
from shared.model.steps import Branch, BranchStep, DelayStep, DigestStep, WaitForReadStep
from shared.model.tenants import FrequencyCap, Stop
from shared.model.timestamps import rfc3339
from tests.support import samples as a
from tests.unit.deciding.runs import HOUR, MAIL, SHOW, asked, tenant

WAIT = WaitForReadStep(key="wait", seconds=3600)


def kinds(stages: list[Stage]) -> list[list[str]]:
    return [[str(item.outcome) for item in stage.items] for stage in stages]


def goes(stages: list[Stage]) -> list[tuple[int, str]]:
    """When it goes, and on which channel."""
    return [(stage.at, item.channel) for stage in stages for item in stage.items if isinstance(item, Deliver)]


def test_what_waits_to_be_read_escalates_if_it_is_not() -> None:
    stages = foresee(asked(SHOW, WAIT, MAIL))
    assert goes(stages) == [(a.NOON, "in_app"), (a.NOON + HOUR, "email")]
    assert [stage.condition for stage in stages] == [None, "if it is not read until then"]
    texts = [one.text for one in foreseen_sentences(stages)]
    later = rfc3339(a.NOON + HOUR)
    assert texts == [
        "It goes by in_app.",
        f"It waits to be read in the step wait, until {later}.",
        f"Then, at {later}, if it is not read until then:",
        "It goes by email.",
    ]


def test_a_digest_goes_when_it_closes_and_a_schedule_when_it_is_due() -> None:
    stages = foresee(asked(DigestStep(key="gather", seconds=3600), SHOW, history=History()))
    assert goes(stages) == [(a.NOON + HOUR, "in_app")]
    assert stages[1].condition == "with what was gathered until then"
    scheduled = foresee(asked(DelayStep(key="later", seconds=3600), SHOW, n_deliver_at=a.NOON + HOUR))
    assert [stage.at for stage in scheduled] == [a.NOON, a.NOON + HOUR, a.NOON + 2 * HOUR]
    assert goes(scheduled) == [(a.NOON + 2 * HOUR, "in_app")]


def test_what_is_counted_now_is_not_counted_against_itself_later() -> None:
    caps = tenant(caps=(FrequencyCap(most=1, seconds=86_400),))
    stages = foresee(asked(SHOW, DelayStep(key="later", seconds=3600), MAIL, tenant=caps, history=History()))
    assert goes(stages) == [(a.NOON, "in_app"), (a.NOON + HOUR, "email")]


def test_what_was_sent_is_taken_for_sent() -> None:
    way = Branch(when={"steps.show.sent": True}, steps=(MAIL,))
    stages = foresee(asked(SHOW, DelayStep(key="later", seconds=3600), BranchStep(key="branch", branches=(way,))))
    assert goes(stages) == [(a.NOON, "in_app"), (a.NOON + HOUR, "email")]


def test_a_stop_ends_the_walk_and_so_does_a_channel_that_waits_alone() -> None:
    assert kinds(foresee(asked(SHOW, tenant=tenant(stops=(Stop(),))))) == [["hold"]]
    night = foresee(asked(MAIL, now=a.NIGHT, profile=a.profile(quiet_hours=a.NIGHTS)))
    assert kinds(night) == [["hold"]]
    (sentence,) = foreseen_sentences(night)
    assert sentence.until == rfc3339(a.MORNING)


def test_the_first_stage_is_what_decide_would_store() -> None:
    opted_out = asked(SHOW, MAIL, profile=a.profile(preferences=Preferences(channel_types={"email": False})))
    (stage,) = foresee(opted_out)
    assert [getattr(item, "reason", None) for item in stage.items] == [None, Reason.CHANNEL_OPTED_OUT]
    (goes_, stays) = shown_items([stage])
    assert (goes_["outcome"], goes_["channel"], goes_["at"]) == ("deliver", "in_app", rfc3339(a.NOON))
    assert (stays["rule"], stays["reason"]) == ("channel_preference", "channel_opted_out")
    assert "example.com" not in str(shown_items([stage])), "addresses are in the profile"


def test_an_inline_person_who_is_a_user_is_asked_about_as_that_user() -> None:
    owner = Owner(user="bob", preferences=Preferences(), life=2, unowned=("webhook",))
    contact = Contact(addresses={"email": "bob@example.com", "webhook": "https://x.example.com/"})
    inputs = asked(SHOW, n_user="p-1", n_contact=contact, profile=None, owner=owner)
    found = known_user(foresee(inputs))
    assert found is not None
    about = instead(inputs.notification, found)
    assert (about.user, about.life) == ("bob", 2)
    assert about.contact == Contact(addresses={"webhook": "https://x.example.com/"})
    assert known_user(foresee(asked(SHOW))) is None


@pytest.mark.parametrize("due", [a.NOON, a.NOON - 1])
def test_a_hold_that_is_due_already_cannot_go_on_for_ever(due: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pure function that is wrong costs an answer, not a process."""
    hold = HoldUntil(reason=Reason.DELAYED, rule="delay", cause=Cause.DELAY, due=due, step="later")  # type: ignore[arg-type]
    monkeypatch.setattr("shared.deciding.foresight.route", lambda inputs: (hold,))
    assert len(foresee(asked(SHOW))) == 1


def test_the_walk_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    def later(inputs: Any) -> tuple[RoutingItem, ...]:
        return (HoldUntil(reason=Reason.DELAYED, rule="delay", cause=Cause.DELAY, due=inputs.now + 1, step="x"),)  # type: ignore[arg-type]

    monkeypatch.setattr("shared.deciding.foresight.route", later)
    assert len(foresee(asked(SHOW))) == MAX_STAGES


def test_a_suppressed_step_is_known_as_suppressed_later() -> None:
    way = Branch(when={"steps.mail.suppressed": True}, steps=(SHOW,))
    nobody = msgspec.structs.replace(a.profile(), addresses={})
    stages = foresee(
        asked(MAIL, DelayStep(key="later", seconds=60), BranchStep(key="branch", branches=(way,)), profile=nobody)
    )
    assert isinstance(stages[0].items[0], Suppress)
    assert goes(stages) == [(a.NOON + 60_000, "in_app")]
