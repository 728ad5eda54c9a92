"""A worker asks for the settings of the channels it serves, and says everything that is wrong at once."""

from __future__ import annotations

import os
from email.headerregistry import Address
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.delivery.channels.email.settings import EmailSettings, Encryption
from services.delivery.channels.registry import section_of
from services.delivery.channels.webhook.settings import WebhookSettings
from services.delivery.settings import load_delivery
from shared.model.channels import Channel
from tests.unit.delivery.test_email import composed


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().startswith("CARILLON_"):
            monkeypatch.delenv(name)


def test_a_worker_of_email_alone_needs_no_secret_of_webhooks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARILLON_DELIVERY_CHANNELS", "email")
    monkeypatch.setenv("CARILLON_SMTP_HOST", "mail.example.com")
    settings, of_channel = load_delivery(section_of)
    assert settings.delivery_channels == (Channel.EMAIL,)
    assert of_channel == {Channel.EMAIL: EmailSettings(smtp_host="mail.example.com")}


def test_a_worker_of_webhooks_needs_it() -> None:
    with pytest.raises(SystemExit, match="CARILLON_WEBHOOK_SECRET: Field required"):
        load_delivery(section_of)


def test_every_error_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = ["CARILLON_LEASE_SECONDS", "CARILLON_SMTP_PORT", "CARILLON_EMAIL_FROM", "CARILLON_WEBHOOK_TIMEOUT_SECONDS"]
    for name in wrong:
        monkeypatch.setenv(name, "-1")
    with pytest.raises(SystemExit) as ended:
        load_delivery(section_of)
    lines = str(ended.value).splitlines()
    assert [line.partition(":")[0].strip() for line in lines[1:-1]] == [
        "CARILLON_LEASE_SECONDS",
        "CARILLON_SMTP_PORT",
        "CARILLON_EMAIL_FROM",
        "CARILLON_WEBHOOK_SECRET",
        "CARILLON_WEBHOOK_TIMEOUT_SECONDS",
    ]


def test_a_lease_that_would_end_in_mid_send_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARILLON_DELIVERY_CHANNELS", "webhook")
    monkeypatch.setenv("CARILLON_WEBHOOK_SECRET", "w" * 40)
    monkeypatch.setenv("CARILLON_WEBHOOK_TIMEOUT_SECONDS", "10")
    monkeypatch.setenv("CARILLON_LEASE_SECONDS", "20")
    load_delivery(section_of)
    monkeypatch.setenv("CARILLON_LEASE_SECONDS", "19.9")
    with pytest.raises(SystemExit, match=r"CARILLON_LEASE_SECONDS: 19\.9 .*CARILLON_WEBHOOK_TIMEOUT_SECONDS \(10\)"):
        load_delivery(section_of)


def test_a_wrong_channel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARILLON_DELIVERY_CHANNELS", "email,pigeon")
    with pytest.raises(SystemExit, match=r"CARILLON_DELIVERY_CHANNELS: .*in_app.*email.*, not 'pigeon'"):
        load_delivery(section_of)


def test_the_secret_of_a_channel_may_be_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "carillon_webhook_secret").write_text("from a file that ends with a line end\n")
    monkeypatch.setenv("CARILLON_SECRETS_DIR", str(tmp_path))
    section = load_delivery(section_of)[1][Channel.WEBHOOK]
    assert isinstance(section, WebhookSettings)
    assert section.webhook_secret.get_secret_value() == "from a file that ends with a line end"


@pytest.mark.parametrize(
    ("sender", "address"),
    [
        ("Carillon <carillon@localhost>", Address("Carillon", addr_spec="carillon@localhost")),
        ("shop@example.com", Address("", addr_spec="shop@example.com")),
        ('"Shop, Inc." <shop@example.com>', Address("Shop, Inc.", addr_spec="shop@example.com")),
        ('"Shop: Inc" <shop@example.com>', Address("Shop: Inc", addr_spec="shop@example.com")),
        ("Shop Inc. <shop@example.com>", Address("Shop Inc.", addr_spec="shop@example.com")),
        ("Café <shop@example.com>", Address("Café", addr_spec="shop@example.com")),
        ("Shop <info@münchen.de>", Address("Shop", addr_spec="info@xn--mnchen-3ya.de")),
        ("Straße <info@straße.de>", Address("Straße", addr_spec="info@xn--strae-oqa.de")),
        ("=?utf-8?q?Shop?= <shop@example.com>", Address("=?utf-8?q?Shop?=", addr_spec="shop@example.com")),
    ],
)
def test_a_sender_that_is_taken_is_the_one_that_writes(sender: str, address: Address) -> None:
    message = composed(sender=EmailSettings(email_from=sender).email_from)
    assert message["From"].addresses == (address,)


@pytest.mark.parametrize(
    "sender",
    [
        "",
        "nobody",
        "Shop, Inc. <shop@example.com>",
        "Shop: Inc <shop@example.com>",
        "Shop: shop@example.com;",
        "shop@example.com, other@example.com",
        "a b@example.com",
        "shop@",
        "shop@example.com\nBcc: eve@example.com",
        "Shop\r\nBcc: eve <shop@example.com>",
        "Müller <müller@example.com>",
        "shop@exa mple.com",
        "shop@-example.com",
        "shop@\u2028example.com",
    ],
)
def test_a_sender_that_cannot_write_is_refused_with_the_way_to_quote(sender: str) -> None:
    with pytest.raises(ValidationError, match=r'in quotes: "Shop, Inc\." <shop@host>'):
        EmailSettings(email_from=sender)


@pytest.mark.parametrize(
    ("given", "encryption"),
    [
        ({}, Encryption.NONE),
        ({"smtp_port": 587}, Encryption.NONE),
        ({"smtp_port": 465}, Encryption.IMPLICIT),
        ({"smtp_port": 465, "smtp_tls": "none"}, Encryption.NONE),
        ({"smtp_port": 465, "smtp_tls": "starttls"}, Encryption.STARTTLS),
        ({"smtp_port": 465, "smtp_tls": "starttls", "smtp_start_tls": True}, Encryption.STARTTLS),
        ({"smtp_port": 587, "smtp_start_tls": True}, Encryption.STARTTLS),
        ({"smtp_port": 8465, "smtp_tls": "implicit"}, Encryption.IMPLICIT),
    ],
)
def test_how_the_mail_server_is_spoken_to(given: dict[str, Any], encryption: Encryption) -> None:
    assert EmailSettings(**given).encryption is encryption


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"CARILLON_SMTP_PORT": "465", "CARILLON_SMTP_START_TLS": "true"}, "SMTP_START_TLS: port 465 speaks TLS from the first"),
        ({"CARILLON_SMTP_TLS": "implicit", "CARILLON_SMTP_START_TLS": "true"}, "SMTP_START_TLS: it contradicts CARILLON_SMTP_TLS"),
        ({"CARILLON_SMTP_TLS": "yes"}, "SMTP_TLS: Input should be 'implicit', 'starttls' or 'none'"),
        ({"CARILLON_SMTP_CA_FILE": "/nowhere"}, "SMTP_CA_FILE: /nowhere is no file"),
        ({"CARILLON_SMTP_EHLO_NAME": "worker_7"}, "SMTP_EHLO_NAME: 'worker_7' is no host name: write it as mail.shop.example"),
        ({"CARILLON_SMTP_EHLO_NAME": "a b"}, "SMTP_EHLO_NAME: 'a b' is no host name"),
        ({"CARILLON_EMAIL_FROM": "Acme, Inc. <no-reply@acme.example>"}, 'in quotes: "Shop, Inc." <shop@host>'),
        ({"CARILLON_LINK_SCHEMES": "myapp,java script"}, "LINK_SCHEMES: String should match"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_said_at_start(monkeypatch: pytest.MonkeyPatch, given: dict[str, str], said: str) -> None:
    monkeypatch.setenv("CARILLON_DELIVERY_CHANNELS", "email")
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        load_delivery(section_of)
    assert f"{said}" in str(ended.value)


def test_without_a_setting_waits_double_from_a_minute_to_half_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARILLON_DELIVERY_CHANNELS", "email")
    monkeypatch.setenv("CARILLON_SMTP_HOST", "mail.example.com")
    schedule = load_delivery(section_of)[0].retry_seconds
    assert schedule == tuple(min(60 * 2**number, 1800) for number in range(len(schedule)))
