"""MJML becomes HTML once, its Liquid untouched; nothing is fetched, no template ends the process."""

from __future__ import annotations

import time
from contextlib import suppress
from email.message import EmailMessage
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.cli.templates import template_faults
from services.delivery.rendering import mjml as compiling
from services.delivery.rendering.liquid import RenderFailed, render
from services.delivery.rendering.mjml import MAX_DEPTH, InvalidMjml, compile_mjml, html_of
from services.delivery.rendering.sources import UnreadableTemplate
from shared.model.channel_templates import Templates
from shared.model.templates import EmailTemplate, Text
from shared.model.workflows import parse
from tests.support import samples as a
from tests.unit.delivery.test_email import composed as composed_html

LAYOUT: Final = (
    "<mjml><mj-head><mj-title>{{ data.order }}</mj-title></mj-head>"
    '<mj-body background-color="{{ tenant.brand.back | default: "#ffffff" }}"><mj-section><mj-column>%s</mj-column>'
    "</mj-section></mj-body></mjml>"
)


def rendered(body: str, data: Any) -> str:
    return render(html_of(LAYOUT % body), None, {"data": data, "tenant": {"brand": {}}}, html=True)


@pytest.mark.parametrize(
    ("body", "data", "shown", "hidden"),
    [
        ("<mj-text>Order {{ data.order }}</mj-text>", {}, ["Order A&lt;7&gt;", ">", "#ffffff"], ["A<7>", "mj-text"]),
        (
            "{% for item in data.items %}<mj-text>{{ item }};</mj-text>{% endfor %}",
            {"items": ["a", "b"]},
            [">a;<", ">b;<"],
            ["{%"],
        ),
        ("<mj-text>{% if data.n < 3 and data.n > 1 %}few{% endif %}</mj-text>", {"n": 2}, [">few<"], []),
        ("<mj-text>{% raw %}{{ <b> }}{% endraw %}</mj-text>", {}, ["{{ <b> }}"], []),
        ("<mj-text>a{% comment %} < nothing > {% endcomment %}b</mj-text>", {}, [">ab<"], ["nothing"]),
        ('<mj-button href="{{ data.url }}">Go</mj-button>', {"url": "https://x.example/?a=1&b=2"}, ['href="https://x.example/?a=1&amp;b=2"'], []),
        ("<mj-button href='/a/{{ data.order | default: \"x\" | path_encode }}'>Go</mj-button>", {}, ['href="/a/A%3C7%3E"'], []),
        ('<mj-text font-size="{{ data.size }}px">x</mj-text>', {"size": 20}, ["font-size:20px"], []),
        ("<mj-text>{{ data.x }}</mj-text>", {"x": "<mj-raw>"}, ["&lt;mj-raw&gt;"], []),
        ("<mj-text>Grüße &amp; Käse<br>liquid7z</mj-text>", {}, ["Grüße &amp; Käse", "liquid7z"], []),
        ("<mj-raw>{% if data.x %}</mj-raw><mj-text>y</mj-text><mj-raw>{% endif %}</mj-raw>", {"x": False}, [], [">y<"]),
    ],
)  # fmt: skip
def test_liquid_passes_through(body: str, data: dict[str, Any], shown: list[str], hidden: list[str]) -> None:
    html = rendered(body, data | {"order": "A<7>"})
    assert [text for text in shown if text not in html] == []
    assert [text for text in hidden if text in html] == []


def test_nothing_is_fetched() -> None:
    html = compile_mjml(LAYOUT % '<mj-text font-family="Ubuntu">x</mj-text>')
    assert "https://" not in html.replace("https://", "", html.count('xmlns="https://'))
    for path in ("/etc/passwd", "https://example.com/x.mjml"):
        with pytest.raises(InvalidMjml):
            compile_mjml(LAYOUT % f'<mj-include path="{path}" />')


@pytest.mark.parametrize(
    "source",
    [
        "",
        "x",
        "<html></html>",
        "<mjml>",
        "<mjml><mj-body></mjml>",
        LAYOUT % "<mj-text>a < b</mj-text>",
        LAYOUT % "<mj-text>a</mj-text></mj-text>",
        LAYOUT % '<mj-text color="red>a</mj-text>',
        LAYOUT % "<!-- <mj-text>a</mj-text>",
        LAYOUT % '<mj-text {% if data.x %}color="red"{% endif %}>a</mj-text>',
        LAYOUT % ("<div>" * (MAX_DEPTH + 1) + "</div>" * (MAX_DEPTH + 1)),
        LAYOUT % ("<mj-text><div>" * 50_000),
        LAYOUT % ("<mj-text>" + "x" * 260_000 + "</mj-text>"),
        LAYOUT % ("<mj-text>a</mj-text>" * 9_000),
        LAYOUT % ('<a "' * 60_000),
        LAYOUT % ("<!--" * 60_000),
        LAYOUT % ("{{" * 60_000),
        LAYOUT % ("{% comment %}" * 20_000),
        LAYOUT % '<mj-image src="x" width="{{ data.width }}" />',
        LAYOUT % '<mj-social background-position="\U0001f600" tb-width="x" border-width="a b c d e"></mj-social>' + "</x>",
    ],
)  # fmt: skip
def test_what_is_no_mjml_is_refused_by_name(source: str) -> None:
    before = time.thread_time()
    with pytest.raises((InvalidMjml, UnreadableTemplate)):
        compile_mjml(source)
    assert time.thread_time() - before < 3
    with pytest.raises(RenderFailed) as failed:
        html_of(source)
    assert str(failed.value) in {"InvalidMjml", "UnreadableTemplate"}


def test_a_fault_of_the_compiler_does_not_end_the_process() -> None:
    with pytest.raises(InvalidMjml, match="no answer"):
        compile_mjml('<mjml><mj-body aa-->b="\U0001f600"></mj-body></mjml>')


@given(st.text(alphabet='<>/"= mjbodytex-sciln{}%!&;\U0001f600', max_size=200))
def test_any_text(source: str) -> None:
    with suppress(InvalidMjml, UnreadableTemplate):
        compile_mjml(f"<mjml><mj-body>{source}</mj-body></mjml>")


def test_it_is_compiled_once() -> None:
    source = LAYOUT % "<mj-text>once {{ data.order }}</mj-text>"
    assert html_of(source) is html_of(source)
    assert compiling._compiled.bytes <= compiling.MAX_BYTES


def message(mjml: Text, **changes: Any) -> EmailMessage:
    return composed_html(mjml=mjml, **changes)


def test_a_mail() -> None:
    mail = message(LAYOUT % '<mj-text>Order {{ data.order }}</mj-text><mj-button href="{{ data.url }}">x</mj-button>',
                   data=b'{"order":"A7","url":"javascript:alert(1)"}')  # fmt: skip
    plain, html = mail.iter_parts()
    assert plain.get_content() == "Shipped: A7\r\n"
    shown = html.get_content()
    assert ">Order A7<" in shown
    assert "javascript" not in shown
    assert 'href="#"' in shown


def test_one_for_each_locale() -> None:
    mail = message(
        {"en": LAYOUT % "<mj-text>Hello</mj-text>", "de": LAYOUT % "<mj-text>Hallo</mj-text>"}, locale="de-AT"
    )
    assert ">Hallo<" in list(mail.iter_parts())[1].get_content()


FILE: Final[dict[str, Any]] = {"key": "a", "category": "c", "steps": [{"key": "m", "channels": ["email"]}]}


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ({"mjml": LAYOUT % "<mj-text>{{ data.x }}</mj-text>"}, []),
        ({"mjml": "<mjml>"}, ["/templates/email/mjml"]),
        ({"mjml": {"en": LAYOUT % "x", "de": "<mjml><mj-body>"}}, ["/templates/email/mjml/de"]),
        ({"mjml": LAYOUT % "x", "html": "x"}, ["/templates/email/mjml"]),
        ({"mjml": LAYOUT % "<mj-text>{{ dat.x }}</mj-text>"}, ["/templates/email/mjml"]),
        ({"mjml": LAYOUT % '<mj-image width="{{ data.x }}px" />'}, ["/templates/email/mjml"]),
    ],
)
def test_it_is_checked_before_it_is_published(texts: dict[str, Any], found: list[str]) -> None:
    workflow = parse(FILE | {"templates": {"email": {"subject": "s", "text": "t", **texts}}})
    assert [fault.pointer for fault in template_faults(workflow)] == found


def test_only_what_has_it_needs_a_newer_reader() -> None:
    plain, newer = (EmailTemplate(subject="s", text="t", mjml=mjml) for mjml in (None, "<mjml/>"))
    assert a.workflow(templates=Templates(email=plain)).format == 1
    assert a.workflow(templates=Templates(email=newer)).format == 2
