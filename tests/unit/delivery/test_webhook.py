"""Webhooks: signed as Standard Webhooks says, answers judged, nothing an endpoint says can hurt."""

from __future__ import annotations

import json
from datetime import UTC
from math import inf
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.delivery.channels.webhook.compose import payload, sign
from services.delivery.channels.webhook.http import WebhookSender
from services.delivery.channels.webhook.responses import judge
from services.delivery.channels.webhook.settings import WebhookSettings
from services.delivery.core.attempts import LONGEST_RETRY_AFTER_MS, Failed, Outcome, Rejected, Sent, decide
from services.delivery.outbound.retry_after import parse_retry_after
from services.ingest.settings import IngestSettings
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.reasons import Reason
from shared.model.webhook_secrets import secret, signing_key
from tests.support import samples as a

MASTER = "a master secret of a good length"


def hook(address: str = "https://hooks.example.com/a", **changes: Any) -> Delivery:
    return a.delivery(channel=Channel.WEBHOOK, address=address, **changes)


def sender() -> WebhookSender:
    return WebhookSender(WebhookSettings(webhook_secret=MASTER))


def test_the_reference_library_takes_our_signature() -> None:
    body = payload(hook())
    headers = sender()._headers(hook(), body)
    endpoint = Webhook(secret(MASTER, "acme", hook().address))
    assert endpoint.verify(body, headers)["data"] == {"order": "A7"}
    assert headers["webhook-id"] == hook().id
    for wrong in (
        Webhook(secret(MASTER, "acme", "https://hooks.example.com/b")),
        Webhook(secret(MASTER, "evil", hook().address)),
    ):
        with pytest.raises(WebhookVerificationError):
            wrong.verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        endpoint.verify(body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        endpoint.verify(body, headers | {"webhook-id": "another"})


def test_what_the_reference_library_of_javascript_is_shown_is_what_we_sign() -> None:
    """web/tests/webhooks.test.ts verifies it."""
    shown = json.loads((Path(__file__).parents[2] / "support/signed_webhook.json").read_text())
    headers, keys = shown["headers"], [signing_key(text) for text in shown["secrets"]]
    signed = [sign(key, headers["webhook-id"], headers["webhook-timestamp"], shown["body"].encode()) for key in keys]
    assert " ".join(signed) == headers["webhook-signature"]


def test_while_a_secret_changes_over_old_and_new_verify() -> None:
    old, new = MASTER, "another master secret of a good length"
    both = WebhookSender(WebhookSettings(webhook_secret=f"{new}, {old}"))
    body = payload(hook())
    headers = both._headers(hook(), body)
    for master in (old, new):
        assert Webhook(secret(master, "acme", hook().address)).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret("a third master secret, which never signed", "acme", hook().address)).verify(body, headers)
    assert IngestSettings(webhook_secret=f"{new},{old}").webhook_master == new, "the new one is shown"


@pytest.mark.parametrize("wrong", ["", "short", f"{MASTER},short", ","])
def test_no_secret_is_short(wrong: str) -> None:
    for settings in (WebhookSettings, IngestSettings):
        with pytest.raises(ValidationError, match="at least 24 characters"):
            settings(webhook_secret=wrong)


def test_the_body_is_the_same_on_every_try() -> None:
    assert payload(hook(attempts=1, pass_=3)) == payload(hook())
    assert orjson.loads(payload(hook())) == {
        "type": "com.example.order.shipped", "timestamp": "2026-01-05T11:59:59.000Z", "notification": a.ID,
        "workflow": "order.shipped", "user": "ada", "data": {"order": "A7"},
    }  # fmt: skip


def test_a_trace_goes_along() -> None:
    traced = hook(notification=a.notification(traceparent="00-ab-cd-01"))
    assert sender()._headers(traced, b"")["traceparent"] == "00-ab-cd-01"
    assert "traceparent" not in sender()._headers(hook(), b"")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *((status, Sent(receipt=str(status))) for status in (200, 201, 202, 204, 299)),
        (410, Rejected(reason=Reason.ENDPOINT_GONE, code="410")),
        *(
            (status, Failed(code=str(status)))
            for status in (
                300,
                301,
                302,
                307,
                308,
                400,
                401,
                403,
                404,
                405,
                408,
                409,
                413,
                415,
                422,
                425,
                429,
                451,
                500,
                502,
                503,
                504,
                599,
            )
        ),
    ],
)
def test_judge(status: int, outcome: Outcome) -> None:
    assert judge(status, None, a.NOON) == outcome


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("120", 120_000), (" 7 ", 7000), ("0", 0), ("", None), (None, None), ("-5", None), ("1.5", None), ("soon", None), ("٣", None),
        ("Mon, 05 Jan 2026 12:01:00 GMT", 60_000), ("Mon, 05 Jan 2026 11:00:00 GMT", 0), ("Mon, 05 Jan 2026 13:01:00 +0100", 60_000),
        ("Monday, 05-Jan-26 12:01:00 GMT", 60_000), ("Mon Jan  5 12:01:00 2026", 60_000),
    ],
)  # fmt: skip
def test_retry_after(text: str | None, wait: int | None) -> None:
    assert parse_retry_after(text, a.NOON) == wait


DATES = st.datetimes(timezones=st.just(UTC)).map(lambda at: f"{at:%a, %d %b %Y %H:%M:%S} GMT")
ZONES = st.builds("Mon, 05 Jan 2026 12:01:00 {}{}".format, st.sampled_from("+-"), st.text("0123456789", max_size=30))


@given(
    st.text(max_size=40)
    | st.text("0123456789", max_size=400)
    | DATES
    | ZONES
    | st.text("0123456789 :+-JanMonGMT,", max_size=40)
)
@example("Mon, 1 Jan 2000 00:00:00 +99999999999999")
@example("Mon, 1 Jan 2000 00:00:00 +2500")
@example("9" * 5000)
def test_no_endpoint_can_raise_or_wait_for_ever(text: str) -> None:
    asked = parse_retry_after(text, a.NOON)
    assert asked is None or asked >= 0
    found = decide(
        judge(503, text, a.NOON), delivery="d", attempts=1, now=a.NOON, schedule=[1000], expires_at=a.NOON + 90 * a.DAY
    )  # fmt: skip
    assert found.due is not None
    assert found.due <= a.NOON + LONGEST_RETRY_AFTER_MS


@pytest.mark.parametrize(
    "address",
    ["http://xn--a/", "http://xn--/", "http://[::1", "http://[zz]/", "http://a:99999/", "http://a:b/", "", "//", "ftp://example.com/",
     "javascript:alert(1)", "/relative", "http://", "http://\ud800/"],
)  # fmt: skip
async def test_what_is_no_url_is_refused_for_good_and_harms_nobody(address: str) -> None:
    client = sender()
    try:
        assert await client.send(hook(address), a.workflow(), inf) == Rejected(code="invalid_url")
    finally:
        await client.close()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "0x7f.1", "2130706433", "169.254.169.254", "[::ffff:10.0.0.1]", "x@127.0.0.1"]
)
async def test_our_own_network_is_refused_before_anything_is_opened(host: str) -> None:
    client = sender()
    try:
        assert await client.send(hook(f"http://{host}/"), a.workflow(), inf) == Rejected(
            reason=Reason.FORBIDDEN_ADDRESS
        )
    finally:
        await client.close()
