"""Workflows whose rules look at other notifications, and whether those rules were kept."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from shared.model import workflows
from shared.model.workflows import Workflow
from tests.chaos.order import Delivered
from tests.chaos.tables import Accepted, Effect

GATHERED, LIMITED, FIRST = "chaos.gathered", "chaos.limited", "chaos.first"
OUTWARD: Final = "chaos.outward"
"""On every channel that the other workflows have not."""
MOST: Final = 3
"""What the throttle lets pass of each user's."""


def _workflow(key: str, text: str, *steps: dict[str, Any], **more: dict[str, str]) -> Workflow:
    templates = {"email": {"subject": "Orders", "text": text}, **more}
    return workflows.parse({"key": key, "category": "orders", "steps": list(steps), "templates": templates})


WORKFLOWS: Final = (
    _workflow(
        GATHERED,
        "{% for item in digest.items %}{{ item.order }} {% endfor %}",
        {"key": "later", "kind": "delay", "seconds": 1},
        {"key": "gather", "kind": "digest", "seconds": 2},
        {"key": "notify", "channels": ["email"]},
    ),
    _workflow(
        LIMITED,
        "{{ data.order }}",
        {"key": "limit", "kind": "throttle", "most": MOST, "seconds": 86_400},
        {"key": "notify", "channels": ["email"]},
    ),
    # The mail of an event without `mailable` cannot be rendered, and fails for good.
    _workflow(
        FIRST,
        "{{ data.order }} {{ data.mailable }}",
        {"key": "notify", "channels": ["email", "webhook"], "deliver": "first"},
    ),
    _workflow(
        OUTWARD,
        "{{ data.order }}",
        {"key": "notify", "channels": ["sms", "push", "whatsapp", "telegram", "chat", "pull"]},
        sms={"text": "{{ data.order }}"},
        push={"title": "{{ data.order }}"},
        whatsapp={"text": "{{ data.order }}"},
        telegram={"text": "{{ data.order }}"},
        chat={"text": "{{ data.order }}"},
    ),
)


def ungathered(accepted: Mapping[str, Accepted], sent: Mapping[str, Delivered], effects: Iterable[Effect]) -> list[str]:
    """What is in no digest of its owner, or in two, or twice in one. What came twice as a whole is another fault."""
    found: Counter[tuple[str, str]] = Counter()
    offenders = []
    digests = {effect.delivery: effect for effect in effects if effect.delivery in sent}
    for effect in digests.values():
        if accepted[sent[effect.delivery].notification].gathers:
            found.update((effect.owner, mark) for mark in effect.marks)
            if effect.named != len(effect.marks):
                offenders.append(f"{effect.delivery} names {sorted(effect.marks)} {effect.named} times")
    for notification, about in accepted.items():
        if about.gathers and found[about.owner, about.mark] != 1:
            offenders.append(f"{notification} is in {found[about.owner, about.mark]} digests")
    return offenders


def unlimited(accepted: Mapping[str, Accepted], sent: Mapping[str, Delivered]) -> list[str]:
    """Throttles that let more pass than they may, or fewer than there were."""
    passed = {about.notification for about in sent.values()}
    groups: dict[str, list[bool]] = defaultdict(list)
    for notification, about in accepted.items():
        if about.throttle:
            groups[about.throttle].append(notification in passed)
    return [
        f"{name}: {sum(group)} of {len(group)} passed"
        for name, group in groups.items()
        if sum(group) != min(MOST, len(group))
    ]


def split(accepted: Mapping[str, Accepted], sent: Mapping[str, Delivered]) -> list[str]:
    """What was to take one channel, and took none or two."""
    taken = Counter(about.notification for about in sent.values())
    return [
        f"{notification} was sent on {taken[notification]} channels"
        for notification, about in accepted.items()
        if about.first and taken[notification] != 1
    ]
