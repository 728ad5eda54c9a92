"""Links in what was rendered: data may lead to the web, to mail and to telephones, not to a script.

A scheme that the template itself writes at the start of a link is its author's, and is allowed in that template.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from html import escape, unescape
from typing import Final

from services.delivery.rendering.cached import CachedByBytes

SCHEMES: Final = frozenset({"http", "https", "mailto", "tel"})
NOWHERE: Final = "#"
MAX_BYTES: Final = 16_777_216
"""Of the templates whose schemes are kept."""
_LINKS: Final = frozenset(
    {"href", "src", "action", "formaction", "xlink:href", "background", "poster", "ping", "data", "cite", "longdesc"}
)
_VALUE: Final = r"""(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)"""
_NAME: Final = r"[^\s/>][^\s/>=]*+"
_ATTRIBUTE: Final = re.compile(rf"(?P<name>{_NAME})(?P<equals>\s*+=\s*+)(?P<value>{_VALUE})")
_TAG: Final = re.compile(rf"(<[A-Za-z][^\s/>]*+)((?:[\s/]++|{_NAME}(?:\s*+=\s*+{_VALUE}?+)?+)*+>)")
"""A tag as HTML's tokenizer reads it, wrong ones included."""
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_OWN: Final = re.compile(
    rf"""(?:{"|".join(map(re.escape, sorted(_LINKS)))})\s*=\s*["']?\s*([A-Za-z][A-Za-z0-9+.-]*):""", re.IGNORECASE
)
_UNSEEN: Final = re.compile("[\x00-\x20\x7f-\xa0]+")
"""Browsers remove some of these before they look for a scheme, other readers more."""


class SafeLinks:
    """Removes links whose scheme is neither the web's, nor the operator's, nor the template's own."""

    def __init__(self, more_schemes: Iterable[str] = ()) -> None:
        self._allowed = SCHEMES | {scheme.lower() for scheme in more_schemes}

    def in_html(self, rendered: str, template: str) -> str:
        """`rendered` with the links of its tags checked; one that is refused leads nowhere."""
        return _TAG.sub(lambda tag: tag[1] + _ATTRIBUTE.sub(lambda one: self._checked(one, template), tag[2]), rendered)

    def allows(self, url: str, template: str) -> bool:
        """Whether `url`, rendered from `template`, may be followed. A relative one may."""
        found = scheme(url)
        return found is None or found in self._allowed or found in _own_schemes(template)

    def _checked(self, attribute: re.Match[str], template: str) -> str:
        if attribute["name"].lower() not in _LINKS:
            return attribute[0]
        value = attribute["value"]
        quote = value[0] if value[0] in "\"'" else ""
        if self.allows(unescape(value[1:-1] if quote else value), template):
            return attribute[0]
        return f"{attribute['name']}{attribute['equals']}{quote}{NOWHERE}{quote}"


def change_links(rendered: str, change: Callable[[str], str | None]) -> str:
    """`rendered` with where its `<a>` and `<area>` lead changed; None of `change` leaves one as it is."""

    def changed(attribute: re.Match[str]) -> str:
        value = attribute["value"]
        quoted = value[0] in "\"'"
        if attribute["name"].lower() != "href":
            return attribute[0]
        to = change(unescape(value[1:-1] if quoted else value).strip())
        return attribute[0] if to is None else f'{attribute["name"]}="{escape(to)}"'

    def in_tag(tag: re.Match[str]) -> str:
        return tag[1] + _ATTRIBUTE.sub(changed, tag[2]) if tag[1].lower() in ("<a", "<area") else tag[0]

    return _TAG.sub(in_tag, rendered)


def scheme(url: str) -> str | None:
    """The scheme that a reader may see, in lower case; None for a relative URL."""
    found = _SCHEME.match(_UNSEEN.sub("", url))
    return found[1].lower() if found else None


def _find_own_schemes(template: str) -> frozenset[str]:
    """Schemes that stand in the template where a link begins: of an attribute, or of the template itself."""
    own = {found.lower() for found in _OWN.findall(template)}
    return frozenset(own if (first := scheme(template)) is None else own | {first})


_own_schemes = CachedByBytes(_find_own_schemes, len, max_bytes=MAX_BYTES)
