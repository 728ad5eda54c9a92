"""The accounts that the sink's providers have, and the settings of a delivery worker that sends through them."""

from __future__ import annotations

from typing import Final

from sandbox.sink.push_keys import APNS_KEY, APNS_KEY_ID, APNS_TEAM_ID, APNS_TOPIC, FCM_SERVICE_ACCOUNT, VAPID_KEY

TWILIO_SID: Final = "AC" + "0" * 32
TWILIO_TOKEN: Final = "twilio-token-of-the-sink"  # noqa: S105  # it opens nothing else
VONAGE_KEY: Final = "sink"
VONAGE_SECRET: Final = "vonage-secret-of-the-sink"  # noqa: S105  # as above
SENDGRID_KEY: Final = "SG.key-of-the-sink"
WHATSAPP_NUMBER_ID: Final = "100000000000001"
WHATSAPP_TOKEN: Final = "whatsapp-token-of-the-sink"  # noqa: S105  # as above
TELEGRAM_TOKEN: Final = "100000001:telegram-token-of-the-sink"  # noqa: S105  # as above
WHATSAPP_APP_SECRET: Final = "whatsapp-app-secret-of-the-sink"  # noqa: S105  # as above
VONAGE_SIGNATURE_SECRET: Final = "vonage-signature-secret-of-the-sink"  # noqa: S105  # as above
SENDGRID_PRIVATE_NUMBER: Final = 0x5175_0000_CAFE_0000_1111_2222_3333_4444_5555
SENDGRID_PUBLIC_KEY: Final = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEknGhKMFPubEqsM0SlWHpkX0ZUulEoAXmbv7DBd8DkVHAkcumQFULiAjvVgfVwp6Fpii4xQPiDzBv"
    "CLx4bCOalA=="
)


def callback_keys() -> dict[str, str]:
    """The environment variables of an ingest that the sink's providers call back."""
    return {
        "CARILLON_TWILIO_AUTH_TOKEN": TWILIO_TOKEN,
        "CARILLON_VONAGE_SIGNATURE_SECRET": VONAGE_SIGNATURE_SECRET,
        "CARILLON_VONAGE_SIGNATURE_METHOD": "sha256",
        "CARILLON_SENDGRID_PUBLIC_KEY": SENDGRID_PUBLIC_KEY,
        "CARILLON_WHATSAPP_APP_SECRET": WHATSAPP_APP_SECRET,
    }


def provider_settings(url: str) -> dict[str, str]:
    """The environment variables of a worker for which the sink at `url` is every provider."""
    return {
        "CARILLON_SMS_PROVIDERS": "twilio,vonage",
        "CARILLON_TWILIO_URL": f"{url}/twilio",
        "CARILLON_TWILIO_ACCOUNT_SID": TWILIO_SID,
        "CARILLON_TWILIO_AUTH_TOKEN": TWILIO_TOKEN,
        "CARILLON_TWILIO_FROM": "+15005550006",
        "CARILLON_VONAGE_URL": f"{url}/vonage",
        "CARILLON_VONAGE_API_KEY": VONAGE_KEY,
        "CARILLON_VONAGE_API_SECRET": VONAGE_SECRET,
        "CARILLON_VONAGE_FROM": "Carillon",
        "CARILLON_SENDGRID_URL": f"{url}/sendgrid",
        "CARILLON_SENDGRID_API_KEY": SENDGRID_KEY,
        "CARILLON_FCM_SERVICE_ACCOUNT": FCM_SERVICE_ACCOUNT,
        "CARILLON_FCM_URL": f"{url}/fcm",
        "CARILLON_FCM_TOKEN_URL": f"{url}/fcm/token",
        "CARILLON_APNS_KEY": APNS_KEY,
        "CARILLON_APNS_KEY_ID": APNS_KEY_ID,
        "CARILLON_APNS_TEAM_ID": APNS_TEAM_ID,
        "CARILLON_APNS_TOPIC": APNS_TOPIC,
        "CARILLON_APNS_URL": url,
        "CARILLON_WEBPUSH_PRIVATE_KEY": VAPID_KEY,
        "CARILLON_WEBPUSH_SUBJECT": "mailto:carillon@example.com",
        "CARILLON_WHATSAPP_PROVIDERS": "meta",
        "CARILLON_WHATSAPP_URL": f"{url}/meta",
        "CARILLON_WHATSAPP_PHONE_NUMBER_ID": WHATSAPP_NUMBER_ID,
        "CARILLON_WHATSAPP_ACCESS_TOKEN": WHATSAPP_TOKEN,
        "CARILLON_TELEGRAM_PROVIDERS": "telegram",
        "CARILLON_TELEGRAM_URL": f"{url}/telegram",
        "CARILLON_TELEGRAM_TOKEN": TELEGRAM_TOKEN,
    }
