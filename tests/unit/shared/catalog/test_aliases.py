"""Aliases in workflow files: they work, and a few lines of them cannot fill the memory."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from shared.catalog import aliases
from shared.catalog.aliases import MAX_EXPANDED
from shared.catalog.files import MAX_FILE_BYTES, read_file
from shared.model.errors import InvalidWorkflow

WORKFLOW = "key: order.shipped\ncategory: orders\nsteps: [{key: notify, channels: [in_app]}]\n"
LINES = WORKFLOW.count("\n")


def tenfold(generations: int, form: str) -> str:
    """Each name stands for ten of the one before."""
    made = ["x0: &x0 " + ("{a: b}" if form.startswith("{") else "[a, b]")]
    made += [f"x{n}: &x{n} " + form.format(", ".join([f"*x{n - 1}"] * 10)) for n in range(1, generations + 1)]
    return "\n".join(made)


@pytest.mark.parametrize("form", ["[{}]", "{{<<: [{}]}}"])
def test_a_few_lines_that_stand_for_too_much_are_refused_with_their_place(tmp_path: Path, form: str) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(WORKFLOW + tenfold(30, form))
    with pytest.raises(InvalidWorkflow, match=rf"w.yaml:\d+: its aliases stand for more than {MAX_EXPANDED}"):
        read_file(path)


def test_what_contains_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(WORKFLOW + "x: &x [1, *x]\n")
    with pytest.raises(InvalidWorkflow, match=rf"w.yaml:{LINES + 1}: an alias stands inside of what it names"):
        read_file(path)


def test_aliases_that_mean_what_they_say_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(
        WORKFLOW
        + "templates:\n  in_app: {title: &t {en: Hello, de: Hallo}, body: *t}\n  email: {subject: *t, text: *t}\n"
    )
    workflow = read_file(path)
    assert workflow.templates.email is not None
    assert workflow.templates.email.text == {"en": "Hello", "de": "Hallo"}


def test_no_file_without_aliases_is_refused_for_them() -> None:
    """What has the most nodes for its size counts less than twice: the bound is twice what a file may have."""
    for text in ("{" + ",".join(f"{n:x}" for n in range(2_000)) + "}", "[" + "1," * 2_000 + "1]"):
        root = yaml.compose(text, yaml.SafeLoader)
        assert root is not None
        assert aliases.size_of(root) <= 2 * len(text)
    assert MAX_EXPANDED >= 2 * MAX_FILE_BYTES
