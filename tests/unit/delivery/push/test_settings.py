"""A platform is set up as a whole, or not at all; what is missing or wrong is said at start, and no key with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from sandbox.sink.push_keys import FCM_SERVICE_ACCOUNT, VAPID_KEY
from services.delivery.channels.push.settings import PushSettings
from shared.model.devices import Platform


def pem(curve: ec.EllipticCurve) -> str:
    key = ec.generate_private_key(curve)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


P256 = pem(ec.SECP256R1())
APNS = {"apns_key": P256, "apns_key_id": "ABCDEFGHIJ", "apns_team_id": "KLMNOPQRST", "apns_topic": "com.example.app"}
WEB = {"webpush_private_key": VAPID_KEY, "webpush_subject": "mailto:ops@example.com"}
FCM = {"fcm_service_account": FCM_SERVICE_ACCOUNT}


def has(**given: Any) -> set[Platform]:
    settings = PushSettings(**given)
    return {platform for platform in Platform if settings.has(platform)}


def test_each_platform_is_set_up_by_its_own_settings() -> None:
    assert has() == set()
    assert has(**FCM) == {Platform.FCM}
    assert has(**APNS, **WEB) == {Platform.APNS, Platform.WEBPUSH}
    assert has(webpush_private_key=P256, webpush_subject="https://example.com/contact") == {Platform.WEBPUSH}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"fcm_project": "shop"}, "fcm needs CARILLON_FCM_SERVICE_ACCOUNT"),
        (APNS | {"apns_key_id": "", "apns_topic": ""}, "apns needs CARILLON_APNS_KEY_ID, CARILLON_APNS_TOPIC"),
        (
            {"apns_topic": "com.example.app"},
            "apns needs CARILLON_APNS_KEY, CARILLON_APNS_KEY_ID, CARILLON_APNS_TEAM_ID",
        ),
        ({"webpush_private_key": VAPID_KEY}, "webpush needs CARILLON_WEBPUSH_SUBJECT"),
        ({"fcm_service_account": "{}"}, "CARILLON_FCM_SERVICE_ACCOUNT: it is not the JSON of a service account's key"),
        ({"fcm_service_account": "["}, "CARILLON_FCM_SERVICE_ACCOUNT: it is not"),
        ({"fcm_service_account": '{"client_email":"a","project_id":"b","private_key":"c"}'}, "it is not the JSON"),
        (APNS | {"apns_key": VAPID_KEY}, "CARILLON_APNS_KEY: it is not the text of a .p8 file"),
        (APNS | {"apns_key": pem(ec.SECP384R1())}, "CARILLON_APNS_KEY: it is not"),
        (WEB | {"webpush_private_key": "AAAA"}, "CARILLON_WEBPUSH_PRIVATE_KEY: it is no VAPID key"),
        (WEB | {"webpush_private_key": "ü"}, "CARILLON_WEBPUSH_PRIVATE_KEY: it is no VAPID key"),
        (WEB | {"webpush_private_key": pem(ec.SECP384R1())}, "CARILLON_WEBPUSH_PRIVATE_KEY: it is no VAPID key"),
        (WEB | {"webpush_subject": "ops@example.com"}, "webpush_subject"),
        ({"webpush_allow": "10.0.0.0/99"}, "webpush_allow"),
        ({"apns_key": "/nowhere/key.p8"}, "the file /nowhere/key.p8 cannot be read"),
        ({"apns_ca_file": "/nowhere/ca.pem"}, "/nowhere/ca.pem is no file"),
    ],
)
def test_what_is_missing_or_wrong_is_said(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as refused:
        PushSettings(**given)
    said = "\n".join(f"{each['loc']} {each['msg']}" for each in refused.value.errors())
    assert says in said
    assert not any(secret in said for secret in (VAPID_KEY, P256.splitlines()[1]))


def test_a_key_may_be_in_a_file(tmp_path: Path) -> None:
    for name, text in (("account.json", FCM_SERVICE_ACCOUNT), ("key.p8", P256 + "\n"), ("vapid", VAPID_KEY + "\n")):
        (tmp_path / name).write_text(text)
    given = (
        APNS
        | WEB
        | {
            "fcm_service_account": str(tmp_path / "account.json"),
            "apns_key": str(tmp_path / "key.p8"),
            "webpush_private_key": str(tmp_path / "vapid"),
        }
    )
    assert has(**given) == set(Platform)


def test_the_environment_says_where_apns_is() -> None:
    assert PushSettings(**APNS).apns_server == "https://api.push.apple.com"
    assert PushSettings(**APNS, apns_environment="sandbox").apns_server == "https://api.sandbox.push.apple.com"
    assert PushSettings(**APNS, apns_url="https://localhost:1").apns_server == "https://localhost:1"
