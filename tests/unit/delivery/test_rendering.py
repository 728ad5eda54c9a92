"""Templates: bounded, strict about what they need, and no error of theirs but RenderFailed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.delivery.rendering.liquid import RenderFailed, context, render
from services.delivery.rendering.locales import localized
from tests.support import samples as a

TEXTS = {"en": "Hello", "pt": "Olá", "de-AT": "Servus"}


@pytest.mark.parametrize(
    ("template", "data", "text"),
    [
        ("Order {{ data.order }}", {"order": "A7"}, "Order A7"),
        ("Hi {{ data.name | default: 'you' }}!", {}, "Hi you!"),
        ("Hi {{ data.some.where[3].deep | default: '' }}!", {}, "Hi !"),
        ("Hi {{ data.name }}!", {"name": None}, "Hi !"),
        ("{% if data.vip %}VIP{% else %}you{% endif %}", {}, "you"),
        ("{{ data.n | plus: 1 }}", {"n": 41}, "42"),
        ("{{ data.size }} {{ data.first }}", {"size": "XL", "first": "Ada"}, "XL Ada"),
        ("{{ data.l.size }} {{ data.l.first }} {{ data.l.last }}", {"l": ["a", "b"]}, "2 a b"),
        ("{{ data.o | size }} {{ data.name.size }}", {"o": {"a": 1}, "name": "Ada"}, "1 3"),
        ("<b>{{ data.x }}</b>", {"x": "<i>&"}, "<b><i>&</b>"),
    ],
)
def test_text(template: str, data: Any, text: str) -> None:
    assert render(template, None, {"data": data}) == text


@pytest.mark.parametrize("html", [False, True])
@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("Order {{ data.order }} has shipped", "data.order"),
        ("{{ data.some.where[3].deep | upcase }}", "data.some.where[3].deep"),
        ("{{ data['odd key'] }}", "data['odd key']"),
        ("Your size: {{ data.size }}", "data.size"),
        ("{{ data.first }}", "data.first"),
        ("{{ data.list.last }}", "data.list.last"),
        ("{{ data[data.secret] }}", "data[data.secret]"),
        ("{{ data.list[data.secret][0].x }}", "data.list[data.secret][0].x"),
        ("{{ 'a' | append: data.b }}", "data.b"),
        ("{% assign z = data.x %}{{ z }}", "data.x"),
        ("{% for i in (1..data.x) %}{{ i }}{% endfor %}", "data.x"),
        ("{{ data.price | times: 2 }}", "data.price"),
        ("{{ 2 | times: data.price }}", "data.price"),
        ("{{ data.when | date: '%d.%m.' }}", "data.when"),
        (f"{{{{ data.{'x' * 200} }}}}", f"data.{'x' * 95}"),
    ],
)
def test_what_a_text_needs_and_the_data_have_not_is_named_as_the_template_writes_it(
    template: str, name: str, html: bool
) -> None:
    with pytest.raises(RenderFailed) as failed:
        render(template, None, {"data": {"secret": "s3cret", "list": {}}}, html=html)
    assert str(failed.value) == f"missing:{name}"


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{% if data.x %}{{ data.x }}{% else %}-{% endif %}", "-"),
        ("{% unless data.x %}-{% endunless %}", "-"),
        ("{% if data.x == nil %}-{% endif %}", "-"),
        ("{% if data.x > 3 or data.x contains 'a' %}{{ data.x }}{% endif %}", ""),
        ("{% for one in data.x %}{{ one.y }}{% else %}-{% endfor %}", "-"),
        ("{% case data.x %}{% when 'a' %}{{ data.y }}{% else %}-{% endcase %}", "-"),
        ("{{ data.x | default: 3 | plus: 1 }}", "4"),
        ("{{ data.x | map: 'y' | join: ', ' }}", ""),
        ("{{ user.name | default: user.id }}", "ada"),
    ],
)
def test_what_is_asked_for_first_may_be_missing(template: str, text: str) -> None:
    assert render(template, None, {"data": {}, "user": {"id": "ada", "name": None}}) == text


def test_html_escapes_data_and_not_the_template() -> None:
    found = render("<b>{{ data.x }}</b>", None, {"data": {"x": "<script>\"'&"}}, html=True)
    assert found == "<b>&lt;script&gt;&#34;&#39;&amp;</b>"


@pytest.mark.parametrize(
    ("locale", "text"),
    [("pt-BR", "Olá"), ("pt", "Olá"), ("de-AT", "Servus"), ("de", "Hello"), ("fr-FR", "Hello"), (None, "Hello")],
)
def test_locale(locale: str | None, text: str) -> None:
    assert localized(TEXTS, locale) == text
    assert localized("one for all", locale) == "one for all"


def test_locale_of_last_resort() -> None:
    assert localized({"it": "Ciao", "es": "Hola"}, "fr") == "Ciao"
    assert localized({}, "fr") == ""


HOSTILE = {
    "syntax": ("{{ data", {}),
    "unknown tag": ("{% nope %}", {}),
    "unknown filter": ("{{ data | nope }}", {}),
    "unclosed block": ("{% if data %}", {}),
    "no such partial": ("{% render 'x' %}", {}),
    "no such include": ("{% include 'x' %}", {}),
    "a loop without end": ("{% for i in (1..data.n) %}{% endfor %}", {"n": 10**12}),
    "loops in loops": ("{% for i in (1..999) %}{% for j in (1..999) %}{% endfor %}{% endfor %}", {}),
    "too much text": ("{% for i in (1..9999) %}{{ data.x }}{% endfor %}", {"x": "x" * 999}),
    "a variable that doubles": ("{% assign x='xx' %}{% for i in (1..99) %}{% assign x=x|append:x %}{% endfor %}", {}),
    "deep blocks": ("{% if true %}" * 2000 + "{% endif %}" * 2000, {}),
    "deep brackets": ("{{" + "a[" * 3000 + "]" * 3000 + "}}", {}),
    "division by zero": ("{{ 1 | divided_by: data.n }}", {"n": 0}),
    "infinity": ("{{ data.n | round }}", {"n": "inf"}),
    "not a number": ("{{ data.n | ceil }}", {"n": "nan"}),
    "overflow": ("{{ data.n | times: 10 | floor }}", {"n": "1e99999"}),
    "a negative offset": ("{% for i in data.a limit: -1 offset: -3 %}{{ i }}{% endfor %}", {"a": [1]}),
    "apples and oranges": ("{% if data.n < data.x %}{% endif %}", {"n": 1, "x": "x"}),
    "sorting anything": ("{{ data.a | sort }}", {"a": [1, "a", None]}),
}


@pytest.mark.parametrize("html", [False, True])
@pytest.mark.parametrize("what", HOSTILE)
def test_no_other_error_leaks(what: str, html: bool) -> None:
    template, data = HOSTILE[what]
    with pytest.raises(RenderFailed) as failed:
        render(template, None, {"data": data | {"secret": "s3cr3t"}}, html=html)
    assert str(failed.value).isidentifier(), "a code: neither template nor data"


FILTERS = [
    "abs",
    "append",
    "at_least",
    "at_most",
    "base64_decode",
    "base64_encode",
    "capitalize",
    "ceil",
    "compact",
    "concat",
    "date",
    "default",
    "divided_by",
    "downcase",
    "escape",
    "escape_once",
    "first",
    "floor",
    "join",
    "last",
    "lstrip",
    "map",
    "minus",
    "modulo",
    "newline_to_br",
    "plus",
    "prepend",
    "remove",
    "replace",
    "reverse",
    "round",
    "rstrip",
    "size",
    "slice",
    "sort",
    "sort_natural",
    "split",
    "strip",
    "strip_html",
    "sum",
    "times",
    "truncate",
    "truncatewords",
    "uniq",
    "upcase",
    "url_decode",
    "url_encode",
    "where",
]
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=5)
    | st.sampled_from(["inf", "nan", "1e9999", "%ff", "now", "-0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@given(st.sampled_from(FILTERS), VALUE, st.lists(VALUE, max_size=2))
def test_filters_on_anything(name: str, value: Any, more: list[Any]) -> None:
    arguments = ", ".join(f"m{number}" for number in range(len(more)))
    template = f"{{{{ v | {name}{': ' + arguments if arguments else ''} }}}}"
    with suppress(RenderFailed):
        render(template, None, {"v": value} | {f"m{number}": item for number, item in enumerate(more)})


def test_what_templates_see() -> None:
    values = context(a.delivery(name="Ada", notification=a.notification(actor="bob")))
    template = (
        "{{ data.order }} {{ user.id }} {{ user.name }} {{ actor }} {{ workflow }} {{ event.id }} {{ event.type }}"
    )
    assert render(template, None, values) == "A7 ada Ada bob order.shipped e-1 com.example.order.shipped"


def test_data_that_nobody_looked_into_before() -> None:
    with pytest.raises(RenderFailed, match="unreadable_data"):
        context(a.delivery(notification=a.notification(data=msgspec.Raw(b'"\xff"'))))


@pytest.mark.parametrize("text", ["a\r\nb\rc\nd", "\r", "\x00\x07", "\x85\u2028", "tab\t"])
@pytest.mark.parametrize("html", [False, True])
def test_text_passes_through_unchanged(text: str, html: bool) -> None:
    for template in (
        "{{ data.x }}",
        "{% capture y %}{{ data.x }}{% endcapture %}{{ y }}",
        "{% if true %}{{ data.x }}{% endif %}",
    ):
        assert render(template, None, {"data": {"x": text}}, html=html) == text


def test_what_is_captured_is_bounded_too() -> None:
    template = "{% capture y %}{% for i in (1..9999) %}{{ data.x }}{% endfor %}{% endcapture %}"
    with pytest.raises(RenderFailed):
        render(template, None, {"data": {"x": "x" * 999}})


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("/teams/{{ data.x | path_encode }}", "/teams/Sales%20Team%2FNord%3F%23%C3%A4%2B"),
        ("/teams?name={{ data.x | url_encode }}", "/teams?name=Sales+Team%2FNord%3F%23%C3%A4%2B"),
        ("{{ data.nothing | default: '' | path_encode }}{{ 7 | path_encode }}", "7"),
    ],
)
def test_a_filter_for_paths_and_one_for_queries(template: str, text: str) -> None:
    for html in (False, True):
        assert render(template, None, {"data": {"x": "Sales Team/Nord?#ä+"}}, html=html) == text
