"""The row of a workflow: what it says of prefixes, to this version, to older ones and to newer ones."""

from __future__ import annotations

from typing import Any

import bson
import pytest

from shared.catalog.rows import from_row, starts_on, to_row
from shared.model.formats import NewerFormat
from tests.support import samples as a

PREFIXED = a.workflow(on=("com.example.order.*", "shipped"), recipients="data.to")


def stored(workflow: Any) -> Any:
    """As MongoDB gives it back."""
    return bson.decode(bson.encode(to_row("acme", workflow, 0)))


@pytest.mark.parametrize("workflow", [PREFIXED, a.workflow(), a.workflow(on=("shipped",), recipients="data.to")])
def test_what_was_written_is_read(workflow: Any) -> None:
    assert from_row(stored(workflow)) == workflow


def test_a_version_without_prefixes_sees_that_it_cannot_know() -> None:
    """Version 0.2.0 waits with an event for a newer one where `on` is no list of texts; a text is an exact type to it."""
    row = stored(PREFIXED)
    assert row["format"] == 2
    assert not all(isinstance(each, str) for each in row["body"]["on"])
    exact = stored(a.workflow(on=("shipped",), recipients="data.to"))
    assert exact["body"]["on"] == ["shipped"], "what uses no prefix is as it was"


@pytest.mark.parametrize(
    ("on", "types"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", {"prefix": "b.*"}], ["a", "b.*"]),
        (["a", {"prefix": "b.*", "but": "c"}], None),
        (["a", {"suffix": "b"}], None),
        (["a.*.c"], None),
        (["a", 5], None),
        ("a", None),
        ({"any": True}, None),
    ],
)
def test_what_starts_a_workflow_of_a_newer_version(on: Any, types: list[str] | None) -> None:
    row = stored(PREFIXED) | {"format": a.NEWER, "body": {"on": on}}
    assert starts_on(row) == types
    with pytest.raises(NewerFormat):
        from_row(row)
    assert starts_on(row | {"body": {"on": on, "active": False}}) == []
