"""docs/concepts.md and docs/workflows.md say what the code says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from carillon.cli.catalog_files import check_folder
from shared.model.conditions import OPERATORS
from shared.model.deliveries import TERMINAL, DeliveryState
from shared.model.notification_states import ENDED, NotificationState
from shared.model.reasons import EventReason, Reason
from shared.model.receipts import ReceiptState
from shared.model.rules import Rule
from shared.model.step_order import walk
from shared.model.steps import Step, StepKind
from shared.model.workflows import Workflow

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
    _, of_notifications, of_deliveries, of_receipts = re.split(r"\n\| state \|", section(CONCEPTS, "States"))
    for told, states, ends in (
        (of_notifications, set(NotificationState), ENDED),
        (of_deliveries, {*DeliveryState, "queued", "held"}, TERMINAL),
        (of_receipts, set(ReceiptState), set()),
    ):
        assert set(first_column(told)) == states
        assert set(re.findall(r"\*\*`(\w+)`\*\*", told)) == ends


def test_there_is_one_diagram():
    assert CONCEPTS.count("```mermaid") == 1


def fields_of(struct: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(struct)}


def test_every_field_of_a_workflow_is_told():
    assert set(first_column(section(WORKFLOWS, "Fields"))) == fields_of(Workflow) - {"version"}


@pytest.mark.parametrize("step", get_args(Step))
def test_every_field_of_a_step_is_told(step):
    steps = section(WORKFLOWS, "Steps")
    own = steps.partition(f"### {step.kind}\n")[2].partition("\n### ")[0]
    of_all = set(first_column(steps.partition("\n### ")[0])) - {"kind"}
    assert of_all == {"key", "when"}
    assert set(first_column(own)) == fields_of(step) - of_all


def test_every_operator_is_told():
    assert all(f"`{operator}`" in section(WORKFLOWS, "Conditions") for operator in OPERATORS)


EXAMPLES = re.findall(r"```yaml\n(.*?)```", WORKFLOWS, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.partition("\n")[0])
def test_every_example_is_a_workflow(example, tmp_path):
    (tmp_path / "example.yaml").write_text(example)
    assert check_folder(tmp_path).faults == []


def test_there_is_an_example_of_every_kind_of_step(tmp_path):
    for number, example in enumerate(EXAMPLES):
        (tmp_path / f"{number}.yaml").write_text(example)
    kinds = {step.kind for workflow in check_folder(tmp_path).workflows for _, step in walk(workflow.steps)}
    assert kinds == set(StepKind)
