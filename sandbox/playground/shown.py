"""What the page shows of a notification: the console's timeline and its sentences, put together (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from sandbox.playground.rule_words import rule_words
from shared.deciding.plain_words import meaning

ConsoleAnswerJson = Mapping[str, Any]
DECIDED: Final[Mapping[str, str]] = {
    "notify": "Decided",
    "release": "Decided again: its wait was over",
    "retry": "Decided again: its next attempt was due",
    "stale": "Decided again: it had waited too long in its lane",
    "redrive": "Decided again: its dead letter was sent again",
    "failed": "The rest of its step decided: it failed, or its provider was down for long",
}


class ShownSentence(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened."""

    text: str
    at: str | None = None


class ShownRule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that was asked; `because` where it did not pass."""

    rule: str
    words: str
    result: str
    because: str | None = None
    until: str | None = None


class ShownRules(msgspec.Struct, frozen=True, kw_only=True):
    """Rules about one thing: a channel, a step, or the whole."""

    about: str
    rules: list[ShownRule]


class ShownDecision(msgspec.Struct, frozen=True, kw_only=True):
    """One decision with every rule that it asked."""

    at: str
    title: str
    groups: list[ShownRules]


class ShownChannel(msgspec.Struct, frozen=True, kw_only=True):
    """How far a channel is; None: the notification as a whole."""

    channel: str | None
    state: str
    because: str | None
    until: str | None


class ShownAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try at a provider."""

    account: str
    """The channel's provider, as `email/smtp`."""
    outcome: str
    latency_ms: int


class ShownNotification(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    id: str
    state: str
    channels: list[ShownChannel]
    sentences: list[ShownSentence]
    decisions: list[ShownDecision]
    attempts: list[ShownAttempt]


def shown_notification(timeline: ConsoleAnswerJson, why: ConsoleAnswerJson) -> ShownNotification:
    """Of the two answers about one notification."""
    return ShownNotification(
        id=timeline["notification"],
        state=timeline["state"],
        channels=[_channel(one) for one in timeline["channels"]],
        sentences=[_sentence(one) for one in why["sentences"]],
        decisions=[_decision(one) for one in timeline["decisions"]],
        attempts=list(_attempts(timeline)),
    )


def _sentence(sentence: ConsoleAnswerJson) -> ShownSentence:
    return ShownSentence(text=sentence["text"], at=sentence.get("at"))


def _channel(channel: ConsoleAnswerJson) -> ShownChannel:
    reason = channel.get("reason")
    return ShownChannel(
        channel=channel.get("channel"),
        state=channel["state"],
        because=meaning(reason) if reason else None,
        until=None if channel.get("terminal") else channel.get("until"),
    )


def _decision(decision: ConsoleAnswerJson) -> ShownDecision:
    groups: dict[str, list[ShownRule]] = {}
    for rule in decision["rules"]:
        about = rule.get("channel") or (f"the step {rule['step']}" if rule.get("step") else "all of it")
        groups.setdefault(about, []).append(_rule(rule))
    return ShownDecision(
        at=decision["at"],
        title=DECIDED.get(decision["kind"], f"Decided: {decision['kind']}"),
        groups=[ShownRules(about=about, rules=rules) for about, rules in groups.items()],
    )


def _rule(rule: ConsoleAnswerJson) -> ShownRule:
    reason = rule.get("reason")
    return ShownRule(
        rule=rule["rule"],
        words=rule_words(rule["rule"]),
        result=rule["result"],
        because=meaning(reason) if reason else None,
        until=rule.get("until"),
    )


def _attempts(timeline: ConsoleAnswerJson) -> Iterator[ShownAttempt]:
    for delivery in timeline["deliveries"]:
        for one in delivery.get("log", ()):
            yield ShownAttempt(
                account=one["account"],
                outcome=one["outcome"],
                latency_ms=one["latency_ms"],
            )
