"""What each rule of the door said (pure), read from the items of a stored decision.

The rules are asked in order and the first that stops ends the matter, so an item's rule tells them all:
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
    """What a rule said."""

    PASSED = "passed"
    HELD = "held"
    SUPPRESSED = "suppressed"
    NOT_ASKED = "not_asked"


class RuleEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rule's verdict; `channel` when it was asked about a channel alone, `until` when it holds."""

    rule: str
    verdict: RuleResult
    channel: str | None = None
    reason: str | None = None
    until: str | None = None


STOPS: Final = {"hold": RuleResult.HELD, "suppress": RuleResult.SUPPRESSED}


def rule_entries(items: Sequence[Mapping[str, Any]]) -> list[RuleEntry]:
    """The verdicts in the order of the rules, then channel by channel."""
    stopped = next((item for item in items if item.get("rule") in WHOLE), None)
    if stopped is not None:
        return list(_asked(WHOLE, stopped, None))
    result = [RuleEntry(rule=rule, verdict=RuleResult.PASSED) for rule in WHOLE]
    for item in items:
        result += _asked(EACH, item, item.get("channel"))
    return result


def _asked(rules: Sequence[str], item: Mapping[str, Any], channel: str | None) -> Iterator[RuleEntry]:
    """The verdicts of `rules` up to the one that stopped."""
    verdict = RuleResult.PASSED
    for rule in rules:
        if verdict is RuleResult.PASSED and rule == item.get("rule"):
            due = item.get("due")
            verdict = STOPS[item["type"]]
            until = None if due is None else rfc3339(due)
            yield RuleEntry(rule=rule, verdict=verdict, channel=channel, reason=item["reason"], until=until)
            verdict = RuleResult.NOT_ASKED
        else:
            yield RuleEntry(rule=rule, verdict=verdict, channel=channel)
