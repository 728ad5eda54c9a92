"""Devices: what an address of one is, and which of a profile push reaches."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.devices import DEFAULT_ENDPOINT, address_of, check_device, devices_of, platform_of, subscription_of
from shared.model.errors import InvalidProfile
from tests.support import samples as a

POINT = urlsafe_b64encode(b"\x04" + bytes(64)).decode().rstrip("=")
AUTH = urlsafe_b64encode(bytes(16)).decode().rstrip("=")
BROWSER = {"endpoint": "https://push.example.com/s/1", "p256dh": POINT, "auth": AUTH}


def webpush(**changes: Any) -> str:
    return "webpush:" + msgspec.json.encode(BROWSER | changes).decode()


@pytest.mark.parametrize("address", ["fcm:dGVzdA:APA91b_x-y%2Fz.", "apns:" + "a1" * 32, webpush()])
def test_an_address_comes_back_as_it_is_stored(address: str) -> None:
    stored = check_device(address, "/here")
    assert check_device(stored, "/here") == stored
    found = platform_of(stored)
    assert found is not None
    assert found[0] == address.partition(":")[0]


def test_only_what_push_needs_of_a_subscription_is_kept() -> None:
    stored = check_device(webpush(expirationTime=None), "/here")
    found = platform_of(stored)
    assert found is not None
    assert msgspec.to_builtins(subscription_of(found[1])) == BROWSER


@pytest.mark.parametrize(
    "address",
    [
        "", "fcm", "fcm:", "fcm:with space", "gcm:abcdefgh", "apns:" + "a" * 63, "apns:" + "g" * 64, "fcm:" + "a" * 4097,
        "webpush:", "webpush:{}", "webpush:[]", webpush(endpoint="http://push.example.com"), webpush(endpoint=7),
        webpush(p256dh="AAAA"), webpush(auth="!"), webpush(endpoint="https://u:p@push.example.com/"), "apns:\ud800",
    ],
)  # fmt: skip
def test_what_is_none_is_refused(address: str) -> None:
    with pytest.raises(InvalidProfile) as refused:
        check_device(address, "/here")
    assert (refused.value.code, refused.value.pointer) == ("invalid_device", "/here")


@given(
    st.dictionaries(st.sampled_from(["platform", "token", "endpoint", "p256dh", "auth", "id"]), st.text(max_size=99))
)
def test_whatever_an_app_wrote_of_a_device_harms_nobody(device: dict[str, str]) -> None:
    found = address_of(device)
    assert found is None or check_device(found, "") == found


def test_the_devices_of_a_profile_each_once() -> None:
    profile = a.profile(
        addresses={"device": "fcm:first-token"},
        devices=(
            {"platform": "fcm", "token": "first-token"},
            {"platform": "fcm", "token": "second-token", "app": "4.2"},
            {"token": "of-nobody"},
            {"platform": "webpush", **BROWSER},
            {"platform": "fcm", "token": "second-token"},
        ),
    )
    found = devices_of(profile)
    assert [each.address for each in found] == ["fcm:first-token", "fcm:second-token", webpush()]
    assert found[0].endpoint == DEFAULT_ENDPOINT
    assert len({each.endpoint for each in found}) == 3
    assert all(each.address.partition(":")[2] not in each.endpoint for each in found[1:])
