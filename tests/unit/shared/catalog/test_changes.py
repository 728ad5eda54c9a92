"""What changed between two versions, in a few words."""

from __future__ import annotations

from typing import Any

import pytest

from shared.catalog.changes import changes
from shared.model.workflows import parse

BEFORE: dict[str, Any] = {
    "key": "order.shipped",
    "category": "orders",
    "on": ["a"],
    "recipients": "data.to",
    "steps": [{"key": "inbox", "channels": ["in_app"]}, {"key": "mail", "channels": ["email"]}],
    "templates": {"in_app": {"title": "Hi"}, "email": {"subject": "Hi", "text": "Hi"}},
}
INBOX, MAIL = BEFORE["steps"]
WAIT = {"key": "wait", "kind": "delay", "seconds": 60}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, []),
        ({"priority": "high"}, ["priority: normal → high"]),
        ({"critical": True}, ["critical: false → true"]),
        ({"on": ["a", "b.*"]}, ["on: a → a, b.*"]),
        ({"actor": "data.by"}, ["actor: none → data.by"]),
        ({"schema": {"type": "object", "required": ["a", "long", "list", "of", "names", "that", "nobody", "reads"]}}, ["schema"]),
        ({"steps": [INBOX, WAIT, MAIL]}, ["+ step wait"]),
        ({"steps": [INBOX]}, ["- step mail"]),
        ({"steps": [MAIL, INBOX]}, ["the order of the steps"]),
        ({"steps": [INBOX, MAIL | {"channels": ["email", "webhook"]}]}, ["step mail"]),
        ({"templates": BEFORE["templates"] | {"in_app": {"title": "Ho"}}}, ["templates.in_app"]),
        ({"active": False, "steps": [WAIT, MAIL]}, ["active: true → false", "+ step wait", "- step inbox"]),
    ],
)  # fmt: skip
def test_what_changed(changed: dict[str, Any], said: list[str]) -> None:
    assert changes(parse(BEFORE), parse(BEFORE | changed)) == said
