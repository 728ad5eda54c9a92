"""Choosing texts by locale: the lookup of RFC 4647, one locale for all parts of a message (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.model.templates import Text

DEFAULT = "en"


class LocalText(str):
    """A text of which the language is known."""

    __slots__ = ("locale",)
    locale: str

    def __new__(cls, text: str, locale: str) -> LocalText:
        """`locale`: in lower case."""
        made = super().__new__(cls, text)
        made.locale = locale
        return made


def one_locale(texts: Sequence[Text], locale: str | None) -> list[str]:
    """Each text in the one locale that all of them have and that suits `locale` best.

    By RFC 4647 lookup: `pt-BR`, then `pt`; where they have none of these in common, `en`, then the first that they
    have in common. Texts that have nothing in common (publishing refuses them) are looked up one by one.
    """
    tables = [_by_tag(text) for text in texts if not isinstance(text, str)]
    if not tables:
        return [text for text in texts if isinstance(text, str)]
    common = [tag for tag in tables[0] if all(tag in table for table in tables[1:])]
    if not common:
        return [localized(text, locale) for text in texts]
    chosen = _best(common, locale)
    return [LocalText(text if isinstance(text, str) else _by_tag(text)[chosen], chosen) for text in texts]


def localized(text: Text, locale: str | None) -> str:
    """One text in the locale that suits best, as above; empty where there is none."""
    if isinstance(text, str):
        return text
    table = _by_tag(text)
    if not table:
        return ""
    chosen = _best(list(table), locale)
    return LocalText(table[chosen], chosen)


def regional(chosen: str | None, wanted: str | None) -> str:
    """The recipient's own tag where it is of the text's language: `de-AT` for a text in `de`; else the text's.

    A text without a language is in DEFAULT.
    """
    language, own = chosen or DEFAULT, next(lookup(wanted or ""), "")
    return own if own.startswith(f"{language}-") else language


def _best(tags: Sequence[str], locale: str | None) -> str:
    wanted = (tag for tag in (*lookup(locale or DEFAULT), DEFAULT) if tag in tags)
    return next(wanted, tags[0])


def lookup(locale: str) -> Iterator[str]:
    """The tag, then shorter ones (RFC 4647 3.4): a single letter goes with what it introduces.

    Tags of POSIX (`pt_BR.UTF-8`) are taken as what they mean.
    """
    tag = _normal(locale.partition(".")[0].partition("@")[0])
    while tag:
        yield tag
        tag = tag.rpartition("-")[0]
        if tag[-2:-1] == "-":
            tag = tag[:-2]


def _by_tag(text: dict[str, str]) -> dict[str, str]:
    return {_normal(tag): source for tag, source in text.items()}


def _normal(tag: str) -> str:
    """Tags compare without case (RFC 5646 2.1.1)."""
    return tag.strip().replace("_", "-").lower()
