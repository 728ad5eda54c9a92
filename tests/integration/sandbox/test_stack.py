"""The local stack as its user meets it: two who start it at once, a start during a stop, a folder that is moved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.stack import Phase, load
from sandbox.supervision import look, supervisor_pid
from tests.support.local_stack import DOWN, LocalStack, ended, local_stack
from tests.support.wait import until

UP, STATUS = ("up", "--bare"), ("status",)
RUNS, WAITS, NOTHING_RUNS = 0, 1, 3


async def phase(stack: LocalStack, wanted: Phase) -> None:
    async def there() -> bool:
        return look(stack.state).phase is wanted

    await until(there, what=wanted)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[LocalStack]:
    with local_stack(tmp_path / "state") as local:
        yield local


async def test_who_starts_it_while_another_does_waits_and_both_have_it(stack: LocalStack) -> None:
    assert stack.run(STATUS)[0] == NOTHING_RUNS
    first, second = stack.begin(UP), stack.begin(UP)
    await phase(stack, Phase.STARTING)
    answers = [stack.run(STATUS)[0]]
    while answers[-1] == WAITS:
        answers.append(stack.run(STATUS)[0])
    assert (answers[-1], look(stack.state).phase) == (RUNS, Phase.RUNNING)
    assert len(answers) > 1, "it was asked while it was starting"
    for code, told in (ended(first), ended(second)):
        assert code == 0, told
        assert "Carillon runs" in told
    assert stack.run(STATUS)[0] == RUNS
    assert stack.run(DOWN)[0] == 0
    assert stack.run(STATUS)[0] == NOTHING_RUNS


async def test_what_is_being_stopped_is_started_again_afterwards(stack: LocalStack) -> None:
    assert stack.run(UP)[0] == 0
    before = supervisor_pid(stack.state)
    down = stack.begin(DOWN)
    await phase(stack, Phase.STOPPING)
    code, told = stack.run(UP)
    assert (code, "Carillon runs" in told) == (0, True), told
    assert ended(down)[0] == 0
    assert supervisor_pid(stack.state) not in (None, before)
    assert stack.run(STATUS)[0] == RUNS


async def test_a_stack_whose_folder_is_moved_away_stops_and_is_found_until_then(stack: LocalStack) -> None:
    assert stack.run(UP)[0] == 0
    pid = supervisor_pid(stack.state)
    moved = stack.state.rename(stack.state.parent / "moved")
    assert supervisor_pid(stack.state) == pid
    code, told = stack.run(DOWN)
    assert code == 0, told
    assert supervisor_pid(stack.state) is None
    assert not stack.state.exists(), "nothing is written where it was"
    left = load(moved)
    assert left is not None
    assert (left.phase, left.pids) == (Phase.STOPPED, {})
    stack.state = moved
    assert stack.run(UP)[0] == 0
