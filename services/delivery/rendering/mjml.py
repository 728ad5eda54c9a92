"""HTML from MJML (MRML, in Rust), compiled once per template: Liquid stays in it, and is rendered with each message's data.

So data never meet the compiler: they neither break its XML nor bring tags of their own. Sizes are computed when it is
compiled, so what Liquid says there would be lost, and is refused.
"""

from __future__ import annotations

import re
from typing import Final

from liquid.exceptions import LiquidError
from mjml import mjml2html

from services.delivery.rendering.cached import CachedByBytes
from services.delivery.rendering.liquid import RenderFailed
from services.delivery.rendering.locales import LocalText
from services.delivery.rendering.sources import MAX_SOURCE, check_source

MAX_DEPTH: Final = 100
"""Tags in tags. The compiler goes down its own stack: some thousands would end the process."""
MAX_BYTES: Final = 67_108_864
"""Of all that is kept compiled."""
GROWTH: Final = 16
"""Characters of HTML that one of MJML becomes, about, and what it costs to keep both."""
PANIC: Final = "PanicException"
"""What a fault of the compiler's own is in Python: no Exception, so that it would end the process."""
_LIQUID: Final = re.compile(
    r"\{%-?\s{0,9}(raw|comment|doc)\b(?:(?!\{%-?\s{0,9}end\1\b).)*+\{%-?\s{0,9}end\1\s{0,9}-?%\}"
    r"|\{%(?:(?!%\}).)*+%\}|\{\{(?:(?!\}\}).)*+\}\}",
    re.DOTALL,
)
_TAG: Final = re.compile(r"""<(/?)([A-Za-z][^\s/>"']*+)(?:[^>"']++|"[^"]*+"|'[^']*+')*+>""")
_ASIDE: Final = (("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>"), ("<!", ">"))
_EMPTY: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)


class InvalidMjml(LiquidError):
    """It does not become HTML."""


def html_of(mjml: str) -> str:
    """The Liquid template that it becomes, in the same language. Raises RenderFailed."""
    try:
        html = _compiled(str(mjml))
        return LocalText(html, mjml.locale) if isinstance(mjml, LocalText) else html
    except LiquidError as error:
        raise RenderFailed(type(error).__name__) from error


def compile_mjml(mjml: str) -> str:
    """The HTML, with its Liquid as it stood. Nothing is included, read or fetched. Raises InvalidMjml, UnreadableTemplate."""
    check_source(mjml)
    name = "liquid"
    while name in mjml.lower():
        name += "q"
    found: list[str] = []

    def aside(liquid: re.Match[str]) -> str:
        found.append(liquid[0])
        return f"{name}{len(found) - 1}z"

    plain = _LIQUID.sub(aside, mjml)
    _check_depth(plain)
    try:
        html = mjml2html(plain, fonts={})
    except ValueError as error:
        raise InvalidMjml(f"not MJML: {error}", token=None) from error
    except BaseException as error:
        if type(error).__name__ != PANIC:
            raise
        raise InvalidMjml("the compiler has no answer to it", token=None) from None
    body = plain.find("<mj-body")
    for number, liquid in enumerate(found):
        mark = f"{name}{number}z"
        if mark not in html and plain.find(mark) > body:
            raise InvalidMjml(f"{liquid[:40]} stands where MJML computes a size, or shows nothing", token=None)
    whole = re.sub(rf"{name}(\d+)z", lambda mark: found[int(mark[1])], html)
    if len(whole) > MAX_SOURCE:
        raise InvalidMjml(f"it becomes more than {MAX_SOURCE} characters of HTML", token=None)
    return whole


def _check_depth(mjml: str) -> None:
    """Raises InvalidMjml for tags that are never closed, close nothing, or go deeper than MAX_DEPTH."""
    at = depth = 0
    while (at := mjml.find("<", at)) >= 0:
        ends = next((end for begin, end in _ASIDE if mjml.startswith(begin, at)), None)
        if ends is not None:
            at = mjml.find(ends, at)
            if at < 0:
                raise InvalidMjml("a comment never ends", token=None)
            continue
        tag = _TAG.match(mjml, at)
        if tag is None:
            raise InvalidMjml("not MJML: a `<` that begins no tag; write &lt;", token=None)
        at = tag.end()
        if tag[1]:
            depth -= 1
        elif not tag[0].endswith("/>") and tag[2].lower() not in _EMPTY:
            depth += 1
        if not 0 <= depth <= MAX_DEPTH:
            raise InvalidMjml(f"tags that close nothing, or more than {MAX_DEPTH} in one another", token=None)


_compiled = CachedByBytes(compile_mjml, lambda mjml: len(mjml) * GROWTH, max_bytes=MAX_BYTES)
