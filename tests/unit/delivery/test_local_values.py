"""Numbers, plurals, money and times in the message's language and the recipient's zone; what cannot be shown is named."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.delivery.rendering.liquid import RenderFailed, context, render
from services.delivery.rendering.local_values import LOCAL_FILTERS, RECIPIENT, TextRecipient
from services.delivery.rendering.locales import one_locale, regional
from services.delivery.rendering.mjml import html_of
from shared.model.notifications import Contact
from tests.support import samples as a

EVENING = "2026-11-30T23:30:00Z"


def shown(
    template: str, value: Any, *, text: str | None = "en", locale: str | None = None, zone: str | None = None
) -> str:
    """A text in `text`'s language for a recipient; None: a text without a language."""
    written = template if text is None else one_locale([{text: template}], locale)[0]
    return render(written, None, {"data": {"x": value}, RECIPIENT: TextRecipient(locale, zone)})


RUSSIAN = "{{ data.x | plural: one: '# письмо', few: '# письма', many: '# писем', other: '# письма' }}"


@pytest.mark.parametrize(
    ("template", "text", "value", "wanted"),
    [
        ("{{ data.x | plural: one: '# item', other: '# items' }}", "en", 1, "1 item"),
        ("{{ data.x | plural: one: '# item', other: '# items' }}", "en", 0, "0 items"),
        ("{{ data.x | plural: zero: 'nothing', one: '# item', other: '# items' }}", "en", 0, "nothing"),
        ("{{ data.x | plural: one: '# item', other: '# items' }}", "en", "1234", "1,234 items"),
        ("{{ data.x | plural: one: '# item', other: '# items' }}", "en", 1.5, "1.5 items"),
        ("{{ data.x | plural: one: '# item', other: '# items' }}", "en", -1, "-1 item"),
        (RUSSIAN, "ru", 1, "1 письмо"),
        (RUSSIAN, "ru", 21, "21 письмо"),
        (RUSSIAN, "ru", 22, "22 письма"),
        (RUSSIAN, "ru", 25, "25 писем"),
        (RUSSIAN, "ru", 1.5, "1,5 письма"),
        ("{{ data.x | plural: two: 'pair', other: 'some' }}", "ar", 2, "pair"),
        ("{{ data.x | plural: one: 'one', other: 'other' }}", "ja", 1, "other"),
        ("{{ data.x | number }}", "en", 1234567.891, "1,234,567.891"),
        ("{{ data.x | number }}", "de", "1234567.8", "1.234.567,8"),
        ("{{ data.x | number: 2 }}", "de", 3, "3,00"),
        ("{{ data.x | number: 0 }}", "hi", 1234567.6, "12,34,568"),
        ("{{ data.x | number }}", "en", -0.0, "0"),
        ("{{ data.x | money: 'EUR' }}", "en", 1234.5, "€1,234.50"),
        ("{{ data.x | money: 'EUR' }}", "de", "1234.5", "1.234,50\xa0€"),
        ("{{ data.x | money: 'JPY' }}", "ja", 1234, "￥1,234"),
        ("{{ data.x | divided_by: 100.0 | money: 'USD' }}", "en", 1999, "$19.99"),
        ("{{ data.x | local_date: 'long' }}", "de", "2026-01-02", "2. Januar 2026"),
        ("{{ data.x | local_date }}", "en", EVENING, "Nov 30, 2026"),
        ("{{ data.x | local_date }}", "en", 1_796_081_400_000, "Nov 30, 2026"),
    ],
)
def test_in_the_language_of_the_text(template: str, text: str, value: Any, wanted: str) -> None:
    assert shown(template, value, text=text, locale="fr", zone="UTC") == wanted


@pytest.mark.parametrize(
    ("text", "locale", "zone", "wanted"),
    [
        ("en", "en", "Europe/Berlin", "Dec 1, 2026, 12:30\u202fAM"),
        ("en", "en-GB", "Europe/Berlin", "1 Dec 2026, 00:30"),
        ("en", "en_GB.UTF-8", "Europe/Berlin", "1 Dec 2026, 00:30"),
        ("de", "de-AT", "America/New_York", "30.11.2026, 18:30"),
        ("de", "fr", "Europe/Paris", "01.12.2026, 00:30"),
        ("de", None, None, "30.11.2026, 23:30"),
        (None, "de", "Europe/Berlin", "Dec 1, 2026, 12:30\u202fAM"),
        (None, "en-GB", "Europe/Berlin", "1 Dec 2026, 00:30"),
        ("xx", "xx-YY", "No/Where", "Nov 30, 2026, 11:30\u202fPM"),
        ("zh-Hant", "zh-Hant-HK", "Asia/Hong_Kong", "2026年12月1日 上午7:30"),
    ],
)
def test_where_the_recipient_is(text: str | None, locale: str | None, zone: str | None, wanted: str) -> None:
    assert shown("{{ data.x | local_datetime }}", EVENING, text=text, locale=locale, zone=zone) == wanted


def test_a_zone_of_the_template_comes_first() -> None:
    template = "{{ data.x | local_time: zone: 'Asia/Tokyo' }}, {{ data.x | local_time: 'short', zone: data.x }}"
    with pytest.raises(RenderFailed, match=r"^wrong:local_time$"):
        shown(template, EVENING, zone="Europe/Berlin")
    assert shown(template.partition(",")[0], EVENING, text="de", zone="Europe/Berlin") == "08:30"


WRONG: list[Any] = [
    None, "", "x", True, [], {}, float("nan"), float("inf"), 1e308, 10**18, 10**400, "1e400", "9" * 300, "٣", "1_000",
    "0x10", " 1", "1,5", "-", "2026-02-30",
]  # fmt: skip


@pytest.mark.parametrize("value", WRONG)
@pytest.mark.parametrize(
    ("name", "arguments"),
    [("plural", ": other: '#'"), ("number", ""), ("money", ": 'EUR'"), ("local_date", ""), ("local_time", ""), ("local_datetime", "")],
)  # fmt: skip
def test_what_cannot_be_shown_is_named(name: str, arguments: str, value: Any) -> None:
    with pytest.raises(RenderFailed) as failed:
        shown(f"{{{{ data.x | {name}{arguments} }}}}", value)
    assert str(failed.value) in {f"wrong:{name}", "TooMuchWork"}


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("{{ 1 | money: data.x }}", "wrong:money"),
        ("{{ 1 | money: 'eur' }}", "wrong:money"),
        ("{{ 1 | money: 'QQQ' }}", "wrong:money"),
        ("{{ 1 | number: 99 }}", "wrong:number"),
        ("{{ 1 | number: data.x }}", "wrong:number"),
        ("{{ '2026-01-02' | local_date: 'lng' }}", "wrong:local_date"),
        ("{{ '2026-01-02' | local_date: zone: '../../etc/passwd' }}", "wrong:local_date"),
        ("{{ '2026-01-02' | local_time }}", "wrong:local_time"),
        ("{{ 1 | plural: oen: '#', other: '#' }}", "wrong:plural"),
        ("{{ 1 | plural: one: '#' }}", "FilterArgumentError"),
        ("{{ data.y | plural: other: '#' }}", "missing:data.y"),
        ("{{ 1 | money: data.y }}", "missing:data.y"),
        ("{{ data.y | local_date }}", "missing:data.y"),
    ],
)
def test_what_the_template_asks_for_wrongly_is_named(template: str, code: str) -> None:
    with pytest.raises(RenderFailed) as failed:
        shown(template, "nothing")
    assert str(failed.value) == code


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=3), each, max_size=3),
    max_leaves=5,
)


@given(
    st.sampled_from(sorted(LOCAL_FILTERS)), json, st.lists(json, max_size=2), st.text(max_size=12), st.text(max_size=12)
)
def test_anything(name: str, value: Any, more: list[Any], locale: str, zone: str) -> None:
    arguments = ", ".join(["other: data.x"] * (name == "plural") + [f"data.more[{n}]" for n in range(len(more))])
    template = f"{{{{ data.x | {name}{': ' if arguments else ''}{arguments} }}}}"
    try:
        values = {"data": {"x": value, "more": more}, RECIPIENT: TextRecipient(locale, zone)}
        assert isinstance(render(template, None, values), str)
    except RenderFailed:
        pass


def test_html_escapes_what_data_bring_and_not_the_form() -> None:
    text = "{{ data.x | plural: one: '<b>#</b>', other: data.y }}"
    assert render(text, None, {"data": {"x": 1, "y": ""}}, html=True) == "<b>1</b>"
    assert render(text, None, {"data": {"x": 2, "y": "<i>"}}, html=True) == "&lt;i&gt;"


@pytest.mark.parametrize(
    ("chosen", "wanted", "tag"),
    [
        ("de", "de-AT", "de-at"),
        ("de", "de", "de"),
        ("de", "den-XX", "de"),
        ("zh", "zh-Hant-TW", "zh-hant-tw"),
        ("de-at", "de", "de-at"),
        ("pt-br", "pt_BR.UTF-8", "pt-br"),
        (None, "de", "en"),
        (None, None, "en"),
    ],
)
def test_regional(chosen: str | None, wanted: str | None, tag: str) -> None:
    assert regional(chosen, wanted) == tag


def test_mjml_keeps_the_language() -> None:
    body = "<mjml><mj-body><mj-section><mj-column><mj-text>{{ data.x | number }}</mj-text></mj-column></mj-section></mj-body></mjml>"
    (source,) = one_locale([{"de": body}], "de")
    assert ">1.234,5<" in render(html_of(source), None, {"data": {"x": 1234.5}}, html=True)


def test_a_delivery_knows_its_recipients_zone() -> None:
    delivery = a.delivery(notification=a.notification(data=msgspec.Raw(b"{}")), locale="de-AT", zone="Europe/Vienna")
    assert context(delivery)[RECIPIENT] == TextRecipient("de-AT", "Europe/Vienna")


@pytest.mark.parametrize(
    ("profile", "contact", "zone"),
    [
        ({"zone": "Europe/Berlin"}, None, "Europe/Berlin"),
        ({}, None, None),
        (None, Contact(addresses={"email": "bo@example.com"}, zone="Asia/Tokyo"), "Asia/Tokyo"),
    ],
)
def test_routing_says_it(profile: dict[str, Any] | None, contact: Contact | None, zone: str | None) -> None:
    found = a.decision(
        a.routing_input(
            notification=a.notification(contact=contact), profile=None if profile is None else a.profile(**profile)
        )
    )
    zones = {getattr(item, "zone", None) for item in found.items if type(item).__name__ == "Deliver"}
    assert zones == {zone}
