"""Devices that push messages reach: what a profile says of each, and the address that it comes to."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from shared.model import ids
from shared.model.addresses import AddressKind, check_webhook
from shared.model.errors import InvalidProfile
from shared.model.profiles import Profile

MAX_DEVICES: Final = 20
"""Of one profile."""
MAX_DEVICE_FIELDS: Final = 10
MAX_ADDRESS: Final = 4096
POINT_BYTES: Final = 65
"""An uncompressed point of P-256 (RFC 8291)."""
AUTH_BYTES: Final = 16
DEFAULT_ENDPOINT: Final = "default"
"""The endpoint of a channel that reaches one place."""
_TOKENS: Final = {"fcm": re.compile(r"[A-Za-z0-9_:.%-]{8,4000}"), "apns": re.compile(r"[0-9a-fA-F]{64,200}")}


class Platform(StrEnum):
    """Who carries a push message to a device."""

    FCM = "fcm"
    APNS = "apns"
    WEBPUSH = "webpush"


class WebPushSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """What a browser's `PushSubscription.toJSON()` says, flat; the keys are base64url without padding."""

    endpoint: str
    p256dh: str
    auth: str


class DeviceAddress(NamedTuple):
    """One device: `endpoint` stands for it in the ids of deliveries, and holds nothing of its token."""

    endpoint: str
    address: str


def platform_of(address: str) -> tuple[Platform, str] | None:
    """The platform of an address, and the rest of it; None for what is none."""
    name, colon, rest = address.partition(":")
    try:
        return (Platform(name), rest) if colon else None
    except ValueError:
        return None


def subscription_of(rest: str) -> WebPushSubscription:
    """The subscription of a Web Push address. Raises msgspec.MsgspecError or UnicodeEncodeError for what is none."""
    return msgspec.json.decode(rest, type=WebPushSubscription)


def check_device(value: str, pointer: str) -> str:
    """`fcm:TOKEN`, `apns:TOKEN` or `webpush:{"endpoint", "p256dh", "auth"}`, as it is stored. Raises InvalidProfile."""
    found = platform_of(value) if len(value) <= MAX_ADDRESS else None
    if found is not None:
        platform, rest = found
        if platform is Platform.WEBPUSH:
            return _checked_subscription(rest, pointer)
        if _TOKENS[platform].fullmatch(rest):
            return value
    raise InvalidProfile(
        "invalid_device", 'write fcm:TOKEN, apns:TOKEN or webpush:{"endpoint": …, "p256dh": …, "auth": …}', pointer
    )


def _checked_subscription(rest: str, pointer: str) -> str:
    try:
        found = subscription_of(rest)
        endpoint = check_webhook(found.endpoint, pointer)
        right = _length(found.p256dh) == POINT_BYTES and _length(found.auth) == AUTH_BYTES
    except (msgspec.MsgspecError, InvalidProfile):
        endpoint, right = "", False
    if not right or not endpoint.startswith("https://"):
        raise InvalidProfile(
            "invalid_device",
            "a Web Push subscription has an https endpoint, p256dh of 65 bytes and auth of 16, both in base64url",
            pointer,
        )
    return f"{Platform.WEBPUSH}:{msgspec.json.encode(found).decode()}"


def _length(text: str) -> int:
    try:
        return len(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (NotBase64, ValueError):
        return 0


DEVICE: Final = AddressKind(
    name="device",
    check=check_device,
    schema={"type": "string", "maxLength": MAX_ADDRESS, "pattern": "^(fcm|apns|webpush):"},
    example="fcm:dGVzdA:APA91bExampleToken",
)


def address_of(device: Mapping[str, str]) -> str | None:
    """The address of an entry of a profile's `devices`; None for one that push does not reach.

    `{"platform": "fcm", "token": …}`, `{"platform": "apns", "token": …}`, or `{"platform": "webpush", "endpoint": …,
    "p256dh": …, "auth": …}`; what else is in it is the app's own.
    """
    platform = device.get("platform")
    if platform == Platform.WEBPUSH:
        parts = {name: device.get(name, "") for name in WebPushSubscription.__struct_fields__}
        rest = msgspec.json.encode(WebPushSubscription(**parts)).decode()
    else:
        rest = device.get("token", "")
    try:
        return check_device(f"{platform}:{rest}", "")
    except (InvalidProfile, UnicodeEncodeError):
        return None


def device_id(device: Mapping[str, str]) -> str:
    """What an entry of a profile's `devices` is called: by what it reaches, else by all that stands in it."""
    address = address_of(device)
    return (
        _id_of(address)
        if address
        else ids.derive("device", *(text for pair in sorted(device.items()) for text in pair))
    )


def device_ids(devices: Iterable[Mapping[str, str]]) -> list[str]:
    """What profiles are found by through their devices: those that push reaches. An index of these holds no token."""
    return [_id_of(address) for address in filter(None, map(address_of, devices))]


def _id_of(address: str) -> str:
    return ids.derive("device", address)


def devices_of(profile: Profile) -> list[DeviceAddress]:
    """The devices that push reaches, each once, in the order of the profile."""
    found: dict[str, DeviceAddress] = {}
    if (given := profile.addresses.get(DEVICE.name)) is not None:
        found[given] = DeviceAddress(DEFAULT_ENDPOINT, given)
    for each in profile.devices:
        address = address_of(each)
        if address is not None:
            found.setdefault(address, DeviceAddress(_id_of(address), address))
    return list(found.values())
