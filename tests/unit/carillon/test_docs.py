"""docs/concepts.md and docs/workflows.md say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from carillon.cli.templates import check_templates
from shared.model.deliveries import TERMINAL, DeliveryState
from shared.model.notification_states import ENDED, NotificationState
from shared.model.reasons import EventReason, Reason
from shared.model.rules import Rule
from shared.model.workflows import Workflow, parse

DOCS = Path(__file__).parents[3] / "docs"
CONCEPTS = (DOCS / "concepts.md").read_text()
WORKFLOWS = (DOCS / "workflows.md").read_text()


def section(text: str, title: str) -> str:
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0]


def first_column(text: str) -> list[str]:
    return [
        name
        for line in text.splitlines()
        if line.startswith("| ")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    ]


def test_every_rule_is_told_in_its_order():
    assert first_column(section(CONCEPTS, "The rules")) == list(Rule)


def test_every_reason_is_told():
    assert first_column((DOCS / "reference" / "reasons.md").read_text()) == [*Reason, *EventReason]


def test_every_rule_has_an_example_and_names_only_reasons():
    rows = [
        line.strip("|").split("|") for line in section(CONCEPTS, "The rules").splitlines() if line.startswith("| `")
    ]
    assert [len(row) for row in rows] == [4] * len(Rule)
    for _, _, ends, example in rows:
        assert set(re.findall(r"`(\w+)`", ends)) <= set(Reason)
        assert example.strip()


def test_every_state_is_told_and_the_terminal_ones_are_bold():
    _, of_notifications, of_deliveries = re.split(r"\n\| state \|", section(CONCEPTS, "States"))
    for told, states, ends in (
        (of_notifications, set(NotificationState), ENDED),
        (of_deliveries, {*DeliveryState, "queued", "held"}, TERMINAL),
    ):
        assert set(first_column(told)) == states
        assert set(re.findall(r"\*\*`(\w+)`\*\*", told)) == ends


def test_there_is_one_diagram():
    assert CONCEPTS.count("```mermaid") == 1


def test_every_field_of_a_workflow_is_told():
    assert set(first_column(section(WORKFLOWS, "Fields"))) == set(Workflow.__struct_fields__) - {"version"}


def test_the_example_is_a_workflow():
    example = WORKFLOWS.partition("```yaml\n")[2].partition("```")[0].replace("\non:", '\n"on":')
    check_templates(parse(yaml.safe_load(example)))
