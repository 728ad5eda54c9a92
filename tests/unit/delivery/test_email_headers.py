"""A header reads as it was typed, whatever it looks like, and holds no control character."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.header import decode_header
from email.headerregistry import Address

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.delivery.channels.email.headers import mailbox_field, text_field
from services.delivery.rendering.plain import one_line, printable_lines
from tests.unit.delivery.test_email import HEADERS, composed, mail

ENCODED_WORD = re.compile(r"=\?utf-8\?b\?[A-Za-z0-9+/=]*\?=")
EVIL = "=?utf-8?q?x=0D=0ABcc:_evil@example.com=0D=0A=0D=0APWNED?="
LOOKS_ENCODED = [
    EVIL,
    "=?utf-8?b?Qmxh?=",
    "a =?x?= b",
    "=?",
    "?= =?",
    "=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=",
    "Grüße =?utf-8?q?an?= alle",
]


def written(field: bytes) -> tuple[str, str]:
    """Name and value as they were typed: unfolded, encoded words decoded once and by hand."""
    raw = field.decode("ascii")
    assert raw.endswith("\r\n")
    name, _, value = raw[:-2].replace("\r\n ", "\r\n\0").partition(": ")
    joined = re.sub(r"\?=\r\n\0=\?", "?==?", value).replace("\r\n\0", " ")
    return name, "".join(
        part.decode("utf-8") if charset else (part if isinstance(part, str) else part.decode("ascii"))
        for word in re.split(f"({ENCODED_WORD.pattern})", joined)
        if word
        for part, charset in (decode_header(word) if ENCODED_WORD.fullmatch(word) else [(word, None)])
    )


def check_lines(field: bytes) -> None:
    lines = field.decode("ascii").split("\r\n")[:-1]
    assert max(map(len, lines)) <= 78
    assert all(line.startswith(" ") and line.strip() for line in lines[1:])
    assert all(len(word) <= 75 for line in lines for word in ENCODED_WORD.findall(line))
    assert not re.search(r"[\x00-\x1f\x7f]", "".join(lines))


@pytest.mark.parametrize("text", LOOKS_ENCODED)
def test_what_looks_like_an_encoded_word_is_text(text: str) -> None:
    message = composed(msgspec.json.encode({"order": text}), subject="{{ data.order }}")
    assert message.keys() == HEADERS
    assert message["Subject"] == text
    assert "PWNED" not in message.get_content().replace(EVIL, "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A\x00B", "AB"),
        ("\x07ring\x1b[2J", "ring[2J"),
        ("a\x7fb\x80c\x9fd", "abcd"),
        ("a\tb", "a b"),
        ("a \r\n b", "a b"),
        ("\n a\n", "a"),
        ("two  spaces", "two  spaces"),
        ("\u3000wide\xa0hard\u200d", "\u3000wide\xa0hard\u200d"),
        ("\u2028\u2029", ""),
        ("", ""),
    ],
)
def test_one_line(text: str, shown: str) -> None:
    assert one_line(text) == shown
    assert written(text_field("Subject", text)) == ("Subject", shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("A\x00B\x07\x1b[0m\x7f\x9f", "AB[0m"),
        ("a\tb", "a\tb"),
        ("a\x0bb\x0cc\x85d", "a\nb\nc\nd"),
        ("a\u2028b", "a\u2028b"),
    ],
)
def test_lines_of_a_body(text: str, shown: str) -> None:
    assert printable_lines(text) == shown


SPACED = st.lists(
    st.sampled_from(["a", "Grüße", "  ", " ", "x" * 30, "=?", "日本語", "👩‍👩‍👧", "=?utf-8?q?a?="]), max_size=40
).map("".join)


@given(st.text(max_size=300) | SPACED | st.text(alphabet="ab =?", max_size=300))
@example("Order Grüße an alle, die hier seit heute um sieben Uhr warten und sich sehr über  das Wetter wundern")
@example("x" * 75 + " " + "y" * 75)
@example("word " * 40 + "end")
@example("a" * 66 + "  " + "b")
@example(" ".join(["a" * 74] * 3))
def test_a_subject_reads_as_it_was_typed(text: str) -> None:
    field = text_field("Subject", text)
    check_lines(field)
    assert written(field) == ("Subject", one_line(text))
    read = message_from_bytes(field + b"\r\n", policy=policy.default)["Subject"]
    assert str(read) == one_line(text), "as Python reads it, too"


@given(st.text(max_size=100) | SPACED)
@example(EVIL)
@example('"Shop" \\ Inc.')
def test_a_display_name_reads_as_it_was_typed(name: str) -> None:
    field = mailbox_field("From", name, "shop@example.com")
    check_lines(field)
    _, value = written(field)
    phrase, _, address = value.rpartition("<")
    assert (address or value) == ("shop@example.com>" if phrase else "shop@example.com")
    if b"=?utf-8?b?" in field:  # Python's reader adds a space between two of them, and strips wide ones
        assert phrase.rstrip(" ") == one_line(name)
    else:
        (read,) = message_from_bytes(field + b"\r\n", policy=policy.default)["From"].addresses
        assert read == Address(one_line(name), addr_spec="shop@example.com")


def test_short_plain_text_stays_readable() -> None:
    assert text_field("Subject", "Order A7 has shipped") == b"Subject: Order A7 has shipped\r\n"
    assert mailbox_field("From", "Shop Inc", "a@b.c") == b"From: Shop Inc <a@b.c>\r\n"
    assert mailbox_field("From", "Shop, Inc.", "a@b.c") == b'From: "Shop, Inc." <a@b.c>\r\n'
    assert mailbox_field("To", "", "a@b.c") == b"To: a@b.c\r\n"


def test_a_long_subject_is_folded_between_words_and_not_encoded() -> None:
    text = "Your order has been shipped today and will be with you at the end of the week, we think"
    field = text_field("Subject", text)
    assert b"=?" not in field
    assert field.replace(b"\r\n", b"").decode() == f"Subject: {text}"


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_control_character_of_data_reaches_the_wire(subject: str, text: str) -> None:
    content = mail(
        msgspec.json.encode({"s": subject, "t": text}),
        subject="{{ data.s }}",
        text="{{ data.t }}",
        html="<p>{{ data.t }}</p>",
    ).content
    assert content.isascii()
    assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", content)
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", content)
    assert max(map(len, content.split(b"\r\n"))) <= 998
    read = composed(msgspec.json.encode({"s": subject, "t": text}), subject="{{ data.s }}", text="{{ data.t }}")
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", read.get_content())
