"""All that a user may choose: left out it stays, null takes it back, and what makes no sense is refused where it stands."""

from __future__ import annotations

from typing import Any

import pytest

from services.gateway.core.limits import MAX_PREFERENCE_ENTRIES
from services.gateway.preferences.form import PreferencesForm, change
from services.gateway.preferences.whole import WholePreferences, change_whole, muted, show_mute, show_whole
from shared.model.errors import InvalidProfile
from shared.model.profiles import DigestFrequency, Preferences, Profile
from tests.support import samples as a

CHOSEN = Profile(
    tenant="acme", user="ada", quiet_hours=a.NIGHTS, mute_until=a.NIGHT,
    preferences=Preferences(
        categories={"news": False, "chat": True}, workflows={"order.shipped": False},
        channel_types={"email": False}, digests={"*": DigestFrequency.DAILY},
    ),
)  # fmt: skip


def changed(profile: Profile, **fields: Any) -> Profile:
    return change_whole(profile, WholePreferences.model_validate(fields), a.NOON)


def test_what_is_shown_can_be_sent_back_and_changes_nothing() -> None:
    shown = show_whole(CHOSEN).model_dump(mode="json", by_alias=True)
    assert shown["mute_until"] == "2026-01-05T23:00:00.000Z"
    assert shown["quiet_hours"]["windows"][0]["from"] == "22:00"
    assert changed(CHOSEN, **shown) == CHOSEN
    empty = Profile(tenant="acme", user="eve")
    assert changed(empty, **show_whole(empty).model_dump(mode="json", by_alias=True)) == empty


def test_what_is_left_out_stays_and_null_takes_it_back() -> None:
    assert changed(CHOSEN) == CHOSEN
    after = changed(
        CHOSEN, categories={"news": None, "Hausmitteilungen am Ort": False}, digests={"*": None, "a.b": "weekly"}
    )
    assert after.preferences.categories == {"chat": True, "Hausmitteilungen am Ort": False}
    assert after.preferences.digests == {"a.b": "weekly"}
    assert (after.preferences.workflows, after.quiet_hours) == (CHOSEN.preferences.workflows, a.NIGHTS)
    without = changed(CHOSEN, quiet_hours=None, mute_until=None)
    assert (without.quiet_hours, without.mute_until) == (None, None)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"categories": {"a/b": False}}, "/categories/a~1b"),
        ({"categories": {"$where": False}}, "/categories/$where"),
        ({"workflows": {"": False}}, "/workflows/"),
        ({"channel_types": {"emial": False}}, "/channel_types/emial"),
        ({"workflows": {f"w{number}": False for number in range(MAX_PREFERENCE_ENTRIES)}}, "/workflows"),
        ({"quiet_hours": {"windows": [{"from": "22", "until": "07:00"}]}}, "/quiet_hours/windows/0/from"),
        ({"quiet_hours": {"windows": [{"from": "22:00", "until": "22:00"}]}}, "/quiet_hours/windows/0/until"),
        ({"quiet_hours": {"windows": [], "zone": "Mars"}}, "/quiet_hours/zone"),
        ({"mute_until": "tomorrow"}, "/mute_until"),
        ({"mute_until": "2027-01-06T12:00:00.001Z"}, "/mute_until"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(fields: Any, pointer: str) -> None:
    with pytest.raises(InvalidProfile) as refused:
        changed(CHOSEN, **fields)
    assert refused.value.pointer == pointer


def test_a_channel_that_is_stored_is_no_new_mistake() -> None:
    stored = Profile(tenant="acme", user="ada", preferences=Preferences(channel_types={"fax": False}))
    assert changed(stored, channel_types={"fax": None}).preferences.channel_types == {}


def test_a_mute_ends_at_most_366_days_ahead_and_null_ends_it_now() -> None:
    far = muted(CHOSEN, "2027-01-06T13:00:00+01:00", a.NOON)
    assert show_mute(far).until == "2027-01-06T12:00:00.000Z"
    assert show_mute(muted(far, None, a.NOON)).until is None
    assert muted(CHOSEN, "2020-01-01T00:00:00Z", a.NOON).mute_until is not None, "over already: no harm"


def test_the_form_of_chat_clients_takes_nothing_of_the_rest() -> None:
    after = change(CHOSEN, PreferencesForm(email_notifications=True), {})
    assert (after.preferences.digests, after.preferences.categories) == ({"*": "daily"}, CHOSEN.preferences.categories)
    assert after.mute_until == a.NIGHT
