"""Who has a state folder, and how far its stack is."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from carillon.cli import app
from sandbox.ports import Ports
from sandbox.stack import Phase, Stack, UnreadableStack, load, new_stack, save
from sandbox.supervision import look, sole_supervisor

STACK = new_stack(Ports())
MINE = replace(STACK, supervisor=os.getpid())
COMMANDS = [["up"], ["down"], ["status"], ["logs"], ["doctor"]]


@pytest.mark.parametrize(
    ("written", "phase"),
    [
        (None, Phase.STARTING),
        (replace(STACK, phase=Phase.RUNNING, supervisor=1), Phase.STARTING),
        (replace(STACK, phase=Phase.STOPPED, supervisor=1), Phase.STARTING),
        (replace(MINE, phase=Phase.STARTING), Phase.STARTING),
        (replace(MINE, phase=Phase.RUNNING), Phase.RUNNING),
        (replace(MINE, phase=Phase.STOPPING), Phase.STOPPING),
        (replace(MINE, phase=Phase.STOPPED), Phase.STOPPING),
    ],
)
def test_what_is_written_counts_while_who_wrote_it_has_the_folder(
    tmp_path: Path, written: Stack | None, phase: Phase
) -> None:
    with sole_supervisor(tmp_path):
        if written is not None:
            save(written, tmp_path)
        assert look(tmp_path) == (phase, os.getpid(), written)
    assert look(tmp_path) == (Phase.STOPPED, None, written)


def test_a_supervisor_knows_where_its_folder_is(tmp_path: Path) -> None:
    state, moved = tmp_path / "state", tmp_path / "moved"
    with sole_supervisor(state) as held:
        assert held.place() == held.state == state
        state.rename(moved)
        assert held.place() == moved
        shutil.rmtree(moved)
        assert held.place() is None


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_state_folder_that_is_a_file_is_said(tmp_path: Path, command: list[str]) -> None:
    file = tmp_path / "file"
    file.touch()
    for state in (file, file / "below"):
        result = CliRunner().invoke(app, [*command, "--state", str(state)], env={"COLUMNS": "300"})
        assert result.exit_code == 2
        assert "is a file, not a folder" in result.stderr


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"phase": "asleep"}', b"\xff"])
def test_a_stack_that_cannot_be_read_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "stack.json").write_bytes(content)
    with pytest.raises(UnreadableStack, match=r"stack.json cannot be read: (?s:.*)Move it away"):
        load(tmp_path)
    for command in ("up", "status", "token ana"):
        result = CliRunner().invoke(app, [*command.split(), "--state", str(tmp_path)])
        assert result.exit_code == 1
        assert "Move it away" in result.stderr
