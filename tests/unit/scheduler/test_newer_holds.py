"""Holds that only a newer scheduler can release are shown, and cost a look now and then."""

from __future__ import annotations

import msgspec
from structlog.testing import capture_logs

from services.scheduler.newer_holds import NewerHolds
from shared.model import formats
from shared.model.holds import Cause, Hold
from shared.model.records import notify
from shared.process.metrics import HOLDS_AS_TOPIC, NEWER_RECORDS
from tests.support import samples as a
from tests.support.twins.holds import MemoryHolds


async def test_they_are_counted_logged_once_and_shown(monkeypatch) -> None:
    monkeypatch.setattr("services.scheduler.newer_holds.LOOK_SECONDS", 0)
    holds = MemoryHolds()
    newer = NewerHolds(holds)
    await newer.look()
    assert await newer.check() is True
    record = msgspec.structs.replace(notify(a.notification()), format=a.NEWER)
    await holds.insert([Hold(cause=Cause.SCHEDULED, due=a.NOON, record=record)])
    with capture_logs() as logs:
        await newer.look()
        await newer.look()
    assert [entry["event"] for entry in logs] == ["newer_holds"]
    assert await newer.check() == f"1 due holds wait for a newer version ({formats.FORMAT} is read here)"
    assert NEWER_RECORDS.labels(HOLDS_AS_TOPIC)._value.get() == 1
    holds.rows.clear()
    await newer.look()
    assert await newer.check() is True


async def test_between_two_looks_nobody_asks() -> None:
    holds = MemoryHolds()
    newer = NewerHolds(holds)
    await newer.look()
    holds.outages.add()
    await newer.look()
    assert not holds.outages.met
