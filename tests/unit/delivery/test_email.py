"""The e-mail message: nothing gets into a header that does not belong there."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.delivery.channels.email.compose import compose
from services.delivery.channels.email.mailboxes import parse_mailbox
from services.delivery.channels.email.mime import Mail, mail_of
from services.delivery.channels.email.unsubscribe import UnsubscribeFields
from services.delivery.rendering.links import SafeLinks
from services.delivery.rendering.liquid import RenderFailed
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.templates import EmailTemplate, Text
from shared.model.unsubscribing import link_of, read
from tests.support import samples as a

FROM = "Carillon <no-reply@carillon.example>"


def mail(
    data: bytes = b'{"order":"A7"}',
    sender: str = FROM,
    html: Text | None = None,
    *,
    mjml: Text | None = None,
    subject: Text = "Order {{ data.order }}",
    text: Text = "Shipped: {{ data.order }}",
    **changes: Any,
) -> Mail:
    workflow = a.workflow(templates=Templates(email=EmailTemplate(subject=subject, text=text, html=html, mjml=mjml)))
    delivery = a.delivery(notification=a.notification(data=msgspec.Raw(data)), **changes)
    return mail_of(compose(delivery, workflow, parse_mailbox(sender), SafeLinks()))


def composed(*given: Any, **changes: Any) -> EmailMessage:
    """The message as a mail server reads it."""
    read = message_from_bytes(mail(*given, **changes).content, policy=policy.default)
    assert isinstance(read, EmailMessage)
    return read


HEADERS = [
    "From", "To", "Subject", "Message-ID", "Date", "Auto-Submitted", "X-Carillon-Notification", "Content-Type",
    "Content-Transfer-Encoding", "MIME-Version",
]  # fmt: skip


def test_headers() -> None:
    message = composed()
    assert message.keys() == HEADERS
    assert message["From"] == FROM
    assert message["To"] == "ada@example.com"
    assert message["Subject"] == "Order A7"
    assert message["Message-ID"] == f"<{a.delivery().id}@carillon.example>"
    assert message["Date"] == "Mon, 05 Jan 2026 12:00:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "text/plain"


def test_the_same_delivery_is_the_same_message() -> None:
    assert mail() == mail()


def test_with_html_it_has_two_parts_and_data_is_escaped() -> None:
    message = composed(b'{"order":"<A7>"}', html="<b>{{ data.order }}</b>")
    text, html = message.iter_parts()
    assert message.get_content_type() == "multipart/alternative"
    assert text.get_content().rstrip() == "Shipped: <A7>"
    assert html.get_content().rstrip() == "<b>&lt;A7&gt;</b>"


@pytest.mark.parametrize(
    "gap", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
)
def test_no_header_through_the_subject(gap: str) -> None:
    data = msgspec.json.encode({"order": f"A7{gap}Bcc: eve@example.com{gap}{gap}body"})
    message = composed(data)
    assert message.keys() == HEADERS
    assert message["Subject"] == "Order A7 Bcc: eve@example.com body"


@given(st.text(max_size=60))
def test_no_header_through_any_text(text: str) -> None:
    try:
        message = composed(msgspec.json.encode({"order": text}))
    except RenderFailed:
        return
    assert [name for name in message.keys() if name in HEADERS or name.startswith("Content")] == message.keys()  # noqa: SIM118  # a header stands in keys() as often as it was sent
    assert "Bcc" not in message


ADDRESSES = [
    "", "ada", "@example.com", "ada@", "ada@example.com\r\nBcc: eve@example.com", "ada@example.com, eve@example.com", "<ada@example.com>",
    "Ada <ada@example.com>", "ada@example.com;", "a@b@c", "ädä@example.com", "\x00@b", "a@\x00", "a@[", "(", '"', ",", ":",
    "ada@example.com.", "..@example.com", "ada@example.com\n", "ada@exam\rple.com", "a@b\x7f",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_one_bare_address_or_nothing(address: str) -> None:
    with pytest.raises(RenderFailed, match=r"^header:[A-Za-z]+$"):
        composed(address=address)


@given(st.text(alphabet='ab@.<>()[]",;: \\\r\n\x00é', max_size=12))
def test_any_address_is_one_address_or_refused(address: str) -> None:
    try:
        message = composed(address=address)
    except RenderFailed:
        return
    assert len(message["To"].addresses) == 1
    assert message.keys() == HEADERS


def test_no_template_and_lone_surrogates() -> None:
    with pytest.raises(RenderFailed, match="no_template"):
        compose(a.delivery(channel=Channel.EMAIL), a.workflow(templates=Templates()), parse_mailbox(FROM), SafeLinks())
    broken = a.workflow(templates=Templates(email=EmailTemplate(subject="s", text="\ud800")))
    with pytest.raises(RenderFailed, match="UnicodeEncodeError"):
        compose(a.delivery(), broken, parse_mailbox(FROM), SafeLinks())


UNSUBSCRIBE = UnsubscribeFields("https://notify.example.com/", b"secret-of-unsubscribe-links")


def unsubscribing(**changes: Any) -> EmailMessage:
    """With a public address of the gateway; `changes` of the workflow."""
    workflow = a.workflow(templates=Templates(email=EmailTemplate(subject="Hi", text="Hello")), **changes)
    sent = mail_of(compose(a.delivery(), workflow, parse_mailbox(FROM), SafeLinks(), unsubscribe=UNSUBSCRIBE))
    read = message_from_bytes(sent.content, policy=policy.default)
    assert isinstance(read, EmailMessage)
    return read


def test_a_mail_program_can_unsubscribe_with_one_click() -> None:
    message = unsubscribing()
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.fullmatch(r"<https://notify\.example\.com/u/([A-Za-z0-9_.-]+)>", message["List-Unsubscribe"])
    assert found
    assert read(found[1], [b"secret-of-unsubscribe-links"]) == link_of(a.delivery(), a.workflow())


def test_from_what_is_critical_nobody_unsubscribes() -> None:
    assert not [name for name in unsubscribing(critical=True) if name.startswith("List-")]


def test_a_link_that_would_break_its_line_is_left_out() -> None:
    long = a.delivery(notification=a.notification(user="\U0001f514" * 200))
    workflow = a.workflow(category="é" * 200)
    assert UNSUBSCRIBE.of(long, workflow) == []
    assert all(len(f"{name}: {value}") <= 998 for name, value in UNSUBSCRIBE.of(a.delivery(), workflow))
