from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from services.gateway.readiness import GraceCheck


class Dependency:
    """It answers, does not, or fails."""

    def __init__(self) -> None:
        self.now = 100.0
        self.answer: bool | Exception = True
        self.check = GraceCheck("mongodb", self.ask, grace_seconds=60, clock=lambda: self.now)

    async def ask(self) -> bool:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("fault", [False, ConnectionError("an election")])
async def test_an_election_does_not_make_it_unready_but_a_long_outage_does(fault):
    dependency = Dependency()
    assert await dependency.check.ready() is True
    dependency.answer = fault
    for seconds in (0, 10, 49.9):
        dependency.now = 100 + seconds
        assert await dependency.check.ready() is True
        assert not await dependency.check.answers()
    dependency.now = 161
    assert await dependency.check.ready() == "no answer for 61 s"
    dependency.answer = True
    assert await dependency.check.ready() is True
    dependency.answer = fault
    dependency.now = 200
    assert await dependency.check.ready() is True


async def test_an_outage_and_its_end_are_logged_once_each():
    dependency = Dependency()
    with capture_logs() as logs:
        for answer in (True, False, False, False, True, True):
            dependency.answer = answer
            await dependency.check.ready()
    assert [(entry["event"], entry["name"]) for entry in logs] == [
        ("dependency_unavailable", "mongodb"),
        ("dependency_answers", "mongodb"),
    ]


async def test_a_check_that_hangs_does_not_answer(monkeypatch):
    monkeypatch.setattr("services.gateway.readiness.CHECK_SECONDS", 0.01)

    async def hang() -> bool:
        await asyncio.Event().wait()
        return True

    check = GraceCheck("kafka", hang, grace_seconds=60)
    assert not await check.answers()
    assert await check.ready()
