"""APNs: what is posted, and what its answers mean."""

from __future__ import annotations

from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given
from hypothesis import strategies as st

from sandbox.sink.push_keys import APNS_KEY
from services.delivery.channels.push.apns import MEANINGS, TOKEN_SECONDS, Apns
from services.delivery.channels.push.compose import tag_of
from services.delivery.channels.push.settings import PushSettings
from services.delivery.core.attempts import AttemptFault, Failed, Outcome, ProviderUnavailable, Rejected, Sent
from services.delivery.core.meanings import Meaning
from services.delivery.outbound.http import HttpAnswer, HttpRequest
from services.delivery.rendering.liquid import RenderFailed
from shared.model.notifications import Priority
from shared.model.reasons import Reason
from tests.support import samples as a
from tests.unit.delivery.push.texts import LINKS, about, answer, push, texts

SETTINGS = PushSettings(
    apns_key=APNS_KEY, apns_key_id="KEYKEYKEY1", apns_team_id="TEAMTEAM12", apns_topic="com.example.app"
)
TOKEN = "ab" * 32


async def posted(apns: Apns | None = None, **changes: Any) -> HttpRequest:
    parts = {name: changes.pop(name) for name in ("url", "body") if name in changes}
    delivery = push(address=f"apns:{TOKEN}", **changes)
    found = await (apns or Apns(SETTINGS, LINKS)).request(delivery, texts(**parts), None)
    assert isinstance(found, HttpRequest)
    return found


@pytest.mark.usefixtures("clock")
async def test_a_message_goes_to_its_device_under_the_deliverys_id() -> None:
    found = await posted(url="https://shop.example.com/")
    assert found.url == f"https://api.push.apple.com/3/device/{TOKEN}"
    assert orjson.loads(found.body) == {
        "aps": {"alert": {"title": "On its way", "body": "Order A7"}, "sound": "default"},
        "notification": a.ID, "delivery": push().id, "url": "https://shop.example.com/",
    }  # fmt: skip
    rest = {name: value for name, value in found.headers.items() if name.startswith("apns-")}
    assert rest == {
        "apns-id": push().id, "apns-topic": "com.example.app", "apns-push-type": "alert", "apns-priority": "5",
        "apns-expiration": str((a.NOON + a.DAY) // 1000), "apns-collapse-id": tag_of(push()),
    }  # fmt: skip


async def test_what_is_urgent_is_shown_at_once() -> None:
    assert (await posted(notification=a.notification(priority=Priority.URGENT))).headers["apns-priority"] == "10"


async def test_all_workers_have_a_token_of_the_same_half_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """New ones within 20 minutes are refused, and one of another worker is a new one."""
    public = load_pem_private_key(APNS_KEY.encode(), password=None).public_key()
    one, two, at = Apns(SETTINGS, LINKS), Apns(SETTINGS, LINKS), a.NOON

    async def claims(apns: Apns, now: int) -> dict[str, Any]:
        monkeypatch.setattr("services.delivery.channels.push.apns.now_ms", lambda: now)
        kind, _, token = (await posted(apns)).headers["authorization"].partition(" ")
        assert kind == "bearer"
        assert jwt.get_unverified_header(token)["kid"] == "KEYKEYKEY1"
        return jwt.decode(token, public, algorithms=["ES256"], options={"verify_iat": False})

    first = await claims(one, at + 60_000)
    assert first == {"iss": "TEAMTEAM12", "iat": at // 1000}
    assert await claims(two, at + 1_700_000) == first
    assert (await claims(one, at + TOKEN_SECONDS * 1000))["iat"] == at // 1000 + TOKEN_SECONDS
    assert (await claims(one, at + 60_000))["iat"] == at // 1000, "a clock that went back"


async def test_what_is_too_long_says_so() -> None:
    with pytest.raises(RenderFailed, match="too_long"):
        await posted(notification=about("x" * 4000), body="{{ data.text }}")


SAID = [
    (answer(200, **{"apns-id": "abc"}), Sent(receipt="abc")),
    (answer(200), Sent(receipt="200")),
    (answer(410, {"reason": "Unregistered", "timestamp": 1}), Rejected(reason=Reason.DEAD_ADDRESS, code="Unregistered")),
    (answer(410, {"reason": "ExpiredToken"}), Rejected(reason=Reason.DEAD_ADDRESS, code="ExpiredToken")),
    (answer(400, {"reason": "DeviceTokenNotForTopic"}),
     Rejected(code="DeviceTokenNotForTopic", fault=AttemptFault.MESSAGE)),
    (answer(403, {"reason": "ExpiredProviderToken"}),
     ProviderUnavailable(code="ExpiredProviderToken", fault=AttemptFault.ACCOUNT)),
    (answer(413, {"reason": "PayloadTooLarge"}), Rejected(code="PayloadTooLarge", fault=AttemptFault.MESSAGE)),
    (answer(429, {"reason": "TooManyRequests"}, **{"Retry-After": "5"}),
     Failed(code="TooManyRequests", fault=AttemptFault.PROVIDER, retry_after_ms=5000)),
    (answer(429, {"reason": "TooManyProviderTokenUpdates"}),
     ProviderUnavailable(code="TooManyProviderTokenUpdates", fault=AttemptFault.ACCOUNT)),
    (answer(503, {"reason": "ServiceUnavailable"}), ProviderUnavailable(code="ServiceUnavailable")),
    (answer(400, {"reason": "SomethingNew"}), Rejected(code="400", fault=AttemptFault.MESSAGE)),
    (answer(500, {"reason": 7}), Failed(code="500", fault=AttemptFault.PROVIDER)),
    (answer(410), Rejected(code="410", fault=AttemptFault.MESSAGE)),
]  # fmt: skip


@pytest.mark.parametrize(("said", "outcome"), SAID)
def test_what_apns_says(said: HttpAnswer, outcome: Outcome) -> None:
    assert Apns(SETTINGS, LINKS).judge(said, a.NOON) == outcome


def test_a_wrong_environment_empties_no_profile() -> None:
    """There every token is a bad one. Once something was taken, a bad one is that device's."""
    apns = Apns(SETTINGS, LINKS)
    bad = answer(400, {"reason": "BadDeviceToken"})
    assert apns.judge(bad, a.NOON) == Rejected(code="BadDeviceToken", fault=AttemptFault.MESSAGE)
    assert isinstance(apns.judge(answer(200), a.NOON), Sent)
    assert apns.judge(bad, a.NOON) == Rejected(reason=Reason.DEAD_ADDRESS, code="BadDeviceToken")


def test_few_reasons_take_a_device_out_of_a_profile() -> None:
    dead = {reason for reason, meaning in MEANINGS.items() if meaning is Meaning.DEAD_ADDRESS}
    assert dead == {"BadDeviceToken", "ExpiredToken", "Unregistered"}


@given(st.binary(max_size=200), st.integers(0, 999), st.text(max_size=40))
def test_no_answer_breaks_anything(body: bytes, status: int, wait: str) -> None:
    said = HttpAnswer(status=status, headers={"Retry-After": wait}, body=body)
    assert isinstance(Apns(SETTINGS, LINKS).judge(said, a.NOON), Outcome)
