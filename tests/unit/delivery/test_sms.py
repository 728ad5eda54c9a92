"""SMS: the text and what carries it, what is posted, what the answers of the providers mean."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.delivery.channels.sms import twilio, vonage
from services.delivery.channels.sms.compose import compose, is_gsm7, segments
from services.delivery.channels.sms.settings import SmsSettings
from services.delivery.core.attempts import AttemptFault, Failed, Outcome, ProviderUnavailable, Rejected, Sent
from services.delivery.core.meanings import Meaning, outcome_of
from services.delivery.outbound.http import HttpAnswer, HttpRequest
from services.delivery.rendering.liquid import RenderFailed
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.reasons import Reason
from shared.model.templates import SmsTemplate
from tests.support import samples as a

SETTINGS = SmsSettings(
    sms_providers="twilio,vonage",
    twilio_account_sid="AC" + "1" * 32,
    twilio_auth_token="t",
    twilio_from="+15005550006",
    vonage_api_key="k",
    vonage_api_secret="s",
    vonage_from="Shop",
)


def sms(**changes: Any) -> Delivery:
    return a.delivery(channel=Channel.SMS, address="+4915112345678", **changes)


def texts(text: Any) -> Any:
    return a.workflow(templates=Templates(sms=SmsTemplate(text=text)))


def answer(status: int, body: object = None, **headers: str) -> HttpAnswer:
    return HttpAnswer(status=status, headers=headers, body=b"" if body is None else orjson.dumps(body))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a", 1), ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3),
        ("€" * 80, 1), ("€" * 81, 2), ("ж" * 70, 1), ("ж" * 71, 2), ("ж" * 134, 2), ("ж" * 135, 3), ("😀" * 35, 1), ("😀" * 36, 2),
    ],
)  # fmt: skip
def test_parts_are_counted_as_networks_do(text: str, parts: int) -> None:
    assert segments(text) == parts


def about(text: str) -> Delivery:
    return sms(notification=a.notification(data=msgspec.Raw(msgspec.json.encode({"text": text}))))


@given(st.text(min_size=1, max_size=300).filter(lambda text: text.isprintable() and text.strip() == text))
def test_what_is_composed_is_what_was_written(text: str) -> None:
    assert compose(about(text), texts("{{ data.text }}"), None) == text


def test_controls_go_and_lines_and_joiners_stay() -> None:
    assert compose(about("a\x00\x1b[2J\r\nb 👩\u200d👧"), texts("{{ data.text }}\n"), None) == "a[2J\nb 👩\u200d👧"


def test_a_time_leaves_room_for_160_letters() -> None:
    text = compose(about("2026-12-05T10:00:00Z"), texts("At {{ data.text | local_time }}"), None)
    assert (text, is_gsm7(text)) == ("At 10:00 AM", True)


def test_the_recipients_language_is_taken() -> None:
    assert compose(sms(locale="de-AT"), texts({"en": "Hi", "de": "Servus"}), None) == "Servus"


@pytest.mark.parametrize(
    ("text", "says"), [("{{ data.none }}", "missing:data.none"), (" ", "empty_text"), ("a" * 1531, "too_long")]
)
def test_what_cannot_be_sent_says_why(text: str, says: str) -> None:
    with pytest.raises(RenderFailed, match=says):
        compose(sms(), texts(text), None)


async def test_twilio_gets_a_form() -> None:
    found = await twilio.Twilio(SETTINGS).request(sms(), texts("Olá & até"), None)
    assert isinstance(found, HttpRequest)
    assert found.url == f"https://api.twilio.com/2010-04-01/Accounts/AC{'1' * 32}/Messages.json"
    assert parse_qs(found.body.decode()) == {"To": ["+4915112345678"], "From": ["+15005550006"], "Body": ["Olá & até"]}
    service = SETTINGS.model_copy(update={"twilio_from": "MG" + "2" * 32})
    found = await twilio.Twilio(service).request(sms(), texts("Hi"), None)
    assert isinstance(found, HttpRequest)
    assert "MessagingServiceSid=MG" in found.body.decode()


@pytest.mark.parametrize(("text", "type_"), [("Hello", "text"), ("Привет", "unicode")])
async def test_vonage_gets_json_with_the_delivery_id(text: str, type_: str) -> None:
    found = await vonage.Vonage(SETTINGS).request(sms(), texts(text), None)
    assert isinstance(found, HttpRequest)
    assert orjson.loads(found.body) == {
        "api_key": "k", "api_secret": "s", "from": "Shop", "to": "4915112345678", "text": text, "type": type_,
        "client-ref": sms().id,
    }  # fmt: skip


UNREADABLE = Failed(code="unreadable_answer", fault=AttemptFault.PROVIDER, unconfirmed=True)
TWILIO = [
    (answer(201, {"sid": "SM1"}), Sent(receipt="SM1")),
    (answer(201, {"sid": 7}), UNREADABLE),
    (answer(200), UNREADABLE),
    (answer(400, {"code": 21610}), Rejected(reason=Reason.ADDRESS_SUPPRESSED, code="21610")),
    (answer(400, {"code": 21602}), Rejected(code="21602", fault=AttemptFault.MESSAGE)),
    *[(answer(400, {"code": code}), ProviderUnavailable(code=str(code), fault=AttemptFault.ACCOUNT))
      for code in (21601, 21609, 21660, 21661, 21701)],
    (answer(400, {"code": 21635}), Rejected(reason=Reason.DEAD_ADDRESS, code="21635")),
    (answer(400, {"code": 29999}), Rejected(code="29999", fault=AttemptFault.MESSAGE)),
    (answer(400, {"code": -1}), Rejected(code="400", fault=AttemptFault.MESSAGE)),
    (answer(400, {"code": 10**15}), Rejected(code="400", fault=AttemptFault.MESSAGE)),
    (answer(400, {"code": True}), Rejected(code="400", fault=AttemptFault.MESSAGE)),
    (answer(503, {"code": 29999}), ProviderUnavailable(code="29999", fault=AttemptFault.PROVIDER)),
    (answer(400, {"code": 21614}), Rejected(reason=Reason.DEAD_ADDRESS, code="21614")),
    (answer(401, {"code": 20003}), ProviderUnavailable(code="20003", fault=AttemptFault.ACCOUNT)),
    (answer(429, {"code": 20429}, **{"Retry-After": "7"}),
     ProviderUnavailable(code="20429", fault=AttemptFault.ACCOUNT, retry_after_ms=7000)),
    (answer(503), ProviderUnavailable(code="503")),
    (answer(500, {"code": "x"}), Failed(code="500", fault=AttemptFault.PROVIDER)),
    (answer(302), ProviderUnavailable(code="302", fault=AttemptFault.ACCOUNT)),
]  # fmt: skip
VONAGE = [
    (answer(200, {"messages": [{"status": "0", "message-id": "m-1"}]}), Sent(receipt="m-1")),
    *[(answer(200, {"messages": [{"status": "0"}, {"status": "0"}, {"status": refused}]}),
       Failed(code=f"status {refused}", fault=AttemptFault.PROVIDER, unconfirmed=True)) for refused in ("1", "5", "9", "33")],
    (answer(200, {"messages": [{"status": "5"}, {"status": "0"}]}),
     Failed(code="status 5", fault=AttemptFault.PROVIDER, unconfirmed=True)),
    (answer(200, {"messages": [{"status": "5"}, {"status": "1"}]}), Failed(code="status 5", fault=AttemptFault.PROVIDER)),
    (answer(200, {"messages": [{"status": "9"}]}), ProviderUnavailable(code="status 9", fault=AttemptFault.ACCOUNT)),
    (answer(200, {"messages": [{"status": "1"}]}), ProviderUnavailable(code="status 1", fault=AttemptFault.ACCOUNT)),
    (answer(200, {"messages": [{"status": "33"}]}), Rejected(reason=Reason.DEAD_ADDRESS, code="status 33")),
    (answer(200, {"messages": [{"status": "777"}]}), Failed(code="status 777", fault=AttemptFault.PROVIDER)),
    (answer(200, {"messages": "0"}), UNREADABLE),
    (answer(200), UNREADABLE),
    (answer(502), ProviderUnavailable(code="502")),
]  # fmt: skip


@pytest.mark.parametrize(("said", "outcome"), TWILIO)
def test_what_twilio_says(said: HttpAnswer, outcome: Outcome) -> None:
    assert twilio.Twilio(SETTINGS).judge(said, a.NOON) == outcome


@pytest.mark.parametrize(("said", "outcome"), VONAGE)
def test_what_vonage_says(said: HttpAnswer, outcome: Outcome) -> None:
    assert vonage.Vonage(SETTINGS).judge(said, a.NOON) == outcome


@pytest.mark.parametrize("meaning", Meaning)
def test_every_meaning_has_an_outcome(meaning: Meaning) -> None:
    kinds: dict[Meaning, Any] = {
        Meaning.TAKEN: Sent, Meaning.PERMANENT: Rejected, Meaning.DEAD_ADDRESS: Rejected, Meaning.TRANSIENT: Failed,
        Meaning.UNREADABLE: Failed, Meaning.UNSUBSCRIBED: Rejected,
    }  # fmt: skip
    assert type(outcome_of(meaning, "code")) is kinds.get(meaning, ProviderUnavailable)


@given(st.binary(max_size=200), st.integers(100, 999), st.text(max_size=40))
def test_no_answer_breaks_anything(body: bytes, status: int, wait: str) -> None:
    said = HttpAnswer(status=status, headers={"Retry-After": wait}, body=body)
    for provider in (twilio.Twilio(SETTINGS), vonage.Vonage(SETTINGS)):
        assert isinstance(provider.judge(said, a.NOON), Outcome)


def test_a_provider_that_is_named_needs_its_account() -> None:
    assert SmsSettings().candidates == ()
    with pytest.raises(ValidationError, match="twilio needs CARILLON_TWILIO_ACCOUNT_SID, CARILLON_TWILIO_AUTH_TOKEN"):
        SmsSettings(sms_providers="twilio", twilio_from="+15005550006")
