"""Web Push: what is posted, and that another reading of the standards understands it."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from typing import Any

import http_ece
import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey, derive_private_key
from hypothesis import given
from hypothesis import strategies as st

from sandbox.sink.push_keys import BROWSER_AUTH, BROWSER_KEY
from services.delivery.channels.push.compose import tag_of
from services.delivery.channels.push.webpush import MEANINGS, WebPush
from services.delivery.core.attempts import AttemptFault, Failed, Outcome, ProviderUnavailable, Rejected, Sent
from services.delivery.core.meanings import Meaning
from services.delivery.outbound.http import HttpAnswer, HttpRequest
from services.delivery.rendering.liquid import RenderFailed
from shared.model.notifications import Priority
from shared.model.reasons import Reason
from shared.process.clock import now_ms
from tests.support import samples as a
from tests.unit.delivery.push.texts import LINKS, SETTINGS, about, answer, browser, push, texts

WEB = WebPush(SETTINGS, LINKS)
DEAD = Rejected(reason=Reason.DEAD_ADDRESS, code="invalid_keys")


def unpadded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


async def posted(delivery: Any = None, **parts: Any) -> HttpRequest:
    lasting = a.notification(expires_at=now_ms() + a.DAY)
    found = await WEB.request(delivery or push(address=browser(), notification=lasting), texts(**parts), None)
    assert isinstance(found, HttpRequest)
    return found


async def test_only_the_browser_can_read_it() -> None:
    found = await posted(url="https://shop.example.com/")
    assert found.url == "https://push.example.com/s/1"
    key = derive_private_key(int.from_bytes(unpadded(BROWSER_KEY), "big"), SECP256R1())
    read = http_ece.decrypt(found.body, private_key=key, auth_secret=unpadded(BROWSER_AUTH), version="aes128gcm")
    assert orjson.loads(read) == {
        "title": "On its way", "body": "Order A7", "url": "https://shop.example.com/", "tag": tag_of(push()),
        "notification": a.ID, "delivery": push().id,
    }  # fmt: skip
    assert (await posted()).body != (await posted()).body, "each with a salt of its own"


async def test_the_signature_is_for_the_push_service_and_for_hours() -> None:
    kind, _, rest = (await posted()).headers["authorization"].partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    public = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), unpadded(parts["k"]))
    claims = jwt.decode(parts["t"], public, algorithms=["ES256"], audience="https://push.example.com")
    assert (kind, claims["sub"]) == ("vapid", "mailto:ops@example.com")
    assert 0 < claims["exp"] - now_ms() // 1000 <= 86_400


@pytest.mark.parametrize(
    ("priority", "urgency"),
    [(Priority.LOW, "low"), (Priority.NORMAL, "normal"), (Priority.HIGH, "high"), (Priority.URGENT, "high")],
)
async def test_headers_say_how_long_and_how_urgent_and_about_what(priority: Priority, urgency: str) -> None:
    lasting = a.notification(expires_at=now_ms() + 90_500, priority=priority, collapse_key="order 7")
    delivery = push(address=browser(), notification=lasting)
    headers = (await posted(delivery)).headers
    assert (headers["urgency"], headers["topic"]) == (urgency, tag_of(delivery))
    assert headers["ttl"] in ("89", "90")


async def test_what_is_longer_than_a_push_service_takes_says_so() -> None:
    room = (
        4096
        - 86
        - 17
        - len(
            orjson.dumps(
                {
                    "title": "T",
                    "body": "",
                    "url": None,
                    "tag": tag_of(push()),
                    "notification": a.ID,
                    "delivery": push().id,
                }
            )
        )
    )
    found = await posted(push(address=browser(), notification=about("x" * room)), title="T", body="{{ data.text }}")
    assert len(found.body) == 4096
    with pytest.raises(RenderFailed, match="too_long"):
        await posted(push(address=browser(), notification=about("x" * (room + 1))), title="T", body="{{ data.text }}")


@pytest.mark.parametrize(
    "address",
    ["webpush:{}", "webpush:x", "webpush:", browser(p256dh="AAAA"), browser(p256dh="B" * 87), browser(auth=""),
     browser(p256dh="ü"), browser(p256dh="A" * 87)],
)  # fmt: skip
async def test_a_subscription_that_nobody_can_encrypt_for_is_dead(address: str) -> None:
    assert await WEB.request(push(address=address), texts(), None) == DEAD


@pytest.mark.parametrize("endpoint", ["https://[::1]/s", "https://[/", "nowhere", ""])
async def test_an_endpoint_that_is_none_is_this_messages_fault(endpoint: str) -> None:
    found = await WEB.request(push(address=browser(endpoint=endpoint)), texts(), None)
    assert found == Rejected(code="invalid_url", fault=AttemptFault.MESSAGE)


SAID = [
    (answer(201), Sent(receipt="201")),
    (answer(404), Rejected(reason=Reason.DEAD_ADDRESS, code="404")),
    (answer(410), Rejected(reason=Reason.DEAD_ADDRESS, code="410")),
    (answer(413), Rejected(code="413", fault=AttemptFault.MESSAGE)),
    (answer(429, **{"Retry-After": "9"}),
     ProviderUnavailable(code="429", fault=AttemptFault.ACCOUNT, retry_after_ms=9000)),
    (answer(406, **{"Retry-After": "900", "X-WNS-STATUS": "appthrottled"}),
     ProviderUnavailable(code="406", fault=AttemptFault.ACCOUNT, retry_after_ms=900_000)),
    (answer(503), ProviderUnavailable(code="503")),
    (answer(507), Failed(code="507", fault=AttemptFault.PROVIDER)),
]  # fmt: skip


@pytest.mark.parametrize(("said", "outcome"), SAID)
def test_what_push_services_say(said: HttpAnswer, outcome: Outcome) -> None:
    assert WEB.judge(said, a.NOON) == outcome


def test_no_answer_to_one_subscription_is_taken_for_our_fault() -> None:
    """Else one user's subscription could pause the push service for all others."""
    assert Meaning.OUR_FAULT not in MEANINGS.values()
    for status in (301, 302, 402, 405, 407, 418):
        assert isinstance(WEB.judge(answer(status), a.NOON), Rejected)


@given(st.binary(max_size=200), st.integers(100, 999), st.text(max_size=40))
def test_no_answer_breaks_anything(body: bytes, status: int, wait: str) -> None:
    said = HttpAnswer(status=status, headers={"Retry-After": wait}, body=body)
    assert isinstance(WEB.judge(said, a.NOON), Outcome)
