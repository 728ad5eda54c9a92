"""Hostile templates: each ends by name before it has cost a second, however large the data are."""

from __future__ import annotations

import time
from typing import Any, Final

import pytest
from liquid.exceptions import LiquidError

from services.delivery.rendering.liquid import RenderFailed, environment, render
from services.delivery.rendering.sources import MAX_SOURCE, MAX_UNCLOSED, UnreadableTemplate

MAX_SECONDS: Final = 3.0
"""Of processor time: nobody else's work is in it."""
LONG: Final = "a" * 500_000
DATA: Final[dict[str, Any]] = {
    "long": LONG,
    "tags": "<" * 200_000 + ">",
    "scripts": "<script>" * 30_000,
    "entities": "&amp" * 100_000,
    "digits": "9" * 4_000,
    "exponent": "1e999999999",
    "big": 2**63,
    "texts": [f"text {n}" for n in range(50_000)],
    "objects": [{"n": n % 7, "deep": {"x": [n] * 4}} for n in range(20_000)],
    "same": [{"n": [1] * 200} for _ in range(2_000)],
    "lists": [{"x": ["y"] * 10_000} for _ in range(10)],
    "few": list(range(10)),
    "twin": [f"text {n}" for n in range(50_000)],
    "other": [{"n": n % 7, "deep": {"x": [n] * 4}} for n in range(20_000)],
}


def _loops(depth: int, inside: str, each: int) -> str:
    begin = "".join(f"{{% for i{n} in (1..{each}) %}}" for n in range(depth))
    return begin + inside + "{% endfor %}" * depth


_DOUBLED: Final = "{% assign a = data.few %}" + "{% assign a = a | concat: a %}" * 13
_LISTS: Final = "{% assign a = data.lists %}" + "{% assign a = a | concat: a %}" * 13


@pytest.mark.parametrize("html", [False, True])
@pytest.mark.parametrize(
    ("template", "error"),
    [
        (_loops(4, "{{ data.few[0] }}", 10) * 400, "TooMuchWork"),
        (_loops(5, "{{ data.few[0] }}", 10), "LoopIterationLimitError"),
        (_loops(1, "{% if " + "1 == 2 or " * 200 + "false %}{% endif %}", 10_000), "TooMuchWork"),
        (_loops(2, "{% if data.texts contains 'no' %}{% endif %}", 100), "TooMuchWork"),
        (_loops(2, "{% if data.texts == data.twin %}{% endif %}", 100), "TooMuchWork"),
        (_loops(2, "{% if data.objects == data.other %}{% endif %}", 100), "TooMuchWork"),
        (_loops(2, "{% if data.long contains 'b' %}{% endif %}", 100), "TooMuchWork"),
        (_loops(2, "{% case data.texts %}{% when data.twin %}{% endcase %}", 100), "TooMuchWork"),
        (_loops(2, "{% capture x %}{{ data.objects | first }}{% endcapture %}", 100), "TooMuchWork"),
        (_loops(2, "{% capture x %}" + "long text " * 20_000 + "{% endcapture %}", 100), "TooMuchWork"),
        (_loops(2, "{{ data.long | url_encode | size }}", 100), "TooMuchWork"),
        (_loops(2, "{{ data.long | split: '' | size }}", 100), "TooMuchWork"),
        (_loops(2, "{{ data.texts | sort_natural | size }}", 100), "TooMuchWork"),
        ("{% tablerow i in data.texts %}{{ i }}{% endtablerow %}", "LoopIterationLimitError"),
        ("{% for i in data.texts %}{% endfor %}", "LoopIterationLimitError"),
        ("{{ (1..1000000000) | join: ',' }}", "TooMuchWork"),
        ("{% assign x = (1..100000000) | reverse %}", "TooMuchWork"),
        ("{{ data.long | replace: 'a', data.long }}", "TooMuchWork"),
        ("{{ data.long | replace: '', data.long }}", "TooMuchWork"),
        ("{{ data.texts | join: data.long }}", "TooMuchWork"),
        ("{{ data.long" + " | append: data.long" * 200 + " }}", "TooMuchWork"),
        ("{{ data.long" + " | escape" * 50 + " | size }}", None),
        ("{{ data.tags" + " | escape" * 50 + " | size }}", "TooMuchWork"),
        ("{{ data.big" + " | times: data.big" * 1_000 + " }}", "TooMuchWork"),
        ("{{ 1" + " | times: data.digits" * 100 + " }}", "TooMuchWork"),
        ("{{ data.texts | uniq | size }}", "TooMuchWork"),
        ("{{ data.objects | uniq | size }}", "TooMuchWork"),
        ("{{ data.same | uniq: 'n' | size }}", "TooMuchWork"),
        (_DOUBLED + "{{ a | uniq | size }}", "TooMuchWork"),
        (_LISTS + "{{ a | map: 'x' | size }}", "TooMuchWork"),
        ("{{ data.tags | strip_html | size }}", "TooMuchWork"),
        ("{{ data.scripts | strip_html | size }}", "TooMuchWork"),
        ("{{ data.entities | escape_once | size }}", None),
        ("{{ data.long | date: '%Y' }}", "FilterArgumentError"),
        ("{{ '2026-01-02' | date: data.long }}", "FilterArgumentError"),
        ("{{ data.exponent | plus: 1 }}", None),
        ("{{ data.exponent | round }}", "OverflowError"),
        ("{{ 1.5 | round: 999999999999 }}", None),
        ("{{ data.digits | date: '%Y' }}", "FilterArgumentError"),
        ("{% assign x = 'a' %}" + "{% assign x = x | append: x %}" * 40, "LocalNamespaceLimitError"),
    ],
)
def test_a_hostile_template_ends_by_name(template: str, error: str | None, html: bool) -> None:
    before = time.thread_time()
    try:
        render(template, None, {"data": DATA}, html=html)
    except RenderFailed as failed:
        found = str(failed)
    else:
        found = None
    assert time.thread_time() - before < MAX_SECONDS
    if error is not None:
        assert found == error


@pytest.mark.parametrize(
    "template",
    [
        "{% for c in digest.items %}- {{ c.author | upcase }}: {{ c.text | strip_html | truncate: 80 }}\n{% endfor %}",
        "{{ digest.items | map: 'author' | uniq | join: ', ' }}",
        "{% assign by = digest.items | sort: 'author' %}{% for c in by limit: 20 %}{{ c.text }}{% endfor %}",
        "{% for c in digest.items %}{% if digest.items and digest %}{{ c.author }}{% endif %}{% endfor %}",
        "{% for c in digest.items %}{% if digest.items.size > 3 %}{{ forloop.index }} of {{ digest.items.size }}{% endif %}{% endfor %}",
    ],
)
def test_a_digest_of_a_thousand_is_far_from_the_limit(template: str) -> None:
    items = [{"author": f"author {n % 50}", "text": "a comment <b>about</b> this" * 5} for n in range(1_000)]
    assert render(template, None, {"digest": {"count": 1_000, "items": items}})


@pytest.mark.parametrize(
    "source",
    [
        "{{" * 60_000,
        "{{ a " * 50_000,
        "{{" + " " * 100_000,
        "{{" + " " * 100_000 + "}}",
        "{{- a" + " \n" * 50_000 + "b }}",
        "{%" + " " * 100_000,
        "{% raw %}" * 20_000,
        "{% raw %}{{" * 20_000,
        "{% doc %}" * 20_000,
        "{% if a %}" * 20_000,
        "{% comment %}" * 20_000,
        "x" * (MAX_SOURCE + 1),
        "{% if " + "(" * 50_000 + " %}",
        "{{ a" + "[a" * 50_000 + " }}",
    ],
)
def test_a_source_that_would_be_read_for_hours_is_refused(source: str) -> None:
    before = time.thread_time()
    with pytest.raises((LiquidError, RecursionError)):
        environment().from_string(source)
    assert time.thread_time() - before < MAX_SECONDS
    with pytest.raises(RenderFailed):
        render(source, None, {})


@pytest.mark.parametrize(
    "source",
    [
        "{% raw %}" + "{{ " * MAX_UNCLOSED + "{% endraw %}",
        "a" + " " * 5_000 + "b {{ 1 }}",
        "{{ 1 }}" + " " * 5_000,
        "{{ 1 }}" * 20_000,
    ],
)
def test_a_long_source_is_read(source: str) -> None:
    try:
        environment().from_string(source)
    except UnreadableTemplate:
        pytest.fail("it was refused")


@pytest.mark.parametrize("html", [False, True])
@pytest.mark.parametrize("text", ["", "as it stands", "a\r\nb\t}} %}", "<b>x</b> &amp;", "x" * 20_000])
def test_what_is_no_template_is_said_as_it_stands(text: str, html: bool) -> None:
    assert render(text, None, {}, html=html) == text


def test_what_no_utf_has_fails_also_where_there_is_no_liquid() -> None:
    with pytest.raises(RenderFailed, match="UnicodeEncodeError"):
        render("\ud800", None, {})
