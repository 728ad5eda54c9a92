"""What the demonstration sends fills every text of the shipped workflows, in every language."""

from __future__ import annotations

from pathlib import Path

import pytest

from carillon.cli.templates import sources
from sandbox.demo.plan import PLAN, Planned
from services.delivery.rendering.liquid import context, render
from shared.catalog.files import read_folder
from tests.support import samples as a

PLAYED = ("orders", "chat")
"""The areas that it plays."""
WORKFLOWS = {each.key: each for area in PLAYED for each in read_folder(Path("catalog") / area)}


@pytest.mark.parametrize("planned", PLAN, ids=lambda planned: f"{planned.workflow}-{planned.to[0]}")
def test_it_has_all_that_the_texts_need(planned: Planned) -> None:
    values = context(a.delivery()) | {"data": planned.data}
    rendered = [render(source, None, values) for _, source in sources(WORKFLOWS[planned.workflow])]
    assert all("{{" not in text for text in rendered)
    assert rendered


def test_it_sends_every_workflow() -> None:
    assert {planned.workflow for planned in PLAN} == WORKFLOWS.keys()
