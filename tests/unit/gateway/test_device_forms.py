"""What an app may register as its user's device, and what becomes of the profile."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.gateway.devices.form import DeviceForm, entry_of, show_device, with_device, without_device
from shared.model.devices import MAX_DEVICES, device_id, device_ids, devices_of
from shared.model.errors import InvalidProfile
from shared.model.profiles import Profile

PHONE = {"platform": "fcm", "token": "token-of-phone", "app": "4.2"}
TABLET = {"platform": "apns", "token": "ab" * 32}
BROWSER = {"platform": "webpush", "endpoint": "https://push.example/1", "p256dh": "A" * 87, "auth": "A" * 22}
ODD = {"platform": "pager", "number": "7"}


def profile(*devices: dict[str, str]) -> Profile:
    return Profile(tenant="acme", user="ada", devices=devices)


@pytest.mark.parametrize("body", [PHONE, TABLET, BROWSER, PHONE | {"zone": "Europe/Berlin"}])
def test_what_push_reaches_is_taken_as_it_is(body: dict[str, str]) -> None:
    entry = entry_of(DeviceForm.model_validate(body))
    assert entry == body
    (address,) = devices_of(with_device(profile(), entry))
    assert address.endpoint == device_id(entry) == device_ids([entry])[0]
    shown = show_device(entry).model_dump_json()
    assert not any(body[name] in shown for name in ("token", "endpoint", "p256dh", "auth") if name in body)


@pytest.mark.parametrize(
    "body",
    [
        {"platform": "pager", "token": "token-of-phone"},
        {"token": "token-of-phone"},
        PHONE | {"$set": "x"},
        PHONE | {"n": 7},
        PHONE | {"n": "x" * 4097},
        PHONE | {f"n{number}": "x" for number in range(8)},
        [],
    ],
)
def test_other_bodies_are_refused(body: Any) -> None:
    with pytest.raises(ValidationError):
        DeviceForm.model_validate(body)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"platform": "fcm"}, "/token"),
        ({"platform": "fcm", "token": "short"}, "/token"),
        (TABLET | {"token": "xy" * 32}, "/token"),
        (BROWSER | {"auth": "A"}, "/endpoint"),
        (BROWSER | {"endpoint": "http://push.example/1"}, "/endpoint"),
    ],
)
def test_what_push_cannot_reach_is_refused_and_not_repeated(body: dict[str, str], pointer: str) -> None:
    with pytest.raises(InvalidProfile) as refused:
        entry_of(DeviceForm.model_validate(body))
    assert (refused.value.code, refused.value.pointer) == ("invalid_device", pointer)
    assert body.get("token", "?") not in refused.value.detail


def test_the_same_token_takes_the_place_of_what_it_was() -> None:
    before = profile(PHONE, TABLET, PHONE | {"app": "again"})
    after = with_device(before, PHONE | {"app": "5.0"})
    assert after.devices == (PHONE | {"app": "5.0"}, TABLET)


def test_there_are_so_many_and_no_more() -> None:
    full = profile(*(PHONE | {"token": f"token-{number:04}"} for number in range(MAX_DEVICES)))
    with pytest.raises(InvalidProfile) as refused:
        with_device(full, TABLET)
    assert refused.value.code == "too_many_devices"
    changed = with_device(full, full.devices[3] | {"app": "5.0"})
    assert len(changed.devices) == MAX_DEVICES
    assert with_device(without_device(full, device_id(full.devices[0])), TABLET).devices[-1] == TABLET


@given(st.permutations([PHONE, TABLET, BROWSER, ODD]), st.sampled_from([PHONE, TABLET, BROWSER, ODD]))
def test_one_that_is_removed_leaves_and_the_others_stay(devices: list[dict[str, str]], gone: dict[str, str]) -> None:
    after = without_device(profile(*devices), device_id(gone))
    assert after.devices == tuple(each for each in devices if each != gone)
    assert without_device(after, device_id(gone)) == after
