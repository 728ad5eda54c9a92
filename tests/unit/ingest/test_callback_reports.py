"""What providers say of a message, and what that means here."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from sandbox.sink.accounts import SENDGRID_PUBLIC_KEY
from services.delivery.channels.sms import twilio as twilio_sender
from services.delivery.core.meanings import Meaning
from services.ingest.callbacks import twilio
from services.ingest.callbacks.keys import VonageSignature
from services.ingest.callbacks.meta import MetaCallbacks
from services.ingest.callbacks.provider import ProviderCall, Reported, UnreadableCallback, code_of
from services.ingest.callbacks.sendgrid import MAX_EVENTS, SendGridCallbacks
from services.ingest.callbacks.vonage import VonageCallbacks
from shared.model.receipts import ReceiptState
from shared.model.suppressions import SuppressionReason

DELIVERED, UNDELIVERED = ReceiptState.DELIVERED, ReceiptState.UNDELIVERED
BOUNCED, COMPLAINED = ReceiptState.BOUNCED, ReceiptState.COMPLAINED
TWILIO = twilio.TwilioCallbacks("")
VONAGE = VonageCallbacks("", VonageSignature.SHA256)
SENDGRID = SendGridCallbacks(SENDGRID_PUBLIC_KEY)
META = MetaCallbacks("secret")
JSON = Headers({"Content-Type": "application/json"})


@pytest.mark.parametrize(
    ("status", "code", "state"),
    [
        *[
            (status, None, None)
            for status in ("accepted", "scheduled", "queued", "sending", "sent", "canceled", "", "new")
        ],
        ("delivered", None, DELIVERED),
        ("read", None, DELIVERED),
        ("undelivered", "30003", UNDELIVERED),
        ("undelivered", "30005", BOUNCED),
        ("failed", "30006", BOUNCED),
        ("failed", "30007", UNDELIVERED),
        ("failed", None, UNDELIVERED),
        ("delivered", "30005", DELIVERED),
        ("failed", "21610", UNDELIVERED),
    ],
)
@pytest.mark.parametrize("name", ["MessageStatus", "SmsStatus"])
def test_twilios_words(name: str, status: str, code: str | None, state: ReceiptState | None) -> None:
    fields = {name: status, "To": "+4915112345678"} | ({"ErrorCode": code} if code else {})
    found = TWILIO.read(ProviderCall("", b"", Headers({}), urlencode(fields).encode()))
    assert [each.state for each in found] == ([state] if state else [])
    if state in (BOUNCED, UNDELIVERED):
        assert found[0].code == code


def test_a_number_is_dead_by_the_same_codes_when_it_is_sent_to_and_afterwards() -> None:
    dead = {str(code) for code, meaning in twilio_sender.MEANINGS.items() if meaning is Meaning.DEAD_ADDRESS}
    assert dead == twilio.DEAD_CODES


def test_who_answered_stop_wants_no_more_by_the_same_codes() -> None:
    stop = {str(code) for code, meaning in twilio_sender.MEANINGS.items() if meaning is Meaning.UNSUBSCRIBED}
    for code in ("21610", "30003", "30005"):
        said = f"MessageStatus=undelivered&ErrorCode={code}".encode()
        (found,) = TWILIO.read(ProviderCall("", b"", Headers({}), said))
        assert (found.suppresses is SuppressionReason.UNSUBSCRIBED) == (code in stop), code


@pytest.mark.parametrize(
    ("status", "code", "state"),
    [
        *[(status, "0", None) for status in ("accepted", "buffered", "unknown", "")],
        ("delivered", "0", DELIVERED),
        ("failed", "1", UNDELIVERED),
        ("failed", "2", UNDELIVERED),
        ("failed", "3", BOUNCED),
        ("failed", "4", BOUNCED),
        ("rejected", "6", UNDELIVERED),
        ("expired", "99", UNDELIVERED),
    ],
)
def test_vonages_words(status: str, code: str, state: ReceiptState | None) -> None:
    fields = {"status": status, "err-code": code}
    for call in (
        ProviderCall("", b"", JSON, orjson.dumps(fields)),
        ProviderCall("", b"", JSON, orjson.dumps(fields | {"err-code": int(code)})),
        ProviderCall("", urlencode(fields).encode(), Headers({}), b""),
        ProviderCall("", b"", Headers({}), urlencode(fields).encode()),
    ):
        assert [each.state for each in VONAGE.read(call)] == ([state] if state else [])


def sendgrid(*events: Any) -> list[Reported]:
    return list(SENDGRID.read(ProviderCall("", b"", JSON, orjson.dumps(events))))


@pytest.mark.parametrize(
    ("event", "state"),
    [
        *[
            ({"event": name}, None)
            for name in ("processed", "deferred", "open", "click", "group_unsubscribe", "new", None)
        ],
        ({"event": "delivered", "response": "250 OK"}, DELIVERED),
        ({"event": "bounce", "type": "bounce", "status": "5.1.1"}, BOUNCED),
        ({"event": "bounce", "type": "blocked", "status": "4.7.1"}, UNDELIVERED),
        ({"event": "bounce"}, BOUNCED),
        ({"event": "bounce", "type": "bounce", "status": 5}, BOUNCED),
        ({"event": "bounce", "type": "bounce", "status": "5.1.1", "bounce_classification": "Invalid Address"}, BOUNCED),
        ({"event": "bounce", "type": "bounce", "status": "5.0.0", "bounce_classification": "Unclassified"}, BOUNCED),
        ({"event": "bounce", "type": "bounce", "status": "5.0.0", "bounce_classification": ["a"]}, BOUNCED),
        ({"event": "bounce", "type": "bounce", "status": "4.2.2"}, UNDELIVERED),
        ({"event": "bounce", "type": "expired", "status": "4.4.7"}, UNDELIVERED),
        ({"event": "bounce", "type": "new", "status": "5.1.1"}, UNDELIVERED),
        ({"event": "bounce", "type": "bounce", "status": "5.7.1"}, UNDELIVERED),
        ({"event": "bounce", "status": "5.7.606"}, UNDELIVERED),
        ({"event": "bounce", "type": "bounce", "status": "5.0.0", "bounce_classification": "Reputation"}, UNDELIVERED),
        ({"event": "bounce", "status": "5.0.0", "bounce_classification": "Content"}, UNDELIVERED),
        ({"event": "bounce", "status": "5.0.0", "bounce_classification": "Technical Failure"}, UNDELIVERED),
        ({"event": "bounce", "status": "5.0.0", "bounce_classification": "Frequency or Volume Too High"}, UNDELIVERED),
        ({"event": "blocked", "status": "5.7.1"}, UNDELIVERED),
        ({"event": "dropped", "reason": "Bounced Address"}, BOUNCED),
        ({"event": "dropped", "reason": "Invalid"}, BOUNCED),
        ({"event": "dropped", "reason": "Spam Content"}, UNDELIVERED),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, UNDELIVERED),
        ({"event": "dropped", "reason": ["a"]}, UNDELIVERED),
        ({"event": "spamreport"}, COMPLAINED),
    ],
)
def test_sendgrids_words(event: dict[str, Any], state: ReceiptState | None) -> None:
    about = {"email": "ada@example.com", "callback": "token"}
    (*found,) = sendgrid(event | about)
    assert [each.state for each in found] == ([state] if state else [])
    for each in found:
        assert (each.token, each.email, each.code) == ("token", "ada@example.com", code_of(event.get("status")))
    assert sendgrid(event | {"email": "ada@example.com"}) == [], "not one of ours"


def test_a_batch_of_events_is_told_as_far_as_it_is_understood() -> None:
    ours = {"event": "delivered", "callback": "t", "email": 7}
    assert sendgrid(ours, 1, None, [], {"callback": {}}, ours) == [Reported(DELIVERED, None, "t", None)] * 2
    with pytest.raises(UnreadableCallback):
        sendgrid(*[ours] * (MAX_EVENTS + 1))


def meta(*statuses: Any) -> list[Reported]:
    said = {"entry": [{"changes": [{"value": {"statuses": list(statuses)}}, {"value": {"messages": [{}]}}]}, 7]}
    return list(META.read(ProviderCall("", b"", JSON, orjson.dumps(said))))


@pytest.mark.parametrize(
    ("word", "state"),
    [
        *[(word, None) for word in ("sent", "deleted", "warning", "", None, 7, [])],
        ("delivered", DELIVERED),
        ("read", DELIVERED),
        ("failed", UNDELIVERED),
    ],
)
def test_metas_words(word: Any, state: ReceiptState | None) -> None:
    status = {"status": word, "biz_opaque_callback_data": "t", "errors": [{"code": 131026, "title": "+49151"}]}
    assert meta(status) == ([Reported(state, "131026", "t")] if state else [])
    assert meta(status | {"biz_opaque_callback_data": None}) == [], "not one of ours"
    assert meta(1, None, [], {"status": {}}) == []


@pytest.mark.parametrize("said", [[], {}, 1, None, {"entry": 1}, {"entry": [{"changes": [{"value": []}]}]}])
def test_what_has_no_statuses_says_nothing(said: Any) -> None:
    assert list(META.read(ProviderCall("", b"", JSON, orjson.dumps(said)))) == []


@given(st.binary(max_size=200))
def test_garbage_is_unreadable_or_nothing(body: bytes) -> None:
    for provider in (TWILIO, VONAGE, SENDGRID, META):
        for headers in (JSON, Headers({})):
            with suppress(UnreadableCallback):
                assert list(provider.read(ProviderCall("", b"", headers, body))) == []


@pytest.mark.parametrize(
    ("value", "code"),
    [("30005", "30005"), (5, "5"), ("5.1.1", "5.1.1"), ("unknown_user", "unknown_user"), (None, None), ("", None),
     ("no ada@example.com here", None), ("+4915112345678", None), ("1" * 33, None), ({}, None), ("\u0661", None)],
)  # fmt: skip
def test_only_codes_are_kept(value: object, code: str | None) -> None:
    assert code_of(value) == code
