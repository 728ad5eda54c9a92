"""Workflow files: what can be published, and where a mistake is pointed at."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model.errors import InvalidWorkflow
from shared.model.steps import StepKind
from shared.model.workflows import QuietPolicy, parse
from tests.support import samples as a

GOOD: dict[str, Any] = {
    "key": "chat.new_message",
    "category": "chat",
    "on": ["com.example.message"],
    "recipients": "data.to",
    "steps": [{"key": "notify", "channels": ["in_app", "email", "webhook"]}],
    "templates": {"in_app": {"title": "Hi"}, "email": {"subject": {"en": "Hi", "de": "Hallo"}, "text": "Hi"}},
}


def test_a_good_one() -> None:
    found = parse(GOOD)
    assert found.quiet is QuietPolicy.RESPECT
    assert not found.ignores_quiet_hours
    (step,) = found.steps
    assert (step.key, step.kind, list(step.channels)) == ("notify", StepKind.CHANNEL, ["in_app", "email", "webhook"])


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"key": "Chat"}, "/key"),
        ({"key": ""}, "/key"),
        ({"key": "chat..x"}, "/key"),
        ({"key": "chat.x\n"}, "/key"),
        ({"steps": []}, "/steps"),
        ({"steps": [{"key": "notify", "channels": []}]}, "/steps/0/channels"),
        ({"steps": [{"key": "notify"}]}, "/steps/0/channels"),
        ({"steps": [{"channels": ["webhook"]}]}, "/steps/0"),
        ({"steps": [{"key": "Notify!", "channels": ["webhook"]}]}, "/steps/0/key"),
        ({"steps": [{"key": "notify", "kind": "fax", "channels": ["webhook"]}]}, "/steps/0/kind"),
        ({"steps": [{"key": "notify", "channels": ["webhook", "in_app", "webhook"]}]}, "/steps/0/channels"),
        ({"recipients": None}, "/on"),
        ({"expires_after_seconds": 0}, "/expires_after_seconds"),
        ({"expires_after_seconds": 30 * 86_400 + 1}, "/expires_after_seconds"),
        ({"templates": {"in_app": {"title": "Hi"}}}, "/templates/email"),
        ({"templates": {}}, "/templates/in_app"),
        ({"steps": [{"key": "notify", "channels": ["pigeon"]}]}, "/steps/0/channels/0"),
        ({"priority": "asap"}, "/priority"),
        ({"receipts": True, "steps": [{"key": "notify", "channels": ["webhook"]}]}, "/receipts"),
    ],
)
def test_a_mistake_is_pointed_at(changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidWorkflow) as refused:
        parse(GOOD | changes)
    assert refused.value.pointer is not None
    assert refused.value.pointer.startswith(pointer.rsplit("/0", 1)[0] if "pigeon" in str(changes) else pointer)


@pytest.mark.parametrize("document", [None, [], "x", 5, {}, {"key": "x"}, GOOD | {"unknown": 1}])
def test_no_workflow_at_all(document: Any) -> None:
    with pytest.raises(InvalidWorkflow):
        parse(document)


def test_who_ignores_quiet_hours() -> None:
    assert a.workflow(critical=True).ignores_quiet_hours
    assert a.workflow(quiet=QuietPolicy.IGNORE).ignores_quiet_hours
