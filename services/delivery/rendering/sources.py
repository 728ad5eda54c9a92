"""What is no template, seen before it is read: reading some of them would take hours.

The lexer is regular expressions that look for an end from each beginning anew, and from each blank in between.
"""

from __future__ import annotations

import re
from typing import Final

from liquid.exceptions import LiquidSyntaxError

MAX_SOURCE: Final = 262_144
"""Characters of one template."""
MAX_UNCLOSED: Final = 16
"""Openings behind the last end of their kind. In `raw` and in comments there may be some."""
MAX_BLANKS: Final = 200
"""In a row, between braces."""
_PAIRS: Final = (
    (re.compile(r"\{\{"), re.compile(r"\}\}")),
    (re.compile(r"\{%"), re.compile(r"%\}")),
    (re.compile(r"\{%-?\s{0,9}raw"), re.compile(r"\{%-?\s{0,9}endraw")),
    (re.compile(r"\{%-?\s{0,9}doc"), re.compile(r"\{%-?\s{0,9}enddoc")),
    (re.compile(r"\{%-?\s{0,9}comment"), re.compile(r"\{%-?\s{0,9}endcomment")),
)
MAX_PARENTHESES: Final = 100
"""Between braces: they are for ranges."""
_ENDS: Final = re.compile(r"[}%]\}")
_BEGINS: Final = re.compile(r"\{[{%]")
_BLANKS: Final = re.compile(rf"\s{{{MAX_BLANKS + 1},}}")


class UnreadableTemplate(LiquidSyntaxError):
    """It is too long, or is never closed."""


def check_source(source: str) -> None:
    """Raises UnreadableTemplate."""
    if len(source) > MAX_SOURCE:
        raise UnreadableTemplate(f"it has more than {MAX_SOURCE} characters", token=None)
    for opening, end in _PAIRS:
        last = max((found.end() for found in end.finditer(source)), default=0)
        if sum(1 for _ in opening.finditer(source, last)) > MAX_UNCLOSED:
            raise UnreadableTemplate(
                f"what begins with {opening.pattern.replace(chr(92), '')[:2]} never ends", token=None
            )
    for piece in _ENDS.split(source):
        if (begins := _BEGINS.search(piece)) is not None and piece.count("(", begins.end()) > MAX_PARENTHESES:
            raise UnreadableTemplate(f"more than {MAX_PARENTHESES} parentheses between braces", token=None)
    for blanks in _BLANKS.finditer(source):
        at = blanks.start()
        if any(
            source.rfind(opening, 0, at) > source.rfind(end, 0, at) for opening, end in (("{{", "}}"), ("{%", "%}"))
        ):
            raise UnreadableTemplate(f"more than {MAX_BLANKS} blanks in a row between braces", token=None)
