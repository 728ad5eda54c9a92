"""The result of each rule, read from the items of a stored decision.

The rules are asked in order and the first that stops ends the matter, so an item's rule gives the results of those
around it: those before it passed, those after it were not asked. What a newer version stored is shown as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from shared.deciding.items import ItemOutcome
from shared.model.rules import EACH, STEPS, WHOLE, Rule
from shared.model.timestamps import rfc3339

StoredItem = Mapping[str, Any]


class RuleResult(StrEnum):
    """What a rule came to."""

    PASSED = "passed"
    HELD = "held"
    SUPPRESSED = "suppressed"
    NOT_ASKED = "not_asked"
    UNKNOWN = "unknown"
    """A newer version of Carillon decided it."""


class RuleEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rule's result; `step` when it was asked about a step, `channel` about a channel alone, `until` when it holds."""

    rule: str
    result: RuleResult
    step: str | None = None
    channel: str | None = None
    reason: str | None = None
    until: str | None = None
    clause: str | None = None
    """What of a condition did not hold."""


STOPS: Final = {ItemOutcome.HOLD: RuleResult.HELD, ItemOutcome.SUPPRESS: RuleResult.SUPPRESSED}
_BY_CHANNEL: Final = frozenset({ItemOutcome.DELIVER, ItemOutcome.HOLD, ItemOutcome.SUPPRESS})


def rule_entries(items: Sequence[StoredItem]) -> list[RuleEntry]:
    """The results in the order of the rules: of the whole, then step by step, there channel by channel."""
    stopped = next((item for item in items if item["type"] in STOPS and item.get("rule") in WHOLE), None)
    if stopped is not None:
        return list(_asked(WHOLE, stopped))
    entries = [RuleEntry(rule=rule, result=RuleResult.PASSED) for rule in WHOLE]
    stopped_by = {(item.get("step"), item.get("rule")) for item in items if item["type"] in STOPS}
    for item in items:
        outcome, rule = item["type"], item.get("rule")
        if outcome not in frozenset(ItemOutcome) or (rule is not None and rule not in frozenset(Rule)):
            entries.append(_entry(item, str(rule or outcome), RuleResult.UNKNOWN))
        elif rule in STEPS and (outcome in STOPS or (item.get("step"), rule) not in stopped_by):
            entries += _asked(_step_rules(rule), item)
        elif outcome in _BY_CHANNEL and rule not in STEPS:
            entries += _asked(EACH, item)
    return entries


def _step_rules(rule: str) -> tuple[Rule, ...]:
    """Those of a step that the rule is about: its condition, and that of its kind."""
    return tuple(one for one in STEPS if one in (Rule.STEP_CONDITION, rule))


def _asked(rules: Sequence[Rule], item: StoredItem) -> Iterator[RuleEntry]:
    """The results of `rules` up to the one that stopped."""
    stops = STOPS.get(item["type"])
    about_whole = rules is WHOLE
    result = RuleResult.PASSED
    for rule in rules:
        if stops is not None and result is RuleResult.PASSED and rule == item.get("rule"):
            yield _entry(item, rule, stops, about_whole=about_whole)
            result = RuleResult.NOT_ASKED
        else:
            step, channel = (None, None) if about_whole else (item.get("step"), item.get("channel"))
            yield RuleEntry(rule=rule, result=result, step=step, channel=channel)


def _entry(item: StoredItem, rule: str, result: RuleResult, *, about_whole: bool = False) -> RuleEntry:
    due = item.get("due")
    return RuleEntry(
        rule=rule,
        result=result,
        step=None if about_whole else item.get("step"),
        channel=None if about_whole else item.get("channel"),
        reason=item.get("reason"),
        until=rfc3339(due) if isinstance(due, int) else None,
        clause=item.get("clause"),
    )
