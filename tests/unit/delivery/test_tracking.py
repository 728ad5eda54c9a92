"""What a template asks to be told of its HTML part: links over the gateway, a pixel, and nothing that nobody asked for."""

from __future__ import annotations

import re
from html import escape, unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.delivery.channels.email.compose import compose
from services.delivery.channels.email.mailboxes import parse_mailbox
from services.delivery.channels.email.tracking import Tracking
from services.delivery.rendering.links import SafeLinks
from shared.model.channel_templates import Templates
from shared.model.formats import OLDEST
from shared.model.templates import EmailTemplate
from shared.model.tracking import Tracked, TrackedLink, read_tracked, sign_tracked
from tests.support import samples as a

SECRET = b"x" * 24
BASE = "https://notify.example.com/t/"
TRACKING = Tracking("https://notify.example.com/", SECRET)
BOTH = (Tracked.OPENS, Tracked.CLICKS)


class Places(HTMLParser):
    """Where the links of a page lead, and its pictures are."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.hrefs: list[str | None] = []
        self.images: list[str | None] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("a", "area"):
            self.hrefs.append(dict(attrs).get("href"))
        elif tag == "img":
            self.images.append(dict(attrs).get("src"))


def tracked(html: str, wanted: tuple[Tracked, ...] = BOTH, **changes: Any) -> str:
    return TRACKING.in_html(html, a.delivery(**changes), wanted)


def behind(url: str | None) -> TrackedLink:
    assert url is not None
    assert url.startswith(BASE)
    link = read_tracked(url.removeprefix(BASE), [SECRET])
    assert link is not None
    return link


URL = "https://shop.example.com/a?x=1&y=%C3%A9#top"


@pytest.mark.parametrize(
    "tag",
    [
        f'<a href="{escape(URL)}">go</a>',
        f"<A class=x HREF = '{escape(URL)}'>go</A>",
        f"<a href={escape(URL)} target=_blank>go</a>",
        f'<map><area href="{escape(URL)}"></map>',
    ],
)
def test_a_link_leads_over_the_gateway_to_where_it_led(tag: str) -> None:
    [href] = Places(tracked(tag, (Tracked.CLICKS,))).hrefs
    link = behind(href)
    assert (link.url, link.tenant, link.delivery, link.generation) == (URL, "acme", a.delivery().id, 0)


@pytest.mark.parametrize(
    "html",
    [
        '<a href="mailto:a@example.com">m</a>', '<a href="tel:+49">t</a>', '<a href="#top">t</a>', '<a name="x">t</a>',
        '<a href="/relative">t</a>', '<link href="https://x.example/s.css">', '<img src="https://x.example/a.png">',
        "https://plain.example", f'<a href="https://x.example/{"y" * 900}">long</a>', '<a href="javascript:1">x</a>',
    ],
)  # fmt: skip
def test_what_is_no_way_to_the_web_stays(html: str) -> None:
    assert tracked(html, (Tracked.CLICKS,)) == html


@pytest.mark.parametrize(("html", "rest"), [("<p>Hi</p>", ""), ("<body><p>Hi</p></BODY ></html>", "</BODY ></html>")])
def test_the_pixel_is_the_last_of_the_message(html: str, rest: str) -> None:
    found = tracked(html, (Tracked.OPENS,))
    assert found.endswith(f'" width="1" height="1" alt="">{rest}')
    [image] = Places(found).images
    assert behind(image).url is None


@pytest.mark.parametrize(
    "changes", [{"redirected": True}, {"notification": a.notification(test=True)}], ids=["redirected", "test"]
)
def test_a_test_is_not_tracked(changes: dict[str, Any]) -> None:
    html = f'<a href="{URL}">go</a>'
    assert tracked(html, **changes) == html
    assert tracked(html, ()) == html


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=200))
def test_whatever_a_url_is_it_comes_out_as_a_browser_reads_it(path: str) -> None:
    url = "https://x.example/" + re.sub(r"[\x00-\x20\x7f-\xa0]", "", path)
    [plain] = Places(f'<a href="{escape(url)}">go</a>').hrefs
    [href] = Places(tracked(f'<a href="{escape(url)}">go</a>', (Tracked.CLICKS,))).hrefs
    token = sign_tracked(TrackedLink(tenant="acme", delivery=a.delivery().id, url=url), SECRET)
    assert href == (plain if token is None else BASE + token)
    assert token is None or behind(href).url == unescape(escape(url))


def test_a_token_of_another_secret_or_another_purpose_is_none() -> None:
    token = sign_tracked(TrackedLink(tenant="acme", delivery="d"), SECRET)
    assert token is not None
    assert read_tracked(token, [b"y" * 24]) is None
    assert read_tracked(token[:-1], [SECRET]) is None
    assert read_tracked("", [SECRET]) is None


def template(**more: Any) -> EmailTemplate:
    return EmailTemplate(subject="S", text=f"See {URL}", html=f'<a href="{URL}">go</a>', **more)


def test_only_who_asks_is_tracked_and_the_text_part_never() -> None:
    for track, changed in ((), False), (BOTH, True):
        workflow = a.workflow(templates=Templates(email=template(track=track)))
        letter = compose(a.delivery(), workflow, parse_mailbox("C <c@c.example>"), SafeLinks(), tracking=TRACKING)
        assert letter.html is not None
        assert (BASE in letter.html) is changed
        assert letter.text == f"See {URL}"
        untracked = compose(a.delivery(), workflow, parse_mailbox("C <c@c.example>"), SafeLinks())
        assert untracked.html == f'<a href="{URL}">go</a>'


def test_an_older_worker_waits_with_a_template_that_asks() -> None:
    assert a.workflow(templates=Templates(email=template(track=BOTH))).format > OLDEST
