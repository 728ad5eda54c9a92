"""How an operator names targets: `oncall=discord://…, acme/office=mmost://…`, the second for the tenant acme alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from shared.model.apprise_targets import TARGET_NAME
from shared.model.identifiers import TENANT

MAX_TARGETS: Final = 64
_BETWEEN: Final = re.compile(r"[,\s]+")
_TARGET: Final = re.compile(rf"((?:{TENANT.strip('^$')}/)?{TARGET_NAME})=([A-Za-z][A-Za-z0-9]*://\S*)")


def parse_targets(text: str) -> dict[str, str]:
    """The URLs by name, in their order. Raises ValueError, which shows no URL: there are tokens in them."""
    parts = [part for part in _BETWEEN.split(text) if part]
    found = [_target(part, number) for number, part in enumerate(parts, 1)]
    if len(dict(found)) < len(found):
        raise ValueError("name each target once")
    if len(found) > MAX_TARGETS:
        raise ValueError(f"{len(found)} targets: at most {MAX_TARGETS} are taken")
    return dict(found)


def find_target(targets: Mapping[str, str], tenant: str, name: str) -> str | None:
    """The name under which it is in the setting: the tenant's own before that of everybody; None: there is none."""
    return next((each for each in (f"{tenant}/{name}", name) if each in targets), None)


def _target(part: str, number: int) -> tuple[str, str]:
    found = _TARGET.fullmatch(part)
    if found is None:
        raise ValueError(
            f"target {number}: write name=scheme://…, or tenant/name=scheme://…; a name is a lower-case letter, then "
            "such letters, digits, - and _; a comma within a URL is %2C"
        )
    return found[1], found[2]
