"""The result of each rule, read from the items of a stored decision.

The rules are asked in order and the first that stops ends the matter, so an item's rule gives the results of all:
those before it passed, those after it were not asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from shared.model.rules import EACH, WHOLE
from shared.model.timestamps import rfc3339


class RuleResult(StrEnum):
    """What a rule came to."""

    PASSED = "passed"
    HELD = "held"
    SUPPRESSED = "suppressed"
    NOT_ASKED = "not_asked"


class RuleEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rule's result; `channel` when it was asked about a channel alone, `until` when it holds."""

    rule: str
    result: RuleResult
    channel: str | None = None
    reason: str | None = None
    until: str | None = None


STOPS: Final = {"hold": RuleResult.HELD, "suppress": RuleResult.SUPPRESSED}


def rule_entries(items: Sequence[Mapping[str, Any]]) -> list[RuleEntry]:
    """The results in the order of the rules, then channel by channel."""
    stopped = next((item for item in items if item.get("rule") in WHOLE), None)
    if stopped is not None:
        return list(_asked(WHOLE, stopped, None))
    entries = [RuleEntry(rule=rule, result=RuleResult.PASSED) for rule in WHOLE]
    for item in items:
        entries += _asked(EACH, item, item.get("channel"))
    return entries


def _asked(rules: Sequence[str], item: Mapping[str, Any], channel: str | None) -> Iterator[RuleEntry]:
    """The results of `rules` up to the one that stopped."""
    result = RuleResult.PASSED
    for rule in rules:
        if result is RuleResult.PASSED and rule == item.get("rule"):
            due = item.get("due")
            result = STOPS.get(item["type"], RuleResult.PASSED)
            until = None if due is None else rfc3339(due)
            yield RuleEntry(rule=rule, result=result, channel=channel, reason=item["reason"], until=until)
            result = RuleResult.NOT_ASKED
        else:
            yield RuleEntry(rule=rule, result=result, channel=channel)
