"""What `/readyz` says: every check at once, and why one is not in order."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from shared.model.errors import SchemaOutdated
from shared.process import runtime as running
from shared.process.runtime import Check, Runtime


def serving(**checks: Check) -> Runtime:
    return Runtime(service="delivery", checks=checks, started=True)


async def fine() -> bool:
    return True


async def test_checks_are_asked_at_once_so_that_those_that_wait_do_not_add_up() -> None:
    """Each waits for the other: one after the other, none would answer."""
    both = asyncio.Barrier(2)

    async def waiting() -> bool:
        await both.wait()
        return True

    assert await serving(one=waiting, two=waiting).health() == {"serving": True, "one": True, "two": True}


async def test_a_check_that_fails_says_why_in_words_of_ours_or_by_its_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "CHECK_SECONDS", 0.01)

    async def hanging() -> bool:
        await asyncio.Event().wait()
        return True

    async def old() -> bool:
        raise SchemaOutdated("the database carillon has no schema, this release needs 3")

    async def foreign() -> bool:
        raise ConnectionError("mongodb://user:password@db")

    assert await serving(mongodb=hanging, schema=old, other=foreign).health() == {
        "serving": True,
        "mongodb": "no answer within 0.01 s",
        "schema": "the database carillon has no schema, this release needs 3",
        "other": "ConnectionError",
    }


async def test_ready_is_said_when_all_is_in_order_and_not_while_a_check_says_why_it_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(running, "READY_EVERY", 0)
    answers: list[bool | str] = ["it is not in its group yet", False, "2 records behind", True]

    async def joining() -> bool | str:
        return answers.pop(0)

    with capture_logs() as logs:
        await running._say_ready(serving(reading=joining))
    assert [entry["event"] for entry in logs] == ["ready"]
    assert answers == []


async def test_the_metric_says_the_same_and_forgets_checks_that_are_over() -> None:
    async def standing() -> str:
        return "it is 12 records behind"

    runtime = serving(mongodb=fine, statuses=standing, schema=fine)
    await runtime.health()
    del runtime.checks["schema"]
    await runtime.health()
    seen = {
        name: REGISTRY.get_sample_value("carillon_check_ok", {"check": name}) for name in (*runtime.checks, "schema")
    }
    assert seen == {"mongodb": 1, "statuses": 0, "schema": None}
