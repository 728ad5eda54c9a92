"""What must hold of the parts of a template together, beyond the shape of each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import msgspec

from shared.model.step_checks import DATA_PATH
from shared.model.strict_json import escape
from shared.model.templates import MAX_MEMBERS, InAppTemplate, WhatsAppTemplate

_META_NAME: Final = re.compile("[a-z0-9_]{1,512}")
_META_LANGUAGE: Final = re.compile("[a-z]{2,3}(_[A-Z]{2,3})?")

_MEMBER: Final = re.compile("[A-Za-z0-9_-]{1,64}")


class PartFault(NamedTuple):
    """What is wrong with a part; an empty part is the template as a whole."""

    part: str
    detail: str


def part_faults(template: msgspec.Struct) -> Iterator[PartFault]:
    """Everything that is missing, contradictory or malformed among the parts of a channel's template."""
    if isinstance(template, WhatsAppTemplate):
        yield from _whatsapp(template)
    if isinstance(template, InAppTemplate) and template.data is not None:
        yield from _members(template.data)


def _members(data: Mapping[str, str]) -> Iterator[PartFault]:
    if len(data) > MAX_MEMBERS:
        yield PartFault("data", f"{len(data)} members; at most {MAX_MEMBERS}")
    for name, path in data.items():
        if not _MEMBER.fullmatch(name):
            yield PartFault(f"data/{escape(name)}", "a name is 1 to 64 letters, digits, _ and -")
        elif not DATA_PATH.fullmatch(path):
            yield PartFault(f"data/{escape(name)}", "a path below data, as data.order.id")


def _whatsapp(template: WhatsAppTemplate) -> Iterator[PartFault]:
    name, languages = template.template, template.language
    if (template.text is None) is (name is None):
        yield PartFault("", "write text, for a session message, or the name of a template at Meta, and not both")
    if name is None:
        for part in ("language", "parameters", "url_parameter"):
            if getattr(template, part):
                yield PartFault(part, f"{part} belongs to a template: name it, or leave {part} out")
        return
    if not _META_NAME.fullmatch(name):
        yield PartFault("template", "its name at Meta: lower-case letters, digits and _")
    if languages is None:
        yield PartFault("", f"the template {name[:60]!r} needs language, as en_US")
        return
    for place, code in languages.items() if isinstance(languages, dict) else [("", languages)]:
        if not _META_LANGUAGE.fullmatch(code):
            yield PartFault(
                f"language/{place}".rstrip("/"), f"{code[:40]!r} is no language of Meta's: write en or en_US"
            )
