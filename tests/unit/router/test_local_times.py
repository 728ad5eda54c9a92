"""The instant of a wall-clock time, at each kind of clock change; all others: `make test-zones`."""

from __future__ import annotations

import pytest

from shared.deciding.local_times import instant_of_local
from shared.deciding.zones import zone_for, zone_of
from shared.model.channels import Channel
from shared.model.expansion import Request, expand
from shared.model.local_times import LocalTime
from shared.model.quiet_windows import QuietHours, Window
from shared.model.recipients import Recipient
from shared.model.timestamps import parse_rfc3339
from tests.support import samples as a
from tests.zones.scan import places

HOURS = (Window(start="22:00", until="07:00"),)


@pytest.mark.parametrize(
    ("zone", "date", "time", "instant"),
    [
        ("UTC", "2026-12-01", "09:00", "2026-12-01T09:00:00Z"),
        ("Europe/Berlin", "2026-12-01", "09:00", "2026-12-01T09:00:00+01:00"),
        ("Europe/Berlin", "2026-07-01", "09:00", "2026-07-01T09:00:00+02:00"),
        ("Europe/Berlin", "2026-03-29", "02:00", "2026-03-29T03:00:00+02:00"),
        ("Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T03:00:00+02:00"),
        ("Europe/Berlin", "2026-03-29", "03:00", "2026-03-29T03:00:00+02:00"),
        ("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T02:30:00+02:00"),
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-04T02:30:00+11:00"),
        ("America/Havana", "2026-03-08", "00:30", "2026-03-08T01:00:00-04:00"),
        ("Pacific/Apia", "2011-12-30", "12:00", "2011-12-31T00:00:00+14:00"),
        ("Pacific/Kiritimati", "2026-12-01", "09:00", "2026-12-01T09:00:00+14:00"),
        ("Etc/GMT+12", "2026-12-01", "09:00", "2026-12-01T09:00:00-12:00"),
    ],
)
def test_the_first_instant_that_shows_it_or_the_first_after_the_gap(
    zone: str, date: str, time: str, instant: str
) -> None:
    assert instant_of_local(LocalTime(date=date, time=time), zone) == parse_rfc3339(instant)


def test_no_zone_is_before_the_earliest_or_after_the_latest() -> None:
    local = LocalTime(date="2026-12-01", time="09:00")
    instants = {instant_of_local(local, zone) for zone in places()}
    assert min(instants) == local.earliest
    assert max(instants) == local.latest


def test_it_lives_as_long_as_its_workflow_says_from_when_the_last_zone_showed_it() -> None:
    local = LocalTime(date="2026-01-07", time="09:00")
    asked = Request(
        tenant="acme", event_id="e", event_type="t", recipients=(Recipient(id="ada"),), data=b"{}", accepted_at=a.NOON,
        deliver_local=local,
    )  # fmt: skip
    (made,) = expand(asked, a.workflow())
    assert (made.deliver_local, made.deliver_at, made.format) == (local, None, 2)
    assert made.expires_at == parse_rfc3339("2026-01-08T09:00:00-12:00")


def test_the_zone_of_a_user() -> None:
    assert zone_of(a.profile(zone="Asia/Tokyo"), "Europe/Berlin") == "Asia/Tokyo"
    assert zone_of(None, "Europe/Berlin") == "Europe/Berlin"
    assert zone_of(a.profile()) == zone_of(None) == "UTC"


def test_the_zone_of_quiet_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    profile = a.profile(zone="Asia/Tokyo", devices=({"token": "t"}, {"zone": "Mars/Base"}, {"zone": "Europe/Paris"}))
    own = a.profile(zone="Asia/Tokyo", quiet_hours=QuietHours(windows=HOURS, zone="America/Lima"))
    assert zone_for(profile, Channel.EMAIL) == zone_for(profile, Channel.IN_APP) == "Asia/Tokyo"
    assert zone_for(own, Channel.EMAIL) == "America/Lima"
    assert zone_for(a.profile(), Channel.EMAIL) == "UTC"
    monkeypatch.setattr("shared.deciding.zones.DEVICE", "email")  # until there is a channel to devices
    assert zone_for(profile, Channel.EMAIL) == "Europe/Paris"
    assert zone_for(own, Channel.EMAIL) == "America/Lima"
