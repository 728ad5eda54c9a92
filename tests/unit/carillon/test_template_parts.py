"""Texts that stand inside of a template's parts are checked as the others are, and shown before publishing."""

from __future__ import annotations

from typing import Any

import pytest

from carillon.cli.rehearsing import assumed, expanded, read_event, rehearsed
from carillon.cli.templates import template_faults
from shared.model.workflows import parse
from tests.support import samples as a

WHATSAPP: dict[str, Any] = {"template": "order_shipped", "language": "en_US"}


def document(**templates: Any) -> dict[str, Any]:
    steps = [{"key": "only", "channels": list(templates)}]
    return {"key": "k", "category": "c", "steps": steps, "templates": templates}


@pytest.mark.parametrize(
    ("templates", "pointer", "code"),
    [
        ({"whatsapp": WHATSAPP | {"parameters": ["fine", "{{ dat.x }}"]}}, "/whatsapp/parameters/1", "invalid_template"),
        ({"whatsapp": WHATSAPP | {"parameters": [{"de": "{% if %}"}]}}, "/whatsapp/parameters/0/de", "invalid_template"),
        ({"whatsapp": WHATSAPP | {"parameters": [{"en_US": "x"}]}}, "/whatsapp/parameters/0/en_US", "invalid_locale"),
        (
            {"whatsapp": WHATSAPP | {"language": {"en": "en_US"}, "parameters": [{"de": "x"}]}},
            "/whatsapp",
            "no_common_locale",
        ),
        ({"whatsapp": WHATSAPP | {"url_parameter": "{{ data.x | upcas }}"}}, "/whatsapp/url_parameter", "invalid_template"),
        (
            {"telegram": {"text": "x", "button": {"text": "Go", "url": "{{ usr.id }}"}}},
            "/telegram/button/url",
            "invalid_template",
        ),
        (
            {"telegram": {"text": {"en": "x"}, "button": {"text": {"de": "Los"}, "url": "https://x"}}},
            "/telegram",
            "no_common_locale",
        ),
    ],
)  # fmt: skip
def test_each_is_named_where_it_stands(templates: dict[str, Any], pointer: str, code: str) -> None:
    found = [(fault.pointer, fault.code) for fault in template_faults(parse(document(**templates)))]
    assert found == [(f"/templates{pointer}", code)]


def test_they_read_as_they_would_be_sent() -> None:
    workflow = parse(
        document(
            whatsapp=WHATSAPP | {"language": {"en": "en_US", "de": "de"}, "parameters": ["{{ data.order }}"]},
            telegram={
                "text": "<b>{{ data.order }}</b>",
                "parse_mode": "HTML",
                "button": {"text": "Track", "url": "{{ data.link }}"},
            },
        )
    )
    event = read_event(b'{"order": "A<7", "link": "javascript:alert(1)"}', workflow)
    found = expanded(event, workflow, ["ana"], tenant="default", now=a.NOON).notifications
    (inputs,) = assumed(found, workflow, a.NOON)
    assert [message["parts"] for message in rehearsed(inputs, ["de"])["messages"]] == [
        {
            "type": "template",
            "template": {
                "name": "order_shipped",
                "language": {"code": "de"},
                "components": [{"type": "body", "parameters": [{"type": "text", "text": "A<7"}]}],
            },
        },
        {"text": "<b>A&lt;7</b>", "parse_mode": "HTML"},
    ]
