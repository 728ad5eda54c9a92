"""docs/reference says what the code says."""

from __future__ import annotations

import pytest

from carillon.cli.variables import known_variables, settings_sections
from docs.generate import FOLDER, PAGES, settings_page


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_current(name: str) -> None:
    assert (FOLDER / name).read_text() == PAGES[name](), "Next: make docs"


def test_there_is_no_page_that_nobody_writes() -> None:
    assert {path.name for path in FOLDER.iterdir()} == PAGES.keys()


def test_every_variable_has_a_row() -> None:
    rows = {line.split("`")[1] for line in settings_page().splitlines() if line.startswith("| `")}
    assert rows == known_variables()


def test_every_setting_has_a_meaning() -> None:
    for reader, sections in settings_sections().items():
        for section in sections:
            assert not [name for name, field in section.model_fields.items() if not field.description], reader


def test_a_variable_of_several_readers_has_one_default() -> None:
    defaults: dict[str, object] = {}
    for sections in settings_sections().values():
        for section in sections:
            for variable, name in section.variables().items():
                default = section.model_fields[name].default
                assert defaults.setdefault(variable, default) == default, variable
