"""What is missing, contradictory or malformed in a template is named where it stands, when it is published."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model.errors import InvalidWorkflow
from shared.model.templates import ParseMode, TelegramButton, TelegramTemplate, WhatsAppTemplate
from shared.model.texts import parts_of
from shared.model.workflow_documents import read_document
from shared.model.workflows import parse

TEMPLATE: dict[str, Any] = {"template": "order_shipped", "language": "en_US"}


def workflow(channel: str, template: dict[str, Any]) -> dict[str, Any]:
    steps = [{"key": "only", "channels": [channel]}]
    return {"key": "k", "category": "c", "steps": steps, "templates": {channel: template}}


def faults(template: dict[str, Any], channel: str = "whatsapp") -> list[tuple[str | None, str]]:
    return [(each.pointer, each.detail) for each in read_document(workflow(channel, template)).faults]


@pytest.mark.parametrize(
    ("template", "place", "says"),
    [
        ({}, "", "write text, for a session message, or the name of a template"),
        ({"text": "Hi"} | TEMPLATE, "", "and not both"),
        ({"text": "Hi", "language": "en"}, "/language", "language belongs to a template"),
        ({"text": "Hi", "parameters": ["x"]}, "/parameters", "parameters belongs to a template"),
        ({"text": "Hi", "url_parameter": "x"}, "/url_parameter", "belongs to a template"),
        ({"template": "order_shipped"}, "", "needs language"),
        (TEMPLATE | {"template": "Order shipped"}, "/template", "lower-case letters"),
        (TEMPLATE | {"template": "a" * 513}, "/template", "lower-case letters"),
        (TEMPLATE | {"template": ""}, "/template", "lower-case letters"),
        (TEMPLATE | {"language": "english"}, "/language", "is no language of Meta's"),
        (TEMPLATE | {"language": "en-US"}, "/language", "is no language of Meta's"),
        (TEMPLATE | {"language": {"en": "en", "de": "{{ user.id }}"}}, "/language/de", "is no language of Meta's"),
        (TEMPLATE | {"parameters": "x"}, "/parameters", "Expected `array`"),
        (TEMPLATE | {"parameters": [7]}, "/parameters/0", "Expected `str | object`"),
        (TEMPLATE | {"params": ["x"]}, "/params", "did you mean parameters"),
    ],
)
def test_a_whatsapp_template_says_what_is_wrong(template: dict[str, Any], place: str, says: str) -> None:
    found = faults(template)
    assert [pointer for pointer, _ in found] == [f"/templates/whatsapp{place}"]
    assert says in found[0][1]
    with pytest.raises(InvalidWorkflow):
        parse(workflow("whatsapp", template))


@pytest.mark.parametrize(
    "template",
    [
        {"text": "Hi"},
        {"text": {"en": "Hi", "de": "Servus"}},
        TEMPLATE,
        TEMPLATE | {"language": {"en": "en_US", "de": "de"}, "parameters": ["{{ data.x }}", {"en": "a", "de": "b"}]},
        TEMPLATE | {"language": "fil", "url_parameter": "{{ data.code | path_encode }}"},
    ],
)
def test_what_is_right_is_taken(template: dict[str, Any]) -> None:
    assert faults(template) == []


def test_steps_and_variants_are_looked_at_too() -> None:
    document = workflow("whatsapp", TEMPLATE)
    document["steps"][0]["templates"] = {"whatsapp": {"template": "x"}}
    document["variants"] = [{"key": "a", "templates": {"whatsapp": {"text": "Hi", "language": "en"}}}]
    assert [fault.pointer for fault in read_document(document).faults] == [
        "/variants/0/templates/whatsapp/language",
        "/steps/0/templates/whatsapp",
    ]


def test_a_telegram_template_has_one_markup_and_a_whole_button() -> None:
    assert (
        faults({"text": "<b>Hi</b>", "parse_mode": "HTML", "button": {"text": "Go", "url": "https://x"}}, "telegram")
        == []
    )
    assert "it is one of HTML" in faults({"text": "Hi", "parse_mode": "MarkdownV2"}, "telegram")[0][1]
    assert faults({"text": "Hi", "button": {"text": "Go"}}, "telegram") == [
        ("/templates/telegram/button", "Object missing required field `url`")
    ]


def test_every_text_of_a_template_is_found_where_it_stands() -> None:
    whatsapp = WhatsAppTemplate(
        template="t", language={"en": "en_US"}, parameters=("a", {"en": "b"}), url_parameter="c"
    )
    assert list(parts_of(whatsapp)) == [
        ("template", "t"),
        ("language", {"en": "en_US"}),
        ("parameters/0", "a"),
        ("parameters/1", {"en": "b"}),
        ("url_parameter", "c"),
    ]
    button = TelegramButton(text="Go", url={"en": "u"})
    telegram = TelegramTemplate(text="x", parse_mode=ParseMode.HTML, button=button)
    assert list(parts_of(telegram)) == [("text", "x"), ("button/text", "Go"), ("button/url", {"en": "u"})]
