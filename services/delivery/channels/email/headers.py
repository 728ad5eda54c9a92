"""Header fields as bytes (RFC 5322, RFC 2047): a value reads as it was typed, whatever it looks like.

Written here and not through EmailMessage, which takes a typed `=?utf-8?q?…?=` for an encoded word: on some
Pythons (python/cpython#121650) that writes headers of its own, and on all it shows other words than were typed.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Final

from services.delivery.rendering.plain import one_line

LONGEST_LINE: Final = 76
"""Of a line that holds an encoded word (RFC 2047 2); others are no longer either."""
_WORDS: Final = re.compile(" *[^ ]+")
_PLAIN: Final = re.compile("[ -~]*")
_ATOMS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_OPENING: Final = "=?utf-8?b?"
_CLOSING: Final = "?="


def text_field(name: str, text: str) -> bytes:
    """An unstructured field. Raises UnicodeEncodeError for a lone surrogate."""
    value = one_line(text)
    lines = _folded(name, value) if _PLAIN.fullmatch(value) and _OPENING[:2] not in value else None
    return _field(name, lines or list(_encoded_words(value, LONGEST_LINE - len(name) - 2)))


def token_field(name: str, value: str) -> bytes:
    """A field whose value is ASCII and stays in one piece. Raises UnicodeEncodeError if it is not ASCII."""
    return _field(name, [one_line(value)])


def mailbox_field(name: str, display_name: str, address: str) -> bytes:
    """A field of one mailbox; `address` is ASCII. Raises UnicodeEncodeError for a lone surrogate."""
    phrase = one_line(display_name)
    if not phrase:
        return _field(name, [address])
    *lines, last = _phrase(phrase, LONGEST_LINE - len(name) - 2)
    fits = len(name) + len(last) + len(address) <= LONGEST_LINE - len(":  <>")
    return _field(name, [*lines, f"{last} <{address}>"] if fits else [*lines, last, f"<{address}>"])


def _phrase(text: str, room: int) -> list[str]:
    """A display name: atoms, else a quoted string, else encoded words."""
    if _PLAIN.fullmatch(text) and _OPENING[:2] not in text:
        written = text if _ATOMS.fullmatch(text) else '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
        if len(written) <= room:
            return [written]
    return list(_encoded_words(text, room))


def _field(name: str, lines: list[str]) -> bytes:
    """Continuation lines that begin with spaces keep them; others get one."""
    folded = "\r\n".join(
        line if number == 0 or line.startswith(" ") else " " + line for number, line in enumerate(lines)
    )
    return f"{name}: {folded}\r\n".encode("ascii")


def _folded(name: str, value: str) -> list[str] | None:
    """Lines that give `value` when they are put together again; None where a word is too long for its line."""
    lines, room = [""], LONGEST_LINE - len(name) - 2
    for word in _WORDS.findall(value):
        if len(word) > room and lines != [""]:
            lines.append("")
            room = LONGEST_LINE
        if len(word) > room:
            return None
        lines[-1] += word
        room -= len(word)
    return lines


def _encoded_words(text: str, first_room: int) -> Iterator[str]:
    """One per line; no character is split between two."""
    word, room = bytearray(), first_room
    for character in text:
        encoded = character.encode()
        if len(word) + len(encoded) > _octets(room):
            yield _encoded_word(word)
            word, room = bytearray(), LONGEST_LINE - 1
        word += encoded
    yield _encoded_word(word)


def _octets(room: int) -> int:
    return (room - len(_OPENING) - len(_CLOSING)) // 4 * 3


def _encoded_word(octets: bytearray) -> str:
    return f"{_OPENING}{b64encode(octets).decode()}{_CLOSING}"
