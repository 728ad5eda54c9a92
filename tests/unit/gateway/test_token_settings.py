"""A gateway that could verify no token does not start."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from services.gateway.settings import GatewaySettings
from shared.process.settings import load

SECRET, URL = "s" * 32, "https://idp.example/keys"


@pytest.mark.parametrize(
    "given",
    [
        {"token_secret": SECRET},
        {"token_jwks_url": URL},
        {"token_secret": SECRET, "token_jwks_url": URL, "token_issuer": "https://idp.example/"},
        {"token_jwks_url": "http://127.0.0.1:8080/keys"},
        {"token_jwks_url": "http://[::1]/keys"},
        {"token_jwks_url": "http://localhost/keys"},
    ],
)
def test_a_secret_or_keys_or_both(given: dict[str, str]) -> None:
    settings = GatewaySettings(**given)
    assert (settings.token_secret is not None, settings.token_jwks_url) == (
        "token_secret" in given,
        given.get("token_jwks_url"),
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "CARILLON_TOKEN_SECRET or CARILLON_TOKEN_JWKS_URL"),
        ({"token_secret": "short"}, "32"),
        ({"token_secret": "", "token_jwks_url": URL}, "32"),
        ({"token_secret": SECRET, "token_issuer": "https://idp.example/"}, "CARILLON_TOKEN_ISSUER"),
        ({"token_jwks_url": "http://idp.example/keys"}, "http is for this machine"),
        ({"token_jwks_url": "http://10.0.0.1/keys"}, "http is for this machine"),
        ({"token_jwks_url": "http://localhost.example/keys"}, "http is for this machine"),
        ({"token_jwks_url": "http://127.0.0.1.example/keys"}, "http is for this machine"),
        ({"token_jwks_url": "https://me:secret@idp.example/keys"}, "no user"),
        ({"token_jwks_url": "file:///etc/passwd"}, "https://"),
        ({"token_jwks_url": "https:///keys"}, "https://"),
        ({"token_jwks_url": "idp.example/keys"}, "https://"),
        ({"token_jwks_url": "https://idp.example:port/keys"}, "no URL"),
    ],
)
def test_anything_else_is_said(given: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        GatewaySettings(**given)


def test_an_empty_secret_beside_keys_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARILLON_TOKEN_SECRET", "")
    monkeypatch.setenv("CARILLON_TOKEN_JWKS_URL", URL)
    assert load(GatewaySettings).token_secret is None
