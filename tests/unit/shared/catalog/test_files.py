"""Workflow files: what is wrong is named with file and line, whatever it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.catalog.files import read_folder
from shared.model.errors import InvalidWorkflow

GOOD = """\
key: order.shipped
category: orders
steps:
  - key: notify
    channels: [webhook]
"""


def write(folder: Path, text: str | bytes, name: str = "w.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (GOOD + "category: again\n", 6, "'category' stands twice"),
        (GOOD + "templates:\n  in_app:\n    title: a\n    title: b\n", 9, "'title' stands twice"),
        (GOOD + "version: 5\n", 6, "publishing numbers versions"),
        (GOOD + "priority: 2026-13-45\n", 6, "one of low, normal, high, urgent"),
        (GOOD + "priority: hihg\n", 6, "did you mean high?"),
        (GOOD + "expires_after_seconds: 1:30\n", 6, "Expected `int`, got `str`"),
        (GOOD + "expires_after_seconds: 0100\n", 6, "Expected `int`, got `str`"),
        (GOOD + f"expires_after_seconds: {'9' * 5000}\n", 6, "Expected `int`, got `str`"),
        (GOOD + "critical: yes\n", 6, "Expected `bool`, got `str`"),
        (GOOD.replace("webhook", "webhok"), 5, "did you mean webhook?"),
        (GOOD.replace("channels", "kind: http\n    channels"), 5, "it is one of channel, delay, digest, throttle, wait_for_read, branch"),
        (GOOD.replace("orders", '"a/b\\0"'), 2, "printable characters without /"),
        (GOOD.replace("order.shipped", "k" * 300), 1, "100 characters at most"),
        (GOOD + "on: [a\n", 7, "expected ',' or ']'"),
        ("[" * 1500, None, "nested too deep"),
        ("", 1, "Expected `object`, got `null`"),
        (GOOD + "---\n" + GOOD, None, "another document"),
        (b"key: \xff", None, "not UTF-8"),
        (b"key: a\x00b", None, "special characters are not allowed"),
        (GOOD + "expires_after_seconds: !!int x\n", None, "invalid literal"),
        ("a" * 1_048_577, None, "more than 1048576 bytes"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_file_and_line(
    tmp_path: Path, text: str | bytes, line: int | None, words: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InvalidWorkflow) as refused:
        read_folder(tmp_path)
    assert refused.value.detail.startswith(f"{path}:{line}: " if line else f"{path}:")
    assert words in refused.value.detail


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InvalidWorkflow, match=r"w\.yaml: No such file"):
        read_folder(tmp_path)


def test_both_endings_one_file_and_no_hidden_ones(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    yml = write(tmp_path, GOOD.replace("order.shipped", "order.late"), "sub/late.yml")
    for name in (".hidden.yaml", ".git/w.yaml", "README.md"):
        write(tmp_path, "not: a workflow", name)
    assert [workflow.key for workflow in read_folder(tmp_path)] == ["order.late", "order.shipped"]
    assert [workflow.key for workflow in read_folder(yml)] == ["order.late"]


@pytest.mark.parametrize("text", ["2026-01-02", "no", "on", "0x1F", "1:30", "012"])
def test_a_text_is_the_text_that_stands_there(tmp_path: Path, text: str) -> None:
    """Not a date, a truth value or a number of YAML 1.1."""
    write(tmp_path, f"{GOOD}templates: {{in_app: {{title: {text}}}}}\n")
    (workflow,) = read_folder(tmp_path)
    assert workflow.templates.in_app.title == text
