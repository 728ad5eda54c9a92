"""What was rendered as plain text: without controls, its lines as they were meant."""

from __future__ import annotations

import re
from typing import Final

from services.delivery.rendering.liquid import RenderFailed

_BREAKS: Final = re.compile("[\t-\r\x1c-\x1e\x85\u2028\u2029]+")
_CONTROLS: Final = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f]+")
_BODY_BREAKS: Final = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85]")


def one_line(text: str) -> str:
    """`text` without controls; what would break the line, and the spaces around it, is one space."""
    pieces = (piece.strip(" ") for piece in _BREAKS.split(_CONTROLS.sub("", text)))
    return " ".join(piece for piece in pieces if piece)


def printable_lines(text: str) -> str:
    """`text` for a body: without controls but tabs, its line breaks LF."""
    return _CONTROLS.sub("", _BODY_BREAKS.sub("\n", text))


def message_text(rendered: str) -> str:
    """The same without space around it, for what is nothing but a text.

    Raises RenderFailed: `empty_text`, or `lone_surrogate` for what no UTF has.
    """
    text = printable_lines(rendered).strip()
    if not text:
        raise RenderFailed("empty_text")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RenderFailed("lone_surrogate") from error
    return text
