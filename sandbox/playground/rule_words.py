"""What each rule asks, in plain words: what holds where it passed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.model.rules import Rule

RULE_WORDS: Final[Mapping[str, str]] = {
    Rule.WORKFLOW: "its workflow is there and active",
    Rule.EXPIRY: "its time is not over",
    Rule.CANCEL: "nobody has cancelled it",
    Rule.STOP: "no operator has stopped it",
    Rule.COLLAPSE: "nothing newer is about the same",
    Rule.DUE: "it is time",
    Rule.RECIPIENT: "it is for somebody who is known, and did not do it themselves",
    Rule.SUBSCRIPTION: "the subscription to its topic wants it",
    Rule.NOTIFICATION_PREFERENCE: "its workflow and category are wanted",
    Rule.MUTE: "not muted",
    Rule.STEP_CONDITION: "the step's condition holds",
    Rule.DELAY: "the step's delay is over",
    Rule.DIGEST: "the step's digest is closed",
    Rule.THROTTLE: "the step has not let enough pass already",
    Rule.READ: "the step needs to know whether it was read",
    Rule.BRANCH: "a condition of the step holds",
    Rule.CHANNEL_STOP: "no operator has stopped the channel",
    Rule.CHANNEL_PREFERENCE: "the channel is wanted",
    Rule.ADDRESS: "there is an address",
    Rule.SUPPRESSION: "the address is not suppressed",
    Rule.QUIET_HOURS: "no quiet hours hold it",
    Rule.FREQUENCY_CAP: "no frequency cap is reached",
    Rule.FALLBACK: "no earlier channel has it",
}


def rule_words(rule: str) -> str:
    """Of one that a newer version asked: its name."""
    return RULE_WORDS.get(rule, rule.replace("_", " "))
