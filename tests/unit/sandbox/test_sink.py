from __future__ import annotations

from email.message import EmailMessage

import msgspec
import pytest

from sandbox.sink.faults import EmailFault, EmailMode, HttpFault, HttpMode, Plan, SinkFaults
from sandbox.sink.http import PAGE, make_app
from sandbox.sink.messages import Message, MessageKind, Messages, parse_email


def message(kind: MessageKind = MessageKind.EMAIL, to: str = "ada@example.com") -> Message:
    return Message(kind=kind, to=[to], at_ms=1, headers=[], envelope={}, body="")


def test_messages_are_found_by_kind_recipient_and_number() -> None:
    messages = Messages(10)
    for one in (message(), message(MessageKind.WEBHOOK, "orders"), message(to="bob@example.com")):
        messages.add(one)

    assert [one.n for one in messages.find()] == [1, 2, 3]
    assert [one.n for one in messages.find(MessageKind.EMAIL)] == [1, 3]
    assert [one.n for one in messages.find(to="orders")] == [2]
    assert [one.n for one in messages.find(since=2)] == [3]


def test_the_oldest_go_when_it_is_full_and_numbers_go_on() -> None:
    messages = Messages(2)
    for _ in range(3):
        messages.add(message())
    assert [one.n for one in messages.find()] == [2, 3]

    messages.clear()
    messages.add(message())

    assert [one.n for one in messages.find()] == [4]
    assert messages.counts() == {"last": 4, "kept": 1}


def test_an_email_is_read_with_its_parts() -> None:
    mail = EmailMessage()
    mail["Subject"] = "Grüße"
    mail["X-Carillon-Delivery"] = "d1"
    mail.set_content("plain ü")
    mail.add_alternative("<b>rich</b>", subtype="html")

    read = parse_email(mail.as_bytes(), mail_from="a@x", rcpt_tos=["b@y"], peer="p", at_ms=7)

    assert (read.subject, read.at_ms, read.to) == ("Grüße", 7, ["b@y"])
    assert (read.text or "").strip() == "plain ü"
    assert (read.html or "").strip() == "<b>rich</b>"
    assert ("X-Carillon-Delivery", "d1") in read.headers
    assert msgspec.json.decode(msgspec.json.encode(read), type=Message) == read


def test_an_email_that_cannot_be_decoded_is_kept() -> None:
    raw = b"Content-Type: text/plain; charset=no-such\r\n\r\n\xff\xfe"

    read = parse_email(raw, mail_from="", rcpt_tos=["b@y"], peer="p", at_ms=1)

    assert (read.subject, read.text) == (None, None)
    assert "charset=no-such" in read.body


def test_nothing_fails_unless_told() -> None:
    faults = SinkFaults()

    assert faults.email(set(EmailMode), "a@x") is None
    assert faults.webhook("orders") is None


def test_a_fault_strikes_as_often_as_told() -> None:
    faults = SinkFaults()
    faults.plan = Plan(webhook=HttpFault(mode=HttpMode.STATUS, times=2))

    struck = [faults.webhook("orders") is not None for _ in range(3)]

    assert struck == [True, True, False]
    assert faults.plan.webhook is not None
    assert faults.plan.webhook.hits == 2


def test_a_fault_for_one_recipient_leaves_the_others_alone() -> None:
    faults = SinkFaults()
    faults.plan = Plan(email=EmailFault(mode=EmailMode.REJECT, only="a@x", times=1))

    assert faults.email({EmailMode.REJECT}, "b@x") is None
    assert faults.email({EmailMode.REJECT}, "a@x") is not None


def test_a_fault_of_another_stage_does_not_count() -> None:
    faults = SinkFaults()
    faults.plan = Plan(email=EmailFault(mode=EmailMode.SLOW, times=1))

    assert faults.email({EmailMode.DOWN}) is None
    assert faults.email({EmailMode.SLOW}) is not None


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (EmailFault(mode=EmailMode.REJECT), "550"),
        (EmailFault(mode=EmailMode.TEMPFAIL), "451"),
        (EmailFault(mode=EmailMode.TEMPFAIL, code=421), "421"),
    ],
)
def test_smtp_answers(fault: EmailFault, answer: str) -> None:
    assert fault.answer().startswith(answer)


@pytest.mark.parametrize("body", [b'{"sms":{}}', b'{"email":{"mode":"x"}}', b'{"email":{"mode":"down","x":1}}', b"no"])
def test_a_plan_that_makes_no_sense_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        msgspec.json.decode(body, type=Plan)


async def test_the_page_is_there_and_shows_strangers_html_without_scripts() -> None:
    app = make_app(Messages(9), SinkFaults())
    assert any(route.resource and route.resource.canonical == "/" for route in app.router.routes())
    page = PAGE.read_text()
    assert 'frame.setAttribute("sandbox", "")' in page
    assert "innerHTML" not in page, "what arrives is text"
    assert "http://" not in page, "nothing is fetched from elsewhere"
    assert "https://" not in page
