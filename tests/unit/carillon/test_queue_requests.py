"""What may be asked of the multi-channel queue, and what the platform is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from carillon.integrations.queue_requests import NotificationRequest, entity_of

ASKED: dict[str, Any] = {
    "entity_type": "complaint",
    "entity_id": 123,
    "channel": "email",
    "recipient": "user@example.com",
    "body": "Your complaint has been verified.",
}
TEMPLATE: dict[str, Any] = ASKED | {"body": None, "template_id": "escalation"}


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (ASKED | {"recipient": " "}, "recipient: it is empty"),
        (ASKED | {"channel": "fax"}, "channel: 'fax' is none; the channels are email, sms, whatsapp"),
        (ASKED | {"priority": "p1"}, "priority: 'p1' is none"),
        (ASKED | {"body": None}, "body, template_id: neither"),
        (ASKED | {"body": ""}, "body, template_id: neither"),
        (ASKED | {"template_id": "escalation"}, "template_id: a template has its own texts"),
        (TEMPLATE | {"subject": "S"}, "template_id: a template has its own texts"),
        (ASKED | {"template_data": {"a": 1}}, "template_data: there is no template_id"),
        (TEMPLATE | {"template_data": {"channel": 1}}, "template_data: channel comes from the request itself"),
        (ASKED | {"max_retries": -1}, "max_retries: it is negative"),
        (ASKED | {"entity_type": ""}, "entity_type, entity_id"),
        (ASKED | {"entity_type": "a/b"}, "entity_type, entity_id"),
        (ASKED | {"entity_id": ""}, "entity_type, entity_id"),
    ],
)
def test_what_nothing_could_be_sent_of_is_refused(asked: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named.replace("(", r"\(")):
        NotificationRequest(**asked).check()


def test_a_text_of_its_own() -> None:
    asked = NotificationRequest(**ASKED | {"subject": "Verified"})
    asked.check()
    assert asked.person() == {"email": "user@example.com"}
    assert asked.data() == {
        "subject": "Verified",
        "body": "Your complaint has been verified.",
        "channel": "email",
        "entity_type": "complaint",
        "entity_id": 123,
    }
    assert asked.about == "complaint/123"


@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
def test_a_template_to_a_phone_in_a_language(channel: str) -> None:
    more = {"channel": channel, "recipient": "+4915112345678", "template_data": {"note": None}, "locale": "de"}
    asked = NotificationRequest(**TEMPLATE | more)
    asked.check()
    assert asked.person() == {"phone": "+4915112345678", "locale": "de"}
    assert asked.data() == {"note": None, "channel": channel, "entity_type": "complaint", "entity_id": 123}


@pytest.mark.parametrize(
    ("subject", "entity"),
    [
        ("complaint/123", ("complaint", 123)),
        ("complaint/C-7/b", ("complaint", "C-7/b")),
        ("complaint", (None, None)),
        (None, (None, None)),
    ],
)
def test_what_it_is_about_goes_back_as_it_came(
    subject: str | None, entity: tuple[str | None, int | str | None]
) -> None:
    assert entity_of(subject) == entity
