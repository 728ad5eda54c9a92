"""Why a notification is where it is, in sentences."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.console.timeline.core.rows import StoredRow, StoredRows
from services.console.timeline.core.timeline import build_timeline
from services.console.timeline.core.why import WAITS_FOR, Why, why
from services.delivery.channels.in_app.effects import removed
from shared.deciding.items import HoldUntil, ItemOutcome
from shared.deciding.plain_words import PLAIN
from shared.deciding.sentences import item_sentence, shown
from shared.model.attempts import Attempt, AttemptOutcome
from shared.model.channels import Channel
from shared.model.deliveries import DeliveryState
from shared.model.holds import Cause
from shared.model.inbox import InboxItem
from shared.model.inbox_receipts import ReachedItem, reached_status
from shared.model.inbox_replacements import InboxRemoval
from shared.model.reasons import Reason
from shared.model.receipts import ReceiptState
from shared.model.rules import Rule
from shared.model.statuses import Subject
from shared.model.timestamps import to_datetime
from tests.unit.console import test_receipts_in_timeline as receipts
from tests.unit.console import test_steps_in_timeline as steps
from tests.unit.console import test_timeline as made

MORNING = "2026-01-05T11:11:12.131Z"


def stored(*items: Any, kind: str = "notify", pass_: int = 0, offset: int = 17, at: int = 19) -> dict[str, Any]:
    return {
        "user": "ana", "kind": kind, "subject": made.NOTIFICATION.id, "generation": 0, "pass": pass_,
        "topic": made.TOPICS.notifications, "partition": 4, "offset": offset, "workflow": "order.shipped", "version": 3,
        "event_id": "e1", "profile_version": 2, "inputs": {}, "at": to_datetime(made.ACCEPTED + at),
        "items": [item if isinstance(item, dict) else msgspec.to_builtins(item) for item in items],
    }  # fmt: skip


def told(statuses: list[StoredRow], decisions: list[StoredRow] = [], holds: list[StoredRow] = []) -> Why:  # noqa: B006  # never changed
    rows = StoredRows(statuses=statuses, decisions=decisions, deliveries=[], holds=holds)
    timeline = build_timeline(made.NOTIFICATION.id, "default", rows)
    assert timeline is not None
    return why(timeline)


def test_it_is_told_in_the_order_of_time_and_each_decision_once():
    items = (made.IN_APP, made.QUIET, made.NO_WEBHOOK)
    hold = {
        "_id": "h",
        "user": "ana",
        "cause": "quiet_hours",
        "due": to_datetime(made.ACCEPTED + 3_600_000),
        "channel": "email",
    }
    found = told([made.became(Channel.IN_APP, DeliveryState.SENT), made.decided(*items)], [stored(*items)], [hold])
    assert [one.text for one in found.sentences] == [
        "It was accepted: order.shipped v3 for ana. It came of the event e1.",
        "It goes by in_app.",
        f"By email it waits for the end of the user's quiet hours, until {MORNING}.",
        "It does not go by webhook: the profile has no address for this channel.",
        "It was sent by in_app, at attempt 1.",
    ]
    assert [one.rule for one in found.sentences] == [None, None, "quiet_hours", "address", None]
    assert [one.at for one in found.sentences] == sorted(one.at or "" for one in found.sentences)
    assert [one.until for one in found.now] == [MORNING, None, None], "what waits says when it goes"
    assert found.next_steps == [], "the user is reached"


def test_whose_account_took_it_is_said() -> None:
    def said(channel: Channel, account: str) -> str:
        attempt = Attempt(account=account, outcome=AttemptOutcome.SENT, at=made.ACCEPTED, latency_ms=80)
        return told([made.became(channel, DeliveryState.SENT, log=(attempt,))]).sentences[-1].text

    assert said(Channel.SMS, "sms/twilio") == "It was sent by sms through twilio, at attempt 1."
    assert said(Channel.WEBHOOK, "5f0c3c6e-3a55-5d0e-9d3f-2b1f5f0a7c11") == "It was sent by webhook, at attempt 1."


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (ReceiptState.DELIVERED, "By sms it has arrived, says twilio (code 7)."),
        (ReceiptState.UNDELIVERED, "By sms it did not arrive, says twilio (code 7)."),
        (ReceiptState.BOUNCED, "By sms it bounced, says twilio (code 7); nothing more is sent to the address."),
        (ReceiptState.COMPLAINED, "Who got it by sms calls it spam, says twilio; nothing more is sent there."),
    ],
)
def test_what_the_provider_told_since_is_said(state: ReceiptState, text: str) -> None:
    found = told([made.became(Channel.SMS, DeliveryState.SENT), receipts.receipt(Channel.SMS, state)])
    assert found.sentences[-1].text == text
    assert found.now[0].text.startswith(f"By sms it is {state}")


def test_that_it_reached_a_socket_is_said() -> None:
    sent = made.became(Channel.IN_APP, DeliveryState.SENT)
    subject = Subject(sent["subject"], 0, 0)
    at = made.ACCEPTED + 95
    item = ReachedItem(subject, "default", "ana", made.NOTIFICATION.id, "order.shipped", "notify", at)
    found = told([sent, made.row(reached_status(made.TOPICS.statuses, item))])
    assert found.sentences[-1].text == "It has reached a socket of its user."
    assert found.now[0].text == "By in_app it is delivered."


def test_which_of_its_texts_it_got_is_said() -> None:
    sent = made.became(Channel.IN_APP, DeliveryState.SENT, variant="loud")
    assert told([sent]).sentences[-1].text == "It was sent by in_app as variant loud, at attempt 1."


def test_a_hold_of_every_cause_says_what_it_waits_for_and_when_it_goes():
    assert WAITS_FOR.keys() == set(Cause)
    for cause in (*Cause, "the_moon"):
        hold = {"_id": "h", "user": "ana", "cause": cause, "due": to_datetime(made.ACCEPTED + 3_600_000), "step": "x"}
        (waits, _) = told([], [], [hold]).now
        assert waits.until == MORNING
        assert MORNING in waits.text


def test_statuses_alone_tell_the_same_once_decisions_are_gone():
    items = (made.IN_APP, made.QUIET, made.NO_WEBHOOK)
    by_decision = told([made.decided(*items)], [stored(*items)])
    by_status = told([made.decided(*items)])
    assert [one.text for one in by_status.sentences] == [one.text for one in by_decision.sentences]


def test_somebody_who_is_not_reached_is_told_the_next_step():
    assert told([made.decided(made.NO_WEBHOOK)]).next_steps[0].startswith("PATCH /v1/users/ana")


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (steps.WAITS, "It waits to be read in the step wait, until 2026-01-05T10:26:12.131Z."),
        (steps.READ, "It ends here in the step wait: the user has read it: nothing more is needed."),
        (steps.ONLY_LARGE, "The step notify is passed over: the step's condition does not hold (data.total)."),
        (steps.COUNTED, "It is counted by a throttle of 60 s in the step few."),
        (steps.JOINED, "It joins the open digest in the step gather, which has 3 now; it goes as n-1."),
        (steps.NEWEST, "It takes the place of n-1, which is about the same."),
    ],
)
def test_what_a_step_did_is_a_sentence(item, text):
    assert item_sentence(shown(msgspec.to_builtins(item))).text == text


@pytest.mark.parametrize("outcome", [*ItemOutcome, "moon"])
def test_an_item_that_lacks_everything_is_a_sentence_all_the_same(outcome):
    """A status says less of an item than its decision; a newer version says something else."""
    assert item_sentence({"outcome": outcome, "channel": None, "step": None}).text.endswith((".", ")"))


def test_what_a_newer_version_decided_is_told_as_it_is():
    moon = {"type": "moon", "rule": "moon_phase", "reason": "full_moon", "step": "night", "address": "a@example.com"}
    (sentence,) = told([], [stored(moon)]).sentences
    assert sentence.text == "moon step=night rule=moon_phase reason=full_moon (decided by a newer version of Carillon)"


def test_no_address_and_no_name_is_in_it():
    named = msgspec.structs.replace(made.EMAIL, name="Ana Lima", locale="pt")
    found = msgspec.json.encode(told([made.decided(named)], [stored(named)]))
    assert b"example.com" not in found
    assert b"Lima" not in found


def test_what_is_decided_again_says_why():
    found = told([], [stored(made.QUIET), stored(made.EMAIL, kind="release", pass_=1, offset=18, at=3_600_000)])
    assert [one.text for one in found.sentences[1:]] == [
        "Its wait was over: it was decided again.",
        "It goes by email.",
    ]


def test_what_was_not_read_in_time_says_so_before_it_escalates():
    waits = stored(made.IN_APP, steps.WAITS)
    escalates = {"kind": "release", "pass_": 1, "offset": 18, "at": 900_000}
    assert [one.text for one in told([], [waits, stored(made.EMAIL, **escalates)]).sentences[-3:]] == [
        "Its wait was over: it was decided again.",
        "It was not read until then.",
        "It goes by email.",
    ]
    stop = HoldUntil(reason=Reason.STOPPED, rule=Rule.STOP, cause=Cause.STOPPED, due=steps.DUE, step="wait")
    for answer in (steps.READ, stop):
        texts = [one.text for one in told([], [waits, stored(answer, **escalates)]).sentences]
        assert "It was not read until then." not in texts, "it was, or nobody has looked"
    of_channel = stored(made.EMAIL, **escalates) | {"subject": "a channel that waited for quiet hours"}
    assert "It was not read until then." not in [one.text for one in told([], [waits, of_channel]).sentences]


def test_a_channel_that_waits_for_its_provider_says_so_once_and_why():
    hold = {"_id": "h", "user": "ana", "cause": "provider_down", "due": to_datetime(made.ACCEPTED), "channel": "email"}
    found = told([made.decided(made.EMAIL), made.became(Channel.EMAIL, DeliveryState.PARKED)], [], [hold])
    assert len(found.now) == 1
    assert "is parked" in found.now[0].text


def test_every_reason_makes_a_sentence():
    for reason in Reason:
        text = item_sentence({"outcome": "suppress", "reason": reason, "step": "x"}).text
        assert PLAIN[reason].meaning in text


@pytest.mark.parametrize(
    ("replaced_by", "text"),
    [("n-2", "In the inbox n-2 took its place."), (None, "Its sender withdrew it: it is gone from the inbox.")],
)
def test_why_an_item_left_the_inbox_is_said(replaced_by: str | None, text: str) -> None:
    item = InboxItem(id=made.NOTIFICATION.id, workflow="order.shipped", offset=3, created_at=made.ACCEPTED)
    gone = msgspec.structs.replace(item, deleted_at=made.ACCEPTED + 99, updated_at=made.ACCEPTED + 99)
    removal = InboxRemoval("default", "ana", 0, ((gone, replaced_by),), 0, 3, 0)
    found = told([made.became(Channel.IN_APP, DeliveryState.SENT), made.row(removed(made.TOPICS, removal)[-1])])
    assert found.sentences[-1].text == text
