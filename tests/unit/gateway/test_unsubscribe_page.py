"""The pages of an unsubscribe link: in the reader's language, whole in themselves, whatever a category is called."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.unsubscribe.core.languages import preferred
from services.gateway.unsubscribe.core.page import HEADERS, LANGUAGES, Page, page

EVERY = [(kind, language) for kind in Page for language in LANGUAGES]


class Tags(HTMLParser):
    """The tags of a page, its attributes and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_a_page_has_a_language_one_heading_and_loads_and_runs_nothing(kind: Page, language: str) -> None:
    found = Tags(page(kind, language, "orders"))
    names = [name for name, _ in found.tags]
    assert ("html", {"lang": language}) in found.tags
    assert (names.count("h1"), names.count("main"), names.count("title")) == (1, 1, 1)
    assert {"script", "link", "img", "iframe"}.isdisjoint(names)
    assert not any({"src", "href", "style", "action"} & attributes.keys() for _, attributes in found.tags)
    assert ("form" in names) is (kind is Page.ASK)
    assert "{" not in found.text.partition("main {")[2].partition("}")[2].rpartition("}")[2]


@given(st.text())
def test_whatever_a_category_is_called_it_is_text(about: str) -> None:
    for kind in (Page.ASK, Page.DONE):
        plain = Tags(page(kind, "en", "orders"))
        assert Tags(page(kind, "en", about or "x")).tags == plain.tags


def test_the_policy_lets_in_the_pages_own_style_and_nothing_else() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en;q=0.3, DE;q=0.4", "de"),
        ("fr, de;q=0", "en"),
        ("fr;q=1, *;q=0.5, de;q=0.1", "en"),
        ("fr, de;q=0.1", "de"),
        ("de;q=x, ;;, en", "en"),
        (",".join(["x"] * 10_000) + ",de", "en"),
    ],
)
def test_the_language_is_the_one_that_is_liked_best(accepted: str, language: str) -> None:
    assert preferred(accepted, LANGUAGES, "en") == language
