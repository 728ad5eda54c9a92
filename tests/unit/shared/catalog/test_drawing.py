"""Workflows as flowcharts: every step is there, every way leads somewhere, and no text breaks the picture."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from shared.catalog.drawing import condition_text, mermaid
from shared.catalog.durations import in_words
from shared.catalog.files import read_folder
from shared.model.step_order import walk
from shared.model.workflows import Workflow, parse

EVERYTHING: dict[str, Any] = {
    "key": "order.shipped",
    "category": "orders",
    "on": ["com.example.order.*"],
    "when": {"data.total": {"gte": 100}},
    "recipients": {"topic": "orders:{data.shop}", "where": {"profile.locale": ["de", "en"]}},
    "steps": [
        {"key": "limit", "kind": "throttle", "most": 3, "seconds": 3600, "by": "data.shop"},
        {"key": "gather", "kind": "digest", "seconds": 5400, "sliding": True, "first_at_once": True},
        {"key": "daily", "kind": "digest", "cron": "0 9 * * *"},
        {"key": "inbox", "channels": ["in_app"]},
        {"key": "wait", "kind": "wait_for_read", "seconds": 600},
        {
            "key": "ways",
            "kind": "branch",
            "branches": [
                {"when": {"profile.locale": "de"}, "steps": [{"key": "first", "channels": ["email", "webhook"], "deliver": "first", "fallback_after_seconds": 300}]},
                {"when": {"steps.inbox.seen": True}, "steps": []},
            ],
            "otherwise": [{"key": "later", "kind": "delay", "until": "data.at - 1h", "late": "send_now"}],
        },
        {"key": "last", "channels": ["webhook"], "when": {"data.say": 'a "b" | c'}},
    ],
    "templates": {"in_app": {"title": "Hi"}, "email": {"subject": "Hi", "text": "Hi"}},
}  # fmt: skip


def test_everything_that_a_workflow_can_say_is_drawn() -> None:
    assert mermaid(parse(EVERYTHING)) == (Path(__file__).parent / "everything.mmd").read_text()


SHIPPED = read_folder(Path(__file__).parents[4] / "catalog")


@pytest.mark.parametrize("workflow", [*SHIPPED, parse(EVERYTHING)], ids=lambda workflow: workflow.key)
def test_every_step_is_drawn_and_every_way_leads_to_one(workflow: Workflow) -> None:
    text = mermaid(workflow)
    lines = text.splitlines()
    assert lines[0] == "flowchart TD"
    drawn = {found for line in lines for found in re.findall(r"(?:^ +|> )(\w+)[\[{(]", line)}
    assert {f"s{number}" for number in range(1, len(list(walk(workflow.steps))) + 1)} <= drawn
    reached = {found for line in lines for found in re.findall(r"(?:-->|\.->)(?:\|[^|]*\|)? (\w+)", line)}
    assert reached <= drawn | {"done"}
    assert "done" in reached
    for line in lines:
        assert line.count('"') % 2 == 0


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ({"data.x": 1}, "data.x is 1"),
        ({"data.x": None, "data.y": True}, "data.x is null and data.y is true"),
        ({"data.x": ["a", "b"]}, "data.x in a, b"),
        ({"data.x": {"gt": 1, "lt": 5}}, "data.x gt 1 and data.x lt 5"),
        ({"any": [{"data.x": 1}, {"not": {"data.y": 2}}]}, "(data.x is 1 or not (data.y is 2))"),
    ],
)
def test_a_condition_on_one_line(condition: dict[str, Any], text: str) -> None:
    assert condition_text(condition) == text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (5400, "1 h 30 min"), (86_400, "1 d"), (90_061, "1 d 1 h")],
)
def test_a_span_in_words(seconds: int, words: str) -> None:
    assert in_words(seconds) == words
