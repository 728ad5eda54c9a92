"""FCM: what is posted, and what its answers mean."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.delivery.channels.push.compose import compose, tag_of
from services.delivery.channels.push.fcm import MEANINGS, Fcm, fcm_body
from services.delivery.core.attempts import AttemptFault, Failed, Outcome, ProviderUnavailable, Rejected, Sent
from services.delivery.core.meanings import Meaning
from services.delivery.outbound.http import HttpAnswer, HttpClient
from services.delivery.rendering.liquid import RenderFailed
from shared.model.notifications import Priority
from shared.model.reasons import Reason
from tests.support import samples as a
from tests.unit.delivery.push.texts import LINKS, SETTINGS, about, answer, push, texts


def posted(delivery: Any = None, **parts: Any) -> Any:
    given = delivery or push()
    return orjson.loads(fcm_body(given, compose(given, texts(**parts), None, LINKS), a.NOON))["message"]


def fcm() -> Fcm:
    return Fcm(SETTINGS, HttpClient(timeout_seconds=1), LINKS)


def error(status: int, code: str | None = None, google: str = "X", **more: Any) -> HttpAnswer:
    details = [{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}] if code else []
    return answer(status, {"error": {"code": status, "status": google, "message": "…", "details": details} | more})


def test_a_message_has_ids_and_texts_and_lasts_as_long_as_it_is_good() -> None:
    assert posted(url="https://shop.example.com/") == {
        "token": "token-of-phone",
        "notification": {"title": "On its way", "body": "Order A7"},
        "data": {"notification": a.ID, "delivery": push().id, "url": "https://shop.example.com/"},
        "android": {"ttl": "86400s", "priority": "NORMAL", "notification": {"tag": tag_of(push())}},
        "apns": {
            "headers": {
                "apns-expiration": str((a.NOON + a.DAY) // 1000), "apns-priority": "5",
                "apns-collapse-id": tag_of(push()),
            },
            "payload": {"aps": {"sound": "default"}},
        },
        "webpush": {
            "headers": {"TTL": "86400", "Urgency": "normal", "Topic": tag_of(push())},
            "notification": {"tag": tag_of(push())},
            "fcm_options": {"link": "https://shop.example.com/"},
        },
    }  # fmt: skip


@pytest.mark.parametrize("priority", [Priority.HIGH, Priority.URGENT])
def test_what_is_urgent_wakes_the_device(priority: Priority) -> None:
    found = posted(push(notification=a.notification(priority=priority)))
    assert (found["android"]["priority"], found["apns"]["headers"]["apns-priority"]) == ("HIGH", "10")


def test_a_collapse_key_goes_along_on_every_platform() -> None:
    found = posted(push(notification=a.notification(collapse_key="order 7")))
    tag = found["android"]["collapse_key"]
    assert tag == found["android"]["notification"]["tag"] == found["apns"]["headers"]["apns-collapse-id"]
    assert "order 7" not in str(found)


def test_a_link_that_is_no_https_is_data_only() -> None:
    found = posted(url="myapp://orders")
    assert (found["data"]["url"], "fcm_options" in found["webpush"]) == ("myapp://orders", False)


def test_what_is_too_long_says_so() -> None:
    with pytest.raises(RenderFailed, match="too_long"):
        posted(push(notification=about("x" * 4000)), body="{{ data.text }}")
    posted(push(notification=about("x" * 3800)), body="{{ data.text }}")


UNREADABLE = Failed(code="unreadable_answer", fault=AttemptFault.PROVIDER, unconfirmed=True)
SAID = [
    (answer(200, {"name": "projects/p/messages/7"}), Sent(receipt="7")),
    (answer(200, {"name": 7}), UNREADABLE),
    (answer(200), UNREADABLE),
    (error(404, "UNREGISTERED", "NOT_FOUND"), Rejected(reason=Reason.DEAD_ADDRESS, code="UNREGISTERED")),
    (error(404, None, "NOT_FOUND"), ProviderUnavailable(code="NOT_FOUND", fault=AttemptFault.ACCOUNT)),
    (error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"), Rejected(code="INVALID_ARGUMENT", fault=AttemptFault.MESSAGE)),
    (error(400, "INVALID_ARGUMENT", message="The registration token is not a valid FCM registration token"),
     Rejected(reason=Reason.DEAD_ADDRESS, code="INVALID_TOKEN")),
    (error(400, None, "INVALID_ARGUMENT", details=[{"fieldViolations": [{"field": "message.token"}]}]),
     Rejected(reason=Reason.DEAD_ADDRESS, code="INVALID_TOKEN")),
    (error(400, None, "INVALID_ARGUMENT", details=[{"fieldViolations": [{"field": "message.data"}, 7]}, 7]),
     Rejected(code="INVALID_ARGUMENT", fault=AttemptFault.MESSAGE)),
    (error(403, "SENDER_ID_MISMATCH", "PERMISSION_DENIED"),
     Rejected(code="SENDER_ID_MISMATCH", fault=AttemptFault.MESSAGE)),
    (error(403, None, "PERMISSION_DENIED"), ProviderUnavailable(code="PERMISSION_DENIED", fault=AttemptFault.ACCOUNT)),
    (error(401, "THIRD_PARTY_AUTH_ERROR"), Failed(code="THIRD_PARTY_AUTH_ERROR", fault=AttemptFault.PROVIDER)),
    (error(503, "UNAVAILABLE"), ProviderUnavailable(code="UNAVAILABLE")),
    (error(500, "INTERNAL"), Failed(code="INTERNAL", fault=AttemptFault.PROVIDER)),
    (error(404, "SOMETHING_NEW"), ProviderUnavailable(code="404", fault=AttemptFault.ACCOUNT)),
    (answer(502), ProviderUnavailable(code="502")),
    (answer(400, {"error": "what?"}), Rejected(code="400", fault=AttemptFault.MESSAGE)),
]  # fmt: skip


@pytest.mark.parametrize(("said", "outcome"), SAID)
def test_what_fcm_says(said: HttpAnswer, outcome: Outcome) -> None:
    assert fcm().judge(said, a.NOON) == outcome


def test_a_quota_is_waited_for() -> None:
    said = answer(429, {"error": {"details": [{"errorCode": "QUOTA_EXCEEDED"}]}}, **{"Retry-After": "60"})
    assert fcm().judge(said, a.NOON) == ProviderUnavailable(
        code="QUOTA_EXCEEDED", fault=AttemptFault.ACCOUNT, retry_after_ms=60_000
    )


def test_only_one_code_takes_a_device_out_of_a_profile() -> None:
    """Our settings may be wrong, and then all devices would go."""
    assert [code for code, meaning in MEANINGS.items() if meaning is Meaning.DEAD_ADDRESS] == ["UNREGISTERED"]


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["error", "details", "errorCode", "status", "fieldViolations", "field", "message"]),
                inner,
            )
        ),
    ).map(lambda value: orjson.dumps(value, default=str) if not _odd(value) else b"x"),
    st.integers(100, 999),
    st.text(max_size=40),
)
def test_no_answer_breaks_anything(body: bytes, status: int, wait: str) -> None:
    said = HttpAnswer(status=status, headers={"Retry-After": wait}, body=body)
    assert isinstance(fcm().judge(said, a.NOON), Outcome)


def _odd(value: object) -> bool:
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return True
    return False
