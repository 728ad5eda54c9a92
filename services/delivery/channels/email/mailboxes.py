"""Addresses as they go to a server: ASCII, their domains in A-labels (IDNA 2008, UTS 46)."""

from __future__ import annotations

import re
from email.errors import InvalidHeaderDefect, MessageError
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Final

import idna
import msgspec

_DOT_STRING: Final = re.compile(r"(?=.{1,64}\Z)\.*[A-Za-z0-9!#$%&'*+/=?^_`{|}~-][A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]*")
"""With dots in a row or at its end, as some providers gave out; RFC 5321 would have such a one quoted."""
_QUOTED_STRING: Final = re.compile(r'(?=.{1,64}\Z)"(?:[ !#-\[\]-~]|\\[ -~])*"')
_DOMAIN: Final = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)


class InvalidAddress(ValueError):
    """No address that a server could be told."""


class Mailbox(msgspec.Struct, frozen=True, kw_only=True):
    """Who writes. `address` is ASCII."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """Of the address."""
        return self.address.rpartition("@")[2]


def wire_address(text: str) -> str:
    """One bare address in ASCII. Raises InvalidAddress."""
    local, at, domain = text.rpartition("@")
    if not at or not (_DOT_STRING.fullmatch(local) or _QUOTED_STRING.fullmatch(local)):
        raise InvalidAddress("one bare address, with an ASCII local part")
    return f"{local}@{wire_domain(domain)}"


def wire_domain(domain: str) -> str:
    """A domain, or the name of a host, in ASCII. Raises InvalidAddress."""
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode()
        except idna.IDNAError as error:
            raise InvalidAddress("its domain is none by IDNA 2008") from error
    if not _DOMAIN.fullmatch(domain):
        raise InvalidAddress("its domain is none")
    return domain


def parse_mailbox(text: str) -> Mailbox:
    """`Name <user@host>` or `user@host` (RFC 5322), all of it: what is not quoted must not end an address or name a group.

    Raises InvalidAddress.
    """
    message = EmailMessage()
    try:
        message["From"] = text
        (group,) = message["From"].groups
        (mailbox,) = group.addresses
    except (ValueError, LookupError, AttributeError, MessageError) as error:  # what the parser of addresses raises
        raise InvalidAddress("not one address") from error
    name, address = parseaddr(text)
    wrong = any(isinstance(defect, InvalidHeaderDefect) for defect in message["From"].defects)
    if wrong or group.display_name is not None or address != mailbox.addr_spec:
        raise InvalidAddress("not one address")
    return Mailbox(name=name, address=wire_address(address))
