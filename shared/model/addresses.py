"""Addresses of people: their kinds, checked strictly wherever they come in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import phonenumbers

from shared.model.errors import InvalidProfile

MAX_EMAIL: Final = 254
MAX_NAME: Final = 200
MAX_URL: Final = 2048
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?(-[A-Za-z0-9]{4,8})*")


def check_email(value: str, pointer: str) -> None:
    """One addr-spec (RFC 5322 dot-atom, ASCII), nothing else. Raises InvalidProfile."""
    if len(value) > MAX_EMAIL or not _EMAIL.fullmatch(value):
        raise InvalidProfile(
            "invalid_email", "write one bare address, as ada@example.com: no name, no brackets, no comment", pointer
        )


def check_phone(value: str, pointer: str) -> None:
    """E.164. Raises InvalidProfile."""
    if _E164.fullmatch(value):
        try:
            if phonenumbers.is_possible_number(phonenumbers.parse(value)):
                return
        except phonenumbers.NumberParseException:
            pass
    raise InvalidProfile("invalid_phone", "write the number in E.164, as +4915112345678", pointer)


def check_webhook(value: str, pointer: str) -> None:
    """An http or https URL without user information. Where it may point is checked when it is called."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    plain = value.isascii() and value.isprintable() and " " not in value and "\\" not in value
    if (
        not plain
        or len(value) > MAX_URL
        or parts.scheme not in ("http", "https")
        or not parts.hostname
        or "@" in parts.netloc
        or port == 0
        or parts.fragment
    ):
        raise InvalidProfile(
            "invalid_webhook",
            f"write an http or https URL of at most {MAX_URL} ASCII characters, without user name, space or fragment",
            pointer,
        )


def check_locale(value: str, pointer: str) -> None:
    """The shape of a BCP 47 tag, as pt-BR. Raises InvalidProfile."""
    if len(value) > 35 or not _LOCALE.fullmatch(value):
        raise InvalidProfile("invalid_locale", f"{value[:40]!r} is no language tag, as en or pt-BR", pointer)


def check_name(value: str, pointer: str) -> None:
    """A name goes into headers and greetings. Raises InvalidProfile."""
    if not 1 <= len(value) <= MAX_NAME or not value.isprintable():
        raise InvalidProfile("invalid_name", f"a name has 1 to {MAX_NAME} printable characters", pointer)


@dataclass(frozen=True, kw_only=True)
class AddressKind:
    """One kind of address. Its name is the key in a profile's `addresses` and the field of an inline person."""

    name: str
    check: Callable[[str, str], None]
    """Takes the address and its JSON pointer. Raises InvalidProfile."""
    schema: Mapping[str, Any]
    """JSON Schema of the address; `check` is stricter."""
    example: str


EMAIL_ADDRESS: Final = AddressKind(
    name="email",
    check=check_email,
    schema={"type": "string", "format": "email", "maxLength": MAX_EMAIL},
    example="ada@example.com",
)
PHONE_NUMBER: Final = AddressKind(
    name="phone",
    check=check_phone,
    schema={"type": "string", "pattern": f"^{_E164.pattern}$", "description": "E.164"},
    example="+4915112345678",
)
WEBHOOK_URL: Final = AddressKind(
    name="webhook",
    check=check_webhook,
    schema={"type": "string", "format": "uri", "maxLength": MAX_URL},
    example="https://example.com/hooks/ada",
)
