"""Profiles, quiet hours as they are checked, preferences."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from bson import DBRef

from shared.model.channels import Channel
from shared.model.errors import InvalidProfile
from shared.model.formats import NewerFormat
from shared.model.preferences import channel_refusal, notification_refusal
from shared.model.profiles import DigestFrequency, Preferences, Profile, format_of, from_document, readable_part
from shared.model.quiet_windows import QuietHours, Window, check_quiet_hours, check_zone, clock_minutes
from shared.model.reasons import Reason
from tests.support import samples as a


@pytest.mark.parametrize(("text", "minutes"), [("00:00", 0), ("07:30", 450), ("23:59", 1439), ("24:00", 1440)])
def test_clock(text: str, minutes: int) -> None:
    assert clock_minutes(text) == minutes


@pytest.mark.parametrize(
    "text", ["", "7:00", "24:01", "25:00", "12:60", "12.00", "12:00:00", "-1:00", " 12:00", "12:00\n"]
)
def test_no_clock(text: str) -> None:
    with pytest.raises(InvalidProfile):
        clock_minutes(text)


def hours(*windows: tuple[Any, ...], zone: str | None = None) -> QuietHours:
    made = [Window(start=w[0], until=w[1], **({"days": w[2]} if len(w) > 2 else {})) for w in windows]
    return QuietHours(windows=tuple(made), zone=zone)


@pytest.mark.parametrize(
    ("quiet", "code", "pointer"),
    [
        (hours(("22:00", "22:00")), "empty_window", "/quiet_hours/windows/0/until"),
        (hours(("24:00", "07:00")), "invalid_time", "/quiet_hours/windows/0/from"),
        (hours(("22:00", "7")), "invalid_time", None),
        (hours(("22:00", "07:00"), ("01:00", "02:00", ("Mon",))), "invalid_day", "/quiet_hours/windows/1/days"),
        (hours(("00:00", "24:00")), "always_quiet", "/quiet_hours/windows"),
        (hours(("22:00", "07:00"), ("07:00", "22:00")), "always_quiet", "/quiet_hours/windows"),
        (hours(("22:00", "07:00"), zone="Europe/Nowhere"), "unknown_zone", "/quiet_hours/zone"),
        (hours(("22:00", "07:00"), zone="../etc/passwd"), "unknown_zone", "/quiet_hours/zone"),
    ],
)
def test_hours_that_make_no_sense(quiet: QuietHours, code: str, pointer: str | None) -> None:
    with pytest.raises(InvalidProfile) as refused:
        check_quiet_hours(quiet)
    assert (refused.value.code, refused.value.pointer) == (code, pointer)


@pytest.mark.parametrize(
    "quiet",
    [
        hours(),
        hours(("22:00", "07:00")),
        hours(("00:00", "24:00", ("sat", "sun"))),
        hours(("07:01", "07:00"), zone="Asia/Kathmandu"),
    ],
)
def test_hours_that_do(quiet: QuietHours) -> None:
    check_quiet_hours(quiet)


def test_zones() -> None:
    check_zone("Europe/Berlin")
    for name in ("", "Berlin", "europe/berlin", "/etc/localtime", "localtime", "Factory", "posixrules"):
        with pytest.raises(InvalidProfile):
            check_zone(name)


def test_a_zone_that_an_earlier_version_took_can_still_be_read() -> None:
    assert from_document({"tenant": "acme", "user": "ada", "zone": "Factory"}).zone == "Factory"


def test_a_document_with_more_than_we_know() -> None:
    stored = {"_id": "acme:ada", "tenant": "acme", "user": "ada", "version": 3, "updated_at": None, "quiet_hours": {
        "windows": [{"from": "22:00", "until": "07:00", "days": ["mon"]}], "new": 1}}  # fmt: skip
    assert from_document(stored) == Profile(
        tenant="acme",
        user="ada",
        version=3,
        quiet_hours=QuietHours(windows=(Window(start="22:00", until="07:00", days=("mon",)),)),
    )


def test_a_device_that_cannot_be_read_costs_only_itself() -> None:
    stored = {"tenant": "acme", "user": "ada", "devices": [DBRef("c", 1), {"token": "t"}], "locale": "de"}
    assert from_document(stored) == Profile(tenant="acme", user="ada", devices=({"token": "t"},), locale="de")


REFUSING = Preferences(categories={"orders": False}, workflows={"order.shipped": False}, channel_types={"email": False})


def test_refusals() -> None:
    workflow = a.workflow()
    assert notification_refusal(Preferences(), workflow) is None
    assert notification_refusal(REFUSING, workflow) is Reason.CATEGORY_OPTED_OUT
    assert notification_refusal(Preferences(workflows={"order.shipped": False}), workflow) is Reason.WORKFLOW_OPTED_OUT
    assert channel_refusal(REFUSING, workflow, Channel.EMAIL) is Reason.CHANNEL_OPTED_OUT
    assert channel_refusal(REFUSING, workflow, Channel.IN_APP) is None


def test_critical_cannot_be_refused() -> None:
    critical = a.workflow(critical=True)
    assert notification_refusal(REFUSING, critical) is None
    assert channel_refusal(REFUSING, critical, Channel.EMAIL) is None


@pytest.mark.parametrize(
    "stored", [{"zone": "America/New_Hope"}, {"quiet_hours": {"windows": [], "zone": "America/New_Hope"}}]
)
def test_a_zone_that_this_machine_does_not_have_yet_waits_for_one_that_has_it(stored: dict[str, object]) -> None:
    """Who stored it knew it: in a roll-out with newer time zones. As no profile it would suppress what is critical."""
    with pytest.raises(NewerFormat, match="time zone America/New_Hope"):
        from_document({"tenant": "acme", "user": "ada", **stored})


@pytest.mark.parametrize("zone", ["../etc/passwd", "nowhere", "", "America/"])
def test_what_is_no_name_of_a_zone_is_nobodys_future(zone: str) -> None:
    with pytest.raises(InvalidProfile):
        from_document({"tenant": "acme", "user": "ada", "zone": zone})


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({}, 1),
        ({"preferences": Preferences(categories={"news": False})}, 1),
        ({"mute_until": 5}, 2),
        ({"preferences": Preferences(digests={"*": DigestFrequency.DAILY})}, 2),
    ],
)
def test_what_an_older_version_would_lose_is_stamped(changes: dict[str, Any], number: int) -> None:
    assert format_of(a.profile(**changes)) == number


def test_of_what_cannot_be_read_the_rest_is_kept_each_preference_on_its_own() -> None:
    broken = {
        **msgspec.to_builtins(a.profile(name="Ada")),
        "zone": "../../etc/passwd",
        "quiet_hours": {"windows": 7},
        "preferences": {"categories": {"news": False, "chat": "no"}, "workflows": 5, "digests": {"*": "yearly"}},
    }
    with pytest.raises((msgspec.ValidationError, InvalidProfile)):
        from_document(broken)
    assert readable_part(broken) == a.profile(name="Ada", preferences=Preferences(categories={"news": False}))
    with pytest.raises(NewerFormat):
        readable_part(broken | {"format": a.NEWER})
    with pytest.raises(msgspec.ValidationError):
        readable_part(broken | {"version": "7"})
