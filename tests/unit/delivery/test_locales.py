"""RFC 4647 lookup without case, and one locale for all parts of a message."""

from __future__ import annotations

from typing import Any

import pytest

from services.delivery.channels.in_app.render import render_item
from services.delivery.rendering.locales import localized, one_locale
from shared.model.channel_templates import Templates
from shared.model.templates import InAppTemplate
from tests.support import samples as a
from tests.unit.delivery.test_email import composed

TEXTS = {
    "en": "en",
    "zh": "zh",
    "zh-Hant": "zh-Hant",
    "pt": "pt",
    "pt-BR": "pt-BR",
    "sr-Latn": "sr-Latn",
    "de-1996": "de-1996",
}


@pytest.mark.parametrize(
    ("locale", "chosen"),
    [
        ("zh-Hant-TW", "zh-Hant"),
        ("zh-hant-tw", "zh-Hant"),
        ("ZH-HANT", "zh-Hant"),
        ("zh-TW", "zh"),
        ("pt-br", "pt-BR"),
        ("pt_BR", "pt-BR"),
        ("pt_BR.UTF-8", "pt-BR"),
        ("pt_PT@euro", "pt"),
        ("pt-BR-x-private", "pt-BR"),
        ("pt-u-co-phonebk", "pt"),
        ("sr-Latn-RS", "sr-Latn"),
        ("sr", "en"),
        ("de-1996-x-a", "de-1996"),
        ("de", "en"),
        ("xx", "en"),
        ("", "en"),
        ("-", "en"),
        ("en-US", "en"),
        (None, "en"),
    ],
)
def test_lookup(locale: str | None, chosen: str) -> None:
    assert localized(TEXTS, locale) == chosen


def test_keys_of_a_template_have_no_case_either() -> None:
    assert localized({"EN": "Hello", "PT-br": "Olá", "de_AT": "Servus"}, "pt-BR") == "Olá"
    assert localized({"EN": "Hello", "PT-br": "Olá", "de_AT": "Servus"}, "de-AT") == "Servus"
    assert localized({"EN": "Hello", "PT-br": "Olá"}, "fr") == "Hello"


@pytest.mark.parametrize(
    ("texts", "locale", "chosen"),
    [
        ([{"en": "s-en", "pt": "s-pt"}, {"en": "h-en"}], "pt", ["s-en", "h-en"]),
        ([{"en": "s-en", "pt": "s-pt"}, {"en": "h-en", "pt": "h-pt"}], "pt-BR", ["s-pt", "h-pt"]),
        ([{"en": "s-en", "pt": "s-pt", "pt-BR": "s-br"}, {"pt": "h-pt", "en": "h-en"}], "pt-BR", ["s-pt", "h-pt"]),
        ([{"PT-br": "s"}, {"pt_BR": "t"}, {"pt-BR": "h"}], "pt-BR", ["s", "t", "h"]),
        ([{"en": "s-en", "pt": "s-pt"}, "for all", {"pt": "h-pt", "en": "h-en"}], "pt", ["s-pt", "for all", "h-pt"]),
        ([{"de": "s-de", "pt": "s-pt"}, {"it": "t-it", "pt": "t-pt"}], "it", ["s-pt", "t-pt"]),
        ([{"pt": "s-pt"}, {"en": "t-en"}], "pt", ["s-pt", "t-en"]),
        (["one", "two"], "pt", ["one", "two"]),
        ([{}, "two"], "pt", ["", "two"]),
    ],
)
def test_one_locale_for_all(texts: list[Any], locale: str | None, chosen: list[str]) -> None:
    assert one_locale(texts, locale) == chosen


def test_a_mail_is_in_one_language() -> None:
    parts = {
        "subject": {"en": "Hello", "pt": "Olá"},
        "text": {"en": "Hello", "pt": "Olá"},
        "html": {"en": "<p>Hello</p>"},
        "locale": "pt",
    }
    message = composed(**parts)
    assert message["Subject"] == "Hello"
    assert [part.get_content().strip() for part in message.iter_parts()] == ["Hello", "<p>Hello</p>"]


def test_an_inbox_item_is_in_one_language() -> None:
    template = InAppTemplate(title={"en": "Hello", "pt": "Olá"}, body={"en": "World"})
    item = render_item(a.delivery(locale="pt"), a.workflow(templates=Templates(in_app=template)), 1, a.NOON)
    assert (item.title, item.body) == ("Hello", "World")
