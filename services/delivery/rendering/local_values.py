"""Numbers, plurals, money and times as the message's language writes them (CLDR, by Babel), times in the recipient's zone."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from copy import copy
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple, cast

from babel import Locale, UnknownLocaleError, dates, numbers
from liquid import Markup
from liquid.exceptions import FilterArgumentError, FilterError
from liquid.filter import liquid_filter, with_context

from services.delivery.rendering.locales import DEFAULT, lookup, regional
from services.delivery.rendering.metered import StrictContext
from shared.model.data_times import instant_of
from shared.model.quiet_windows import is_zone, zone_info

RECIPIENT: Final = " recipient"
"""Where the values of a text have its TextRecipient; no template can name it."""
WIDTHS: Final = ("short", "medium", "long", "full")
MAX_DIGITS: Final = 18
"""Before the point."""
MAX_PLACES: Final = 9
"""Behind it."""
_NUMBER: Final = re.compile(rf"-?[0-9]{{1,{MAX_DIGITS}}}(?:\.[0-9]{{1,{MAX_PLACES}}})?")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CURRENCY: Final = re.compile("[A-Z]{3}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class TextRecipient(NamedTuple):
    """For whom a text is; None: not known."""

    locale: str | None
    zone: str | None


class WrongValue(FilterError):
    """A filter cannot show this value."""

    def __init__(self, name: str) -> None:
        super().__init__("a value that it cannot show", token=None)
        self.filter = name


class WrongArgument(FilterArgumentError):
    """The template asks a filter for what it has not."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"{name}: {detail}", token=None)
        self.filter = name


def plural(value: object, *, context: StrictContext, other: object, **forms: object) -> str:
    """The form for so many, its `#` as the number: CLDR's `zero`, `one`, `two`, `few`, `many`, `other`. 0 is `zero` everywhere."""
    if unknown := forms.keys() - _FORMS:
        raise WrongArgument("plural", f"no argument {min(unknown)!r}; there are {', '.join(_FORMS)}, other")
    amount, locale = _amount("plural", value), _locale(context)
    category = "zero" if amount == 0 and "zero" in forms else locale.plural_form(abs(amount))
    form = forms.get(category, other)
    shown = numbers.format_decimal(amount, locale=locale)
    return (form if isinstance(form, str) else str(form)).replace("#", shown)


def number(value: object, places: object = None, *, context: StrictContext) -> str:
    """`1,234.5`; with so many places behind the point, always these."""
    exact = None if places is None else _places("number", places)
    amount, locale = _amount("number", value), _locale(context)
    if exact is None:
        return numbers.format_decimal(amount, locale=locale)
    return cast("str", _pattern(locale, exact).apply(amount, locale))


def money(value: object, currency: object, *, context: StrictContext) -> str:
    """`€1,234.50`, with the places that the currency (ISO 4217) has."""
    amount, locale = _amount("money", value), _locale(context)
    code = str(currency)
    if not _CURRENCY.fullmatch(code) or code not in _currencies():
        raise WrongValue("money")
    return numbers.format_currency(amount, code, locale=locale)


def local_date(value: object, width: object = "medium", *, context: StrictContext, zone: object = None) -> str:
    """The day, where the recipient is. A day alone, 2026-01-02, is that day everywhere."""
    form, locale, there = _width("local_date", width), _locale(context), _zone("local_date", zone, context)
    return dates.format_date(_day(value) or _moment("local_date", value, there), form, locale)


def local_time(value: object, width: object = "short", *, context: StrictContext, zone: object = None) -> str:
    """The time of day, where the recipient is."""
    form, locale = _width("local_time", width), _locale(context)
    moment = _moment("local_time", value, _zone("local_time", zone, context))
    return dates.format_time(moment, form, tzinfo=moment.tzinfo, locale=locale)


def local_datetime(value: object, width: object = "medium", *, context: StrictContext, zone: object = None) -> str:
    """The day and the time, without seconds, where the recipient is."""
    form, locale = _width("local_datetime", width), _locale(context)
    moment = _moment("local_datetime", value, _zone("local_datetime", zone, context))
    day = dates.format_date(moment, form, locale)
    time = dates.format_time(moment, "short", tzinfo=moment.tzinfo, locale=locale)
    pattern = str(dates.get_datetime_format(form, locale=locale))
    return pattern.replace("'", "").replace("{0}", time).replace("{1}", day)


_FORMS: Final = ("zero", "one", "two", "few", "many")
LOCAL_FILTERS: Final[dict[str, Callable[..., Any]]] = {
    made.__name__: with_context(liquid_filter(made))
    for made in (plural, number, money, local_date, local_time, local_datetime)
}


def _amount(name: str, value: object) -> Decimal:
    """Raises WrongValue for what is no number, or a longer one than a message shows."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        amount = Decimal(str(value))
    elif isinstance(value, float) and math.isfinite(value) and abs(value) < 10**MAX_DIGITS:
        amount = Decimal(repr(value))
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**MAX_DIGITS:
        amount = Decimal(value)
    else:
        raise WrongValue(name)
    return amount or Decimal(0)  # nobody owes -0


def _places(name: str, places: object) -> int:
    if isinstance(places, int) and 0 <= places <= MAX_PLACES:
        return places
    raise WrongArgument(name, f"an argument of 0 to {MAX_PLACES}")


def _width(name: str, width: object) -> Any:
    if width in WIDTHS:
        return str(width)
    raise WrongArgument(name, f"the argument is one of {', '.join(WIDTHS)}")


def _day(value: object) -> date | None:
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            return None
    return None


def _moment(name: str, value: object, zone: tzinfo) -> datetime:
    """Raises WrongValue for what is no time: RFC 3339, or milliseconds since the epoch."""
    at = instant_of(str(value) if isinstance(value, Markup) else value)
    if at is None:
        raise WrongValue(name)
    return (_EPOCH + timedelta(milliseconds=at)).astimezone(zone)


def _zone(name: str, zone: object, context: StrictContext) -> tzinfo:
    """The one that the template names, else the recipient's, else UTC. Raises WrongValue for one that nobody knows."""
    if zone is not None:
        if not isinstance(zone, str) or not is_zone(str(zone)):
            raise WrongValue(name)
        return zone_info(str(zone))
    own = _recipient(context).zone
    return zone_info(own) if own is not None and is_zone(own) else UTC


def _locale(context: StrictContext) -> Locale:
    """The text's language, as it is written where the recipient is."""
    return _known(regional(context.locale, _recipient(context).locale))


def _recipient(context: StrictContext) -> TextRecipient:
    return cast("TextRecipient", context.globals.get(RECIPIENT) or TextRecipient(None, None))


@lru_cache(maxsize=512)
def _known(tag: str) -> Locale:
    """The nearest locale that CLDR has."""
    for each in (*lookup(tag), DEFAULT):
        try:
            return Locale.parse(each, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale(DEFAULT)


@lru_cache(maxsize=512)
def _pattern(locale: Locale, places: int) -> numbers.NumberPattern:
    """How the locale writes numbers, with exactly so many places."""
    made = copy(locale.decimal_formats[None])
    made.frac_prec = (places, places)
    return cast("numbers.NumberPattern", made)


@lru_cache(maxsize=1)
def _currencies() -> frozenset[str]:
    return frozenset(numbers.list_currencies())
