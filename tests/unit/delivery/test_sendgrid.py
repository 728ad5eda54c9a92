"""SendGrid: what is posted is the letter that SMTP carries, and what its answers mean."""

from __future__ import annotations

from email import message_from_bytes, policy
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.delivery.channels.email.compose import compose
from services.delivery.channels.email.mime import mail_of
from services.delivery.channels.email.sendgrid import SendGrid
from services.delivery.channels.email.settings import EmailSettings
from services.delivery.core.attempts import AttemptFault, Failed, Outcome, ProviderUnavailable, Rejected, Sent
from services.delivery.core.choice import Candidate
from services.delivery.outbound.http import HttpAnswer, HttpRequest
from services.delivery.outbound.retry_after import parse_reset
from services.delivery.rendering.links import SafeLinks
from services.delivery.rendering.liquid import RenderFailed
from shared.model.channel_templates import Templates
from shared.model.reasons import Reason
from shared.model.templates import EmailTemplate
from tests.support import samples as a

SETTINGS = EmailSettings(
    email_providers="sendgrid",
    sendgrid_api_key="SG.key",
    email_from='"Shop, Inc." <shop@münchen.de>',
    public_url="https://notify.example.com",
    unsubscribe_secret="secret-of-unsubscribe-links",
)
SENDGRID = SendGrid(SETTINGS)


def mails(subject: str = "Order {{ data.order }}", text: str = "Shipped", html: str | None = None) -> Any:
    return a.workflow(templates=Templates(email=EmailTemplate(subject=subject, text=text, html=html)))


async def posted(workflow: Any = None, provider: SendGrid = SENDGRID, **changes: Any) -> dict[str, Any]:
    found = await provider.request(a.delivery(**changes), workflow or mails(), None)
    assert isinstance(found, HttpRequest)
    body: dict[str, Any] = orjson.loads(found.body)
    return body


async def test_it_gets_the_letter_with_the_delivery_id() -> None:
    found = await SENDGRID.request(a.delivery(), mails(html="<b>{{ data.order }}</b>"), None)
    assert isinstance(found, HttpRequest)
    assert found.url == "https://api.sendgrid.com/v3/mail/send"
    assert found.headers["authorization"] == "Bearer SG.key"
    body = orjson.loads(found.body)
    headers = body.pop("headers")
    assert body == {
        "personalizations": [{"to": [{"email": "ada@example.com"}]}],
        "from": {"email": "shop@xn--mnchen-3ya.de", "name": "Shop, Inc."},
        "subject": "Order A7",
        "content": [{"type": "text/plain", "value": "Shipped"}, {"type": "text/html", "value": "<b>A7</b>"}],
        "custom_args": {"delivery": a.delivery().id, "notification": a.ID},
    }
    assert headers["Message-ID"] == f"<{a.delivery().id}@xn--mnchen-3ya.de>"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@given(st.text(max_size=60), st.text(max_size=60))
async def test_both_providers_carry_the_same_and_no_header_gets_in(subject: str, text: str) -> None:
    workflow = mails("x{{ data.s }}", "x{{ data.t }}", "<p>{{ data.t }}</p>")
    data = msgspec.Raw(msgspec.json.encode({"s": subject, "t": text}))
    delivery = a.delivery(notification=a.notification(data=data))
    letter = compose(delivery, workflow, SETTINGS.sender, SafeLinks(), unsubscribe=SETTINGS.unsubscribe)
    content = mail_of(letter).content
    as_written, by_smtp = message_from_bytes(content), message_from_bytes(content, policy=policy.default)
    by_http = await posted(workflow, notification=delivery.notification)
    assert by_http["subject"] == by_smtp["Subject"]
    assert not set(by_http["subject"]) & set("\r\n\0")
    assert {name: as_written[name] for name in by_http["headers"]} == by_http["headers"]
    assert not {"to", "from", "subject", "bcc", "content-type"} & {name.lower() for name in by_http["headers"]}
    parts = [part.get_content().replace("\r\n", "\n").rstrip("\n") for part in by_smtp.iter_parts()]  # type: ignore[attr-defined]
    assert [part["value"].rstrip("\n") for part in by_http["content"]] == parts


async def test_a_sender_without_a_name_has_none() -> None:
    plain = SendGrid(EmailSettings(email_from="shop@example.com"))
    assert (await posted(provider=plain))["from"] == {"email": "shop@example.com"}


async def test_an_empty_text_is_left_out_beside_html() -> None:
    assert [part["type"] for part in (await posted(mails(text=" ", html="<b>Hi</b>")))["content"]] == ["text/html"]


@pytest.mark.parametrize(
    ("workflow", "says"),
    [(mails(text="\n"), "empty_text"), (mails(subject=" "), "empty_subject"), (mails("{{ data.none }}"), "missing:"),
     (mails(subject="\ud800"), "UnicodeEncodeError"), (mails(text="\ud800"), "UnicodeEncodeError"),
     (mails(html="\ud800"), "UnicodeEncodeError")],
)  # fmt: skip
async def test_what_it_would_refuse_is_not_posted(workflow: Any, says: str) -> None:
    with pytest.raises(RenderFailed, match=says):
        await posted(workflow)


async def test_one_address_or_nothing() -> None:
    with pytest.raises(RenderFailed, match="header:To"):
        await posted(address="ada@example.com, eve@example.com")


def answer(status: int, *fields: object, **headers: str) -> HttpAnswer:
    errors = [{"field": field, "message": "ada@example.com is wrong", "help": None} for field in fields]
    return HttpAnswer(status=status, headers=headers, body=orjson.dumps({"errors": errors}) if errors else b"")


OURS = AttemptFault.ACCOUNT
ANSWERS = [
    (answer(202, **{"X-Message-Id": "abc"}), Sent(receipt="abc")),
    (answer(202), Sent(receipt="202")),
    (answer(202, **{"X-Message-Id": "x" * 99}), Sent(receipt="x" * 64)),
    (answer(200), Failed(code="200", fault=AttemptFault.PROVIDER)),
    (answer(204), Failed(code="204", fault=AttemptFault.PROVIDER)),
    (answer(400), Rejected(code="400", fault=AttemptFault.MESSAGE)),
    (answer(400, None), Rejected(code="400", fault=AttemptFault.MESSAGE)),
    (answer(400, "ada@example.com"), Rejected(code="400", fault=AttemptFault.MESSAGE)),
    (answer(400, "content.0.value"), Rejected(code="400 content.value", fault=AttemptFault.MESSAGE)),
    (answer(400, "personalizations.0.to.0.email"),
     Rejected(reason=Reason.DEAD_ADDRESS, code="400 personalizations.to.email")),
    (answer(400, 7, "from.email"), ProviderUnavailable(code="400 from.email", fault=OURS)),
    (answer(401, None), ProviderUnavailable(code="401", fault=OURS)),
    (answer(403, "from"), ProviderUnavailable(code="403", fault=OURS)),
    (answer(413), Rejected(code="413", fault=AttemptFault.MESSAGE)),
    (answer(415), ProviderUnavailable(code="415", fault=OURS)),
    (answer(429, **{"X-RateLimit-Reset": str(a.NOON // 1000 + 7)}),
     ProviderUnavailable(code="429", fault=OURS, retry_after_ms=7000)),
    (answer(429, **{"Retry-After": "3", "X-RateLimit-Reset": str(a.NOON // 1000 + 7)}),
     ProviderUnavailable(code="429", fault=OURS, retry_after_ms=3000)),
    (answer(429), ProviderUnavailable(code="429", fault=OURS)),
    (answer(500), Failed(code="500", fault=AttemptFault.PROVIDER)),
    (answer(503), ProviderUnavailable(code="503")),
    (answer(504), ProviderUnavailable(code="504")),
    (answer(302), ProviderUnavailable(code="302", fault=OURS)),
]  # fmt: skip


@pytest.mark.parametrize(("said", "outcome"), ANSWERS)
def test_what_it_says(said: HttpAnswer, outcome: Outcome) -> None:
    assert SENDGRID.judge(said, a.NOON) == outcome


FIELD = st.text(max_size=40) | st.sampled_from(["from.email", "personalizations.0.to.0.email", "to.0"]) | st.none()
ERRORS = st.lists(st.fixed_dictionaries({"field": FIELD}) | st.integers(0, 9), max_size=20) | st.text()


@given(
    st.binary(max_size=200) | ERRORS.map(lambda errors: orjson.dumps({"errors": errors})) | st.just(b'{"errors":{}}'),
    st.integers(100, 999),
    st.text(max_size=400),
)
def test_no_answer_breaks_anything(body: bytes, status: int, wait: str) -> None:
    said = HttpAnswer(status=status, headers={"Retry-After": wait, "X-RateLimit-Reset": wait}, body=body)
    assert isinstance(SENDGRID.judge(said, a.NOON), Outcome)


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("60", 60_000), ("0", 0), (str(a.NOON // 1000 + 60), 60_000), (str(a.NOON // 1000 - 60), 0), ("", None),
        (None, None), ("-1", None), ("soon", None), ("٣", None), ("9" * 5000, 999_999_999_999_000 - a.NOON),
    ],
)  # fmt: skip
def test_a_reset_is_a_time_or_a_while(text: str | None, wait: int | None) -> None:
    assert parse_reset(text, a.NOON) == wait


def test_smtp_is_the_default_and_sendgrid_needs_its_key() -> None:
    assert EmailSettings().candidates == (Candidate("smtp"),)
    assert EmailSettings(email_providers="smtp=1, sendgrid=3", sendgrid_api_key="k").candidates == (
        Candidate("smtp", 1.0), Candidate("sendgrid", 3.0),
    )  # fmt: skip
    with pytest.raises(ValidationError, match="sendgrid needs CARILLON_SENDGRID_API_KEY"):
        EmailSettings(email_providers="smtp,sendgrid")
    with pytest.raises(ValidationError, match="did you mean sendgrid"):
        EmailSettings(email_providers="sendgird", sendgrid_api_key="k")


def test_the_key_is_in_no_repr() -> None:
    assert "SG.key" not in f"{SETTINGS!r}{SENDGRID!r}"
