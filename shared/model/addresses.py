"""Addresses of people: their kinds, checked strictly wherever they come in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import idna
import phonenumbers

from shared.model.errors import InvalidProfile

MAX_EMAIL: Final = 254
MAX_LOCAL_PART: Final = 64
MAX_DOMAIN: Final = 253
MAX_NAME: Final = 200
MAX_LOCALE: Final = 60
MAX_URL: Final = 2048
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_ATEXT: Final = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~-"
_ATOM: Final = rf"[{_ATEXT}]+"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOT_ATOM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_ODD_DOTS = re.compile(rf"[{_ATEXT}][.{_ATEXT}]*")
"""Such mailboxes are in use, though they may be written only with quotes."""
_QUOTED = re.compile(r'"(?:[ !#-\[\]-~]|\\[ -~])*"')
_ESCAPED = re.compile(r"\\(.)")
_TO_ESCAPE = re.compile(r'["\\]')
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_LOCALE = re.compile(r"[A-Za-z]{1,8}(?:[-_][A-Za-z0-9]{1,8})*(?:[.@][A-Za-z0-9-]{1,16})*")
_BREAKING: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Categories of controls, lone surrogates and line breaks."""
_BIDI_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")


def check_email(value: str, pointer: str) -> str:
    """One addr-spec (RFC 5322), nothing around it; returned with an ASCII domain (IDNA 2008, UTS 46).

    The local part comes back in quotes only if it needs them, as it does whose dots stand where RFC 5321 has none: both
    forms are the same mailbox. Raises InvalidProfile.
    """
    refusal = InvalidProfile(
        "invalid_email", "write one bare address, as ada@example.com: no name, no brackets, no comment", pointer
    )
    local, at, domain = value.rpartition("@") if len(value) <= MAX_EMAIL else ("", "", "")
    if not at:
        raise refusal
    if not local.isascii():
        raise InvalidProfile(
            "invalid_email",
            "before the @ only ASCII is taken: other letters need SMTPUTF8, which few mail servers speak",
            pointer,
        )
    if _ODD_DOTS.fullmatch(local) and not _DOT_ATOM.fullmatch(local):
        local = f'"{local}"'
    if _QUOTED.fullmatch(local):
        plain = _ESCAPED.sub(r"\1", local[1:-1])
        local = plain if _DOT_ATOM.fullmatch(plain) else '"' + _TO_ESCAPE.sub(r"\\\g<0>", plain) + '"'
    domain = domain if domain.isascii() else _ascii_domain(domain)
    fits = len(local) <= MAX_LOCAL_PART and len(domain) <= MAX_DOMAIN
    if not fits or not (_DOT_ATOM.fullmatch(local) or _QUOTED.fullmatch(local)) or not _DOMAIN.fullmatch(domain):
        raise refusal
    return f"{local}@{domain}"


def _ascii_domain(domain: str) -> str:
    """The A-labels of an international domain; empty where it is none."""
    try:
        return idna.encode(domain, uts46=True, std3_rules=True).decode()
    except (idna.IDNAError, UnicodeError):
        return ""


def check_phone(value: str, pointer: str) -> str:
    """E.164, as it is. Raises InvalidProfile."""
    if _E164.fullmatch(value):
        try:
            if phonenumbers.is_possible_number(phonenumbers.parse(value)):
                return value
        except phonenumbers.NumberParseException:
            pass
    raise InvalidProfile("invalid_phone", "write the number in E.164, as +4915112345678", pointer)


def check_webhook(value: str, pointer: str) -> str:
    """An http or https URL without user information, as it is. Where it may point is checked when it is called.

    Raises InvalidProfile.
    """
    if _url_scheme(value) is None:
        raise InvalidProfile(
            "invalid_webhook",
            f"write an http or https URL of at most {MAX_URL} ASCII characters, without user name, space or fragment",
            pointer,
        )
    return value


def check_chat(value: str, pointer: str) -> str:
    """The URL of an incoming webhook, as it is: https, or http to this machine itself. It is a secret.

    Raises InvalidProfile, which does not show it.
    """
    if _url_scheme(value) != "https" and not (_url_scheme(value) and urlsplit(value).hostname in LOOPBACK):
        raise InvalidProfile(
            "invalid_chat",
            f"write the https URL of an incoming webhook, at most {MAX_URL} ASCII characters without user name, space "
            "or fragment",
            pointer,
        )
    return value


def _url_scheme(value: str) -> str | None:
    """`http` or `https`; None for what is no URL of these, or has more in it than a call needs."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return None
    plain = value.isascii() and value.isprintable() and " " not in value and "\\" not in value
    known = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and port != 0
    return parts.scheme if plain and len(value) <= MAX_URL and known and not parts.fragment else None


def check_locale(value: str, pointer: str) -> str:
    """What devices call a language, as it is: a BCP 47 tag in any case, with extensions, or as en_US.

    The best template for it is found by looking it up. Raises InvalidProfile.
    """
    if len(value) > MAX_LOCALE or not _LOCALE.fullmatch(value):
        raise InvalidProfile("invalid_locale", f"{value[:40]!r} is no language tag, as en or pt-BR", pointer)
    return value


def check_name(value: str, pointer: str) -> str:
    """A name as people write it, as it is: joiners and any kind of space included.

    It goes into headers, greetings and logs, so it has no controls, line breaks, lone surrogates or characters
    that turn the rest of the line around. Raises InvalidProfile.
    """
    if (
        not 1 <= len(value) <= MAX_NAME
        or _BIDI_OVERRIDES.search(value)
        or any(unicodedata.category(character) in _BREAKING for character in value)
    ):
        raise InvalidProfile(
            "invalid_name",
            f"a name has 1 to {MAX_NAME} characters, none of them a control, a line break or a direction override",
            pointer,
        )
    return value


def _same(value: str) -> str:
    return value


def _same_url(value: str) -> str:
    """Scheme and host have no case, the rest of a URL has."""
    parts = urlsplit(value)
    return parts._replace(netloc=parts.netloc.lower()).geturl()  # urlsplit lowers the scheme


@dataclass(frozen=True, kw_only=True)
class AddressKind:
    """One kind of address. Its name is the key in a profile's `addresses` and the field of an inline person."""

    name: str
    check: Callable[[str, str], str]
    """Takes the address and its JSON pointer, returns the address as it is stored. Raises InvalidProfile."""
    schema: Mapping[str, Any]
    """JSON Schema of the address; `check` is stricter."""
    example: str
    identity: Callable[[str], str] = _same
    """Equal for two stored addresses that reach the same place."""


EMAIL_ADDRESS: Final = AddressKind(
    name="email",
    check=check_email,
    schema={"type": "string", "format": "email", "maxLength": MAX_EMAIL},
    example="ada@example.com",
    identity=str.lower,
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
    identity=_same_url,
)
CHAT_URL: Final = AddressKind(
    name="chat",
    check=check_chat,
    schema={"type": "string", "format": "uri", "maxLength": MAX_URL},
    example="https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
    identity=_same_url,
)
