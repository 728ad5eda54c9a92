"""The keys that platforms know us by, read from what an operator was given. Nothing of a key is in an error."""

from __future__ import annotations

import json
from typing import Final, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from google.auth.crypt import RSASigner
from google.auth.exceptions import GoogleAuthError
from py_vapid import Vapid02, VapidException

TOKEN_URL: Final = "https://oauth2.googleapis.com/token"  # noqa: S105  # a URL


class UnusableKey(ValueError):
    """Says what a setting should be."""

    def __init__(self, setting: str, should_be: str) -> None:
        super().__init__(should_be)
        self.setting = setting


class ServiceAccount(NamedTuple):
    """What is needed of the key of a service account of Google's."""

    email: str
    project: str
    token_url: str
    signer: RSASigner


def parse_service_account(text: str) -> ServiceAccount:
    """The JSON that Google's console gives. Raises UnusableKey."""
    try:
        found = json.loads(text)
        return ServiceAccount(
            email=str(found["client_email"]),
            project=str(found["project_id"]),
            token_url=str(found.get("token_uri") or TOKEN_URL),
            signer=RSASigner.from_service_account_info(found),  # type: ignore[no-untyped-call]  # google-auth has no types
        )
    except (ValueError, LookupError, TypeError, AttributeError, GoogleAuthError, UnsupportedAlgorithm):
        raise UnusableKey(
            "fcm_service_account",
            "it is not the JSON of a service account's key, with client_email, project_id and private_key",
        ) from None


def parse_apns_key(text: str) -> EllipticCurvePrivateKey:
    """The PEM of a .p8 file. Raises UnusableKey."""
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise UnusableKey("apns_key", "it is not the text of a .p8 file (PEM, a key of P-256)")
    return key


def parse_vapid_key(text: str) -> Vapid02:
    """32 bytes in base64url, as generators of VAPID keys print, or PEM. Raises UnusableKey."""
    try:
        if text.startswith("-----"):
            key = load_pem_private_key(text.encode(), password=None)
            if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
                return Vapid02(key)
        else:
            return Vapid02.from_string(text)
    except (ValueError, TypeError, UnsupportedAlgorithm, VapidException):
        pass
    raise UnusableKey("webpush_private_key", "it is no VAPID key: 32 bytes in base64url, or PEM of P-256")
