"""A sample of `make test-zones`, and that it would see a difference."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.deciding import quiet_hours
from shared.model.quiet_windows import check_zone
from tests.zones import scan as zones

EVERY_KIND = ("Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca", "America/Havana", "Pacific/Apia")
"""An hour at 02:00, half an hour, Ramadan, at midnight, a day that was skipped."""


@pytest.mark.parametrize("name", EVERY_KIND)
def test_a_few_changes_of_every_kind(name: str) -> None:
    found = zones.changes(name)
    for number, change in enumerate(found[-20:]):
        result = zones.scan(name, change, number)
        assert result.found == ()
        assert result.minutes
        assert result.local_times


def test_a_sample_of_all() -> None:
    some = zones.sample(60, seed=8)
    assert len(some) > 30
    assert zones.counted([zones.scan(*one) for one in some])["differences"] == 0


def test_the_scan_sees_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of somebody who takes the offset of the day's beginning for the whole day."""
    monkeypatch.setattr(
        quiet_hours, "clock_change", lambda _, left, right: right if (right // 86_400_000) % 2 else None
    )
    quiet_hours._intervals.cache_clear()
    change = int(datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp())
    try:
        assert zones.scan("Europe/Berlin", change, 0).found
    finally:
        monkeypatch.undo()
        quiet_hours._intervals.cache_clear()


def test_every_zone_of_the_scan_can_be_a_users() -> None:
    assert len(zones.places()) > 500
    for name in zones.places():
        check_zone(name)
