"""What a push message shows: one language, plain, a safe link, and a tag by which a later one replaces it."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.delivery.channels.push.compose import MAX_TTL_SECONDS, collapse_tag, compose, seconds_left, tag_of
from services.delivery.rendering.liquid import RenderFailed
from tests.support import samples as a
from tests.unit.delivery.push.texts import LINKS, about, push, texts


def shown(delivery: Any = None, **parts: Any) -> Any:
    return compose(delivery or push(), texts(**parts), None, LINKS)


def test_title_and_body_are_in_one_language() -> None:
    german = push(locale="de")
    found = shown(german, title={"en": "Hi", "de": "Servus"}, body={"en": "Bye"})
    assert (found.title, found.body) == ("Hi", "Bye"), "both have English, and only that"


def test_controls_and_line_breaks_go_from_the_title_and_lines_stay_in_the_body() -> None:
    found = shown(push(notification=about("a\x00\r\nb")), title="{{ data.text }}", body="{{ data.text }}")
    assert (found.title, found.body) == ("a b", "a\nb")
    assert shown(body="").body == ""


@pytest.mark.parametrize(
    ("url", "said", "opens"),
    [
        ("https://shop.example.com/{{ data.text }}", "7", "https://shop.example.com/7"),
        ("{{ data.text }}", "javascript:alert(1)", None),
        ("{{ data.text }}", "java\nscript:alert(1)", None),
        ("myapp://orders/{{ data.text }}", "7", "myapp://orders/7"),
        ("/orders/{{ data.text }}", "7", "/orders/7"),
        ("{{ data.text }}", " ", None),
    ],
)
def test_a_link_that_data_leads_to_a_script_is_left_out(url: str, said: str, opens: str | None) -> None:
    assert shown(push(notification=about(said)), body="", url=url).url == opens


@pytest.mark.parametrize(
    ("parts", "says"),
    [({"title": " "}, "empty_text"), ({"title": "{{ data.none }}"}, "missing:data.none"),
     ({"body": "{{ data.text }}"}, "lone_surrogate"), ({"url": "/{{ data.text }}"}, "lone_surrogate")],
)  # fmt: skip
def test_what_cannot_be_shown_says_why(parts: dict[str, Any], says: str) -> None:
    delivery = push(notification=a.notification(data=msgspec.Raw(b'{"text":"\\ud800"}')))
    with pytest.raises(RenderFailed, match=f"{says}|unreadable_data"):
        shown(delivery, **parts)


@given(st.text(max_size=200), st.text(min_size=1, max_size=200))
def test_a_tag_is_32_letters_and_the_same_for_the_same_key(workflow: str, key: str) -> None:
    one = push(id="d-1", notification=a.notification(workflow=workflow, collapse_key=key))
    two = push(id="d-2", notification=a.notification(id="n-2", workflow=workflow, collapse_key=key))
    assert re.fullmatch("[A-Za-z0-9_-]{32}", tag_of(one))
    assert tag_of(one) == tag_of(two) == collapse_tag(one.notification)


def test_without_a_key_each_delivery_has_a_tag_of_its_own() -> None:
    assert tag_of(push(id="d-1")) == tag_of(push(id="d-1"))
    assert tag_of(push(id="d-1")) != tag_of(push(id="d-2"))
    assert collapse_tag(a.notification()) is None
    keys = [
        a.notification(collapse_key="a"),
        a.notification(collapse_key="a", workflow="other"),
        a.notification(collapse_key="b"),
    ]
    assert len({collapse_tag(each) for each in keys}) == 3


@pytest.mark.parametrize(("expires_in", "seconds"), [(a.DAY, 86_400), (999, 0), (-5, 0), (60 * a.DAY, MAX_TTL_SECONDS)])
def test_it_is_kept_no_longer_than_it_is_good(expires_in: int, seconds: int) -> None:
    assert seconds_left(a.notification(expires_at=a.NOON + expires_in), a.NOON) == seconds
