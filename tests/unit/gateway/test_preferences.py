from __future__ import annotations

import pytest
from msgspec.structs import replace

from services.gateway.preferences.form import PreferencesForm, change, show
from shared.model.errors import InvalidProfile
from shared.model.profiles import Preferences, Profile
from shared.model.quiet_windows import QuietHours, Window

TYPES = {"new_message": ["chat.new_message"], "friend_request": ["chat.friend_request", "app.friend_request"]}
ANN = Profile(tenant="default", user="ann")
HOURS = {"enabled": True, "start_time": "22:00", "end_time": "08:00", "timezone": "Europe/Berlin"}


def form(**fields) -> PreferencesForm:
    return PreferencesForm.model_validate(fields)


def test_what_nobody_has_set_is_allowed():
    assert show(ANN, TYPES).model_dump() == {
        "push_notifications": True,
        "email_notifications": True,
        "notification_types": {"new_message": True, "friend_request": True},
        "quiet_hours": {"enabled": False, "start_time": "22:00", "end_time": "08:00", "timezone": "UTC"},
    }


def test_what_is_written_is_shown():
    wanted = form(
        push_notifications=False,
        email_notifications=True,
        notification_types={"new_message": True, "friend_request": False},
        quiet_hours=HOURS,
    )
    profile = change(ANN, wanted, TYPES)
    assert show(profile, TYPES) == wanted
    assert profile.preferences.channel_types == {"push": False, "email": True}
    assert profile.preferences.workflows == {
        "chat.new_message": True,
        "chat.friend_request": False,
        "app.friend_request": False,
    }
    assert profile.quiet_hours == QuietHours(windows=(Window(start="22:00", until="08:00"),), zone="Europe/Berlin")


def test_what_is_left_out_stays():
    full = change(
        ANN, form(email_notifications=False, notification_types={"new_message": False}, quiet_hours=HOURS), TYPES
    )
    assert change(full, form(push_notifications=True), TYPES) == Profile(
        tenant="default",
        user="ann",
        preferences=Preferences(workflows={"chat.new_message": False}, channel_types={"email": False, "push": True}),
        quiet_hours=full.quiet_hours,
    )


def test_several_windows_stay_unless_the_shown_one_is_changed():
    windows = (Window(start="22:00", until="08:00", days=("mon",)), Window(start="12:00", until="13:00"))
    profile = Profile(tenant="default", user="ann", quiet_hours=QuietHours(windows=windows))
    kept = change(profile, form(quiet_hours=HOURS | {"enabled": False}), TYPES)
    assert kept.quiet_hours == QuietHours(windows=windows, enabled=False, zone="Europe/Berlin")
    replaced = change(profile, form(quiet_hours=HOURS | {"start_time": "23:00"}), TYPES)
    assert replaced.quiet_hours is not None
    assert replaced.quiet_hours.windows == (Window(start="23:00", until="08:00"),)


BERLINER = Profile(tenant="default", user="ann", zone="Europe/Berlin")


def test_a_page_that_sends_back_what_it_was_shown_pins_no_zone():
    for profile in (ANN, BERLINER):
        saved = change(profile, show(profile, TYPES), TYPES)
        assert saved.quiet_hours is not None
        assert saved.quiet_hours.zone is None
        moved = replace(saved, zone="America/New_York")
        assert show(moved, TYPES).quiet_hours.timezone == "America/New_York"
        assert change(moved, show(moved, TYPES), TYPES).quiet_hours.zone is None


def test_a_zone_that_is_chosen_is_stored_until_it_is_given_back():
    tokyo = change(BERLINER, form(quiet_hours=HOURS | {"timezone": "Asia/Tokyo"}), TYPES)
    assert tokyo.quiet_hours.zone == "Asia/Tokyo"
    without = {name: value for name, value in HOURS.items() if name != "timezone"}
    assert change(tokyo, form(quiet_hours=without), TYPES).quiet_hours.zone == "Asia/Tokyo"
    assert change(tokyo, show(tokyo, TYPES), TYPES).quiet_hours.zone == "Asia/Tokyo"
    for given_back in ("Europe/Berlin", None):
        assert change(tokyo, form(quiet_hours=HOURS | {"timezone": given_back}), TYPES).quiet_hours.zone is None


@pytest.mark.parametrize(
    "wrong", [{"start_time": "00:00", "end_time": "00:00"}, {"start_time": ""}, {"end_time": "x"}, {"timezone": "Mars"}]
)
def test_what_is_switched_off_is_not_judged_and_the_rest_counts(wrong):
    off = HOURS | {"enabled": False} | wrong
    profile = change(ANN, form(email_notifications=False, quiet_hours=off), TYPES)
    assert profile.preferences.channel_types == {"email": False}
    assert not show(profile, TYPES).quiet_hours.enabled
    before = change(ANN, form(quiet_hours=HOURS), TYPES)
    after = change(before, form(quiet_hours=off), TYPES)
    assert before.quiet_hours is not None
    assert after.quiet_hours == replace(before.quiet_hours, enabled=False)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"notification_types": {"nonsense": True}}, "/notification_types"),
        ({"quiet_hours": HOURS | {"start_time": "25:00"}}, "/quiet_hours/start_time"),
        ({"quiet_hours": HOURS | {"start_time": "24:00"}}, "/quiet_hours/start_time"),
        ({"quiet_hours": HOURS | {"end_time": "8"}}, "/quiet_hours/end_time"),
        ({"quiet_hours": HOURS | {"end_time": "22:00"}}, "/quiet_hours/end_time"),
        ({"quiet_hours": HOURS | {"timezone": "Mars/Base"}}, "/quiet_hours/timezone"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(fields, pointer):
    with pytest.raises(InvalidProfile) as refused:
        change(ANN, form(**fields), TYPES)
    assert refused.value.pointer == pointer
