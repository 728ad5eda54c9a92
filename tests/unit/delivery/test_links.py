"""Data leads a link to the web, to mail or to a telephone; elsewhere only where operator or template say so."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.delivery.channels.in_app.render import render_item
from services.delivery.rendering.links import SCHEMES, SafeLinks, scheme
from shared.model.channel_templates import Templates
from shared.model.templates import InAppTemplate
from tests.support import samples as a
from tests.unit.delivery.test_email import composed

SAFE = ["https://example.com/a?b=c&d", "http://x", "HTTPS://X", "mailto:a@b.c", "tel:+49", "/orders/1", "orders:1/2".replace(":", "/"),
        "//x/y", "?a=javascript:", "#b:c", "", "1:2", "ä:b"]  # fmt: skip
SCRIPTS = [
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "  javascript:alert(1)", "java\tscript:alert(1)", "java\r\nscript:x",
    "\x01javascript:alert(1)", "java\x00script:alert(1)", "java\x0bscript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd",
    "intent://x#Intent;end", "blob:x", "about:blank", "x-app:y",
]  # fmt: skip


def mailed(template: str, link: str) -> str:
    part = composed(msgspec.json.encode({"link": link, "order": "A-1"}), html=template).get_body(("html",))
    assert part is not None
    return str(part.get_content()).rstrip("\r\n")


@pytest.mark.parametrize("link", SAFE)
def test_in_a_mail_it_may_lead_to_the_web(link: str) -> None:
    assert SafeLinks().allows(link, "{{ data.link }}")
    shown = mailed('<a href="{{ data.link }}">x</a>', link)
    assert shown == f'<a href="{link.replace("&", "&amp;")}">x</a>'


TEMPLATES = [
    '<a href="{{ data.link }}">x</a>',
    "<a href='{{ data.link }}'>x</a>",
    '<A class="a>b" HREF = "{{ data.link }}">x</A>',
    '<a\nhref="{{ data.link }}">x</a>',
    '<a title="it\'s"href="{{ data.link }}">x</a>',
    "<a title=it's href=\"{{ data.link }}\">it's</a>",
    '<form action="{{ data.link }}"></form>',
    '<button formaction="{{ data.link }}"></button>',
    '<iframe src="{{ data.link }}"></iframe>',
    '<svg><a xlink:href="{{ data.link }}"/></svg>',
    '<a href="{{ data.link | slice: 0, 4 }}{{ data.link | slice: 4, 99 }}">x</a>',
]


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("link", SCRIPTS)
def test_in_a_mail_it_leads_to_no_script(template: str, link: str) -> None:
    shown = mailed(template, link)
    assert "script:" not in shown.replace("\t", "").replace("\n", "").lower()
    assert "#" in shown


def test_unquoted_too() -> None:
    assert mailed("<a href={{ data.link }}>x</a>", "javascript:alert(1)") == "<a href=#>x</a>"


@pytest.mark.parametrize("link", SCRIPTS)
def test_in_an_inbox_it_leads_nowhere(link: str) -> None:
    assert item("{{ data.link }}", link) is None


@pytest.mark.parametrize("link", SAFE)
def test_in_an_inbox_it_may_lead_to_the_web(link: str) -> None:
    assert item("{{ data.link }}", link) == link


def item(url: str, link: str, links: SafeLinks | None = None) -> str | None:
    workflow = a.workflow(templates=Templates(in_app=InAppTemplate(title="x", url=url)))
    delivery = a.delivery(notification=a.notification(data=msgspec.Raw(msgspec.json.encode({"link": link}))))
    more: dict[str, Any] = {} if links is None else {"links": links}
    return render_item(delivery, workflow, 1, a.NOON, **more).url


def test_schemes_of_the_operator_are_open() -> None:
    links = SafeLinks(["MyApp"])
    assert item("{{ data.link }}", "myapp://orders/1", links) == "myapp://orders/1"
    assert item("{{ data.link }}", "javascript:x", links) is None
    assert links.in_html('<a href="myapp:x">', '<a href="{{ data.link }}">') == '<a href="myapp:x">'


def test_schemes_of_the_template_are_its_authors() -> None:
    assert item("myapp://orders/{{ data.link }}", "1") == "myapp://orders/1"
    template = '<img src="cid:logo"><a href="{{ data.link }}">x</a>'
    assert mailed(template, "javascript:x") == '<img src="cid:logo"><a href="#">x</a>'


def test_what_is_no_link_is_left_as_it_is() -> None:
    template = '<p title="{{ data.link }}">{{ data.link }} href=javascript:x</p>'
    assert mailed(template, "javascript:x") == '<p title="javascript:x">javascript:x href=javascript:x</p>'


@given(st.text(max_size=30), st.sampled_from(SCRIPTS))
def test_nothing_in_front_of_it_helps(before: str, link: str) -> None:
    found = scheme(before + link)
    shown = mailed('<a href="{{ data.link }}">x</a>', before + link)
    assert found is None or found in SCHEMES or shown == '<a href="#">x</a>'
