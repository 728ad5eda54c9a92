"""Settings of the e-mail channel."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Final

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from services.delivery.channels.email.mailboxes import InvalidAddress, Mailbox, parse_mailbox, wire_domain
from services.delivery.channels.email.tracking import Tracking
from services.delivery.channels.email.unsubscribe import UnsubscribeFields
from services.delivery.channels.provider_list import check_providers, describe, parse_providers
from services.delivery.core.choice import Candidate
from shared.model.signed_tokens import parse_secrets
from shared.process.callback_settings import CallbackSettings

SUBMISSIONS_PORT = 465
"""TLS from the first byte on (RFC 8314)."""
NEEDED: Final[dict[str, tuple[str, ...]]] = {"smtp": (), "sendgrid": ("sendgrid_api_key",)}
"""By provider, what it cannot send without."""


class Encryption(StrEnum):
    """How the connection to the mail server is encrypted."""

    IMPLICIT = "implicit"
    STARTTLS = "starttls"
    NONE = "none"


class EmailSettings(CallbackSettings):
    """Which providers carry e-mail, our accounts there, and who writes."""

    smtp_host: str = Field("127.0.0.1", description="mail server")
    smtp_port: int = Field(2525, ge=1, le=65535, description="the mail server's port")
    smtp_username: str | None = Field(None, description="user name at the mail server, if it wants one")
    smtp_password: SecretStr | None = Field(None, description="the password to it")
    smtp_tls: Encryption | None = Field(
        None,
        description="`implicit` (TLS from the first byte on), `starttls` (required before logging in) or `none`; "
        "when it is not set: `implicit` on port 465, else `none`",
    )
    smtp_start_tls: bool = Field(False, description="the older way to say CARILLON_SMTP_TLS=starttls")
    smtp_ca_file: Path | None = Field(
        None, description="certificates (PEM) of authorities to trust besides the system's, for the mail server"
    )
    smtp_ehlo_name: str = Field(
        "",
        description="the name that the mail server is greeted with (EHLO), a whole one as `mail.shop.example`; empty: the "
        "domain of CARILLON_EMAIL_FROM",
    )
    smtp_connections: int = Field(
        4, ge=1, le=64, description="connections to the mail server kept open, for each lane (normal, express)"
    )
    smtp_timeout_seconds: float = Field(
        15, gt=0, le=30, description="how long opening a connection, and then one message over it, may take"
    )
    sendgrid_url: str = Field(
        "https://api.sendgrid.com",
        pattern=r"^https?://\S*[^\s/]$",
        description="SendGrid's API, or one that is like it",
    )
    sendgrid_api_key: SecretStr = Field(SecretStr(""), description="a key that may send mail (scope `mail.send`)")
    sendgrid_timeout_seconds: float = Field(
        15, gt=0, le=30, description="how long one attempt of an e-mail through SendGrid may take"
    )
    email_providers: str = Field("smtp", description=describe(list(NEEDED)))
    email_from: str = Field(
        "Carillon <carillon@localhost>",
        description="sender of e-mails, `Name <user@host>`; a name that has a comma or a colon stands in quotes: "
        '`"Shop, Inc." <shop@host>`',
    )

    public_url: str = Field(
        "",
        pattern=r"^(https?://\S*[^\s/])?$",
        description="where recipients reach the gateway, as https://notify.example.com: e-mails then have a "
        "List-Unsubscribe header that leads there; empty: they have none",
    )
    unsubscribe_secret: SecretStr = Field(
        SecretStr(""),
        validate_default=True,
        description="signs the links of List-Unsubscribe, the same for delivery and gateway; several, comma separated: "
        "the first signs, each is accepted; at least 24 characters",
    )

    @field_validator("email_providers")
    @classmethod
    def _check_providers(cls, text: str, info: ValidationInfo) -> str:
        return check_providers(text, info.data, NEEDED)

    @field_validator("unsubscribe_secret")
    @classmethod
    def _check_secrets(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        secrets = parse_secrets(value.get_secret_value())
        if info.data.get("public_url") and not secrets:
            raise ValueError("CARILLON_PUBLIC_URL needs it")
        return value

    @field_validator("email_from")
    @classmethod
    def _check_sender(cls, value: str) -> str:
        """Checked at start: afterwards it would fail each message by itself."""
        try:
            parse_mailbox(value)
        except InvalidAddress as error:
            raise ValueError(
                f"{value!r} is not one address with a domain ({error}). Write Name <user@host>, "
                'and a name that has a comma or a colon in quotes: "Shop, Inc." <shop@host>'
            ) from error
        return value

    @field_validator("smtp_ehlo_name")
    @classmethod
    def _check_ehlo_name(cls, value: str) -> str:
        try:
            return value and wire_domain(value)
        except InvalidAddress as error:
            raise ValueError(f"{value!r} is no host name: write it as mail.shop.example") from error

    @field_validator("smtp_ca_file")
    @classmethod
    def _check_file(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"{value} is no file")
        return value

    @field_validator("smtp_start_tls")
    @classmethod
    def _check_start_tls(cls, value: bool, info: ValidationInfo) -> bool:
        tls = info.data.get("smtp_tls")
        if value and tls not in (None, Encryption.STARTTLS):
            raise ValueError("it contradicts CARILLON_SMTP_TLS: leave it out")
        if value and tls is None and info.data.get("smtp_port") == SUBMISSIONS_PORT:
            raise ValueError(
                "port 465 speaks TLS from the first byte on: leave it out, "
                "or say CARILLON_SMTP_TLS=starttls if this server does not"
            )
        return value

    @property
    def ehlo_name(self) -> str:
        """What the mail server is greeted with. The machine's own name, in a container, is one that nobody can look up."""
        return self.smtp_ehlo_name or self.sender.domain

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """The providers as they were named."""
        return parse_providers(self.email_providers, NEEDED)

    @property
    def encryption(self) -> Encryption:
        """What is meant, said or not."""
        if self.smtp_tls is not None:
            return self.smtp_tls
        if self.smtp_start_tls:
            return Encryption.STARTTLS
        return Encryption.IMPLICIT if self.smtp_port == SUBMISSIONS_PORT else Encryption.NONE

    @cached_property
    def unsubscribe(self) -> UnsubscribeFields | None:
        """None: e-mails say nothing of it."""
        secrets = parse_secrets(self.unsubscribe_secret.get_secret_value())
        return UnsubscribeFields(self.public_url, secrets[0]) if self.public_url else None

    @cached_property
    def tracking(self) -> Tracking | None:
        """None: nothing is tracked, whatever templates ask."""
        secrets = parse_secrets(self.unsubscribe_secret.get_secret_value())
        return Tracking(self.public_url, secrets[0]) if self.public_url else None

    @cached_property
    def sender(self) -> Mailbox:
        """Who writes, its domain in A-labels."""
        return parse_mailbox(self.email_from)
