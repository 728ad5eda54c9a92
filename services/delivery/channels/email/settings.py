"""Settings of the e-mail channel."""

from __future__ import annotations

from email.errors import MessageError
from email.headerregistry import Address
from email.utils import getaddresses

from pydantic import Field, SecretStr, field_validator

from shared.process.settings import SettingsSection


class EmailSettings(SettingsSection):
    """The mail server, and who writes."""

    smtp_host: str = Field("127.0.0.1", description="mail server")
    smtp_port: int = Field(2525, ge=1, le=65535, description="its port")
    smtp_username: str | None = Field(None, description="user name, if it wants one")
    smtp_password: SecretStr | None = Field(None, description="its password")
    smtp_start_tls: bool = Field(False, description="STARTTLS before logging in")
    smtp_connections: int = Field(4, ge=1, le=64, description="connections kept open")
    email_from: str = Field(
        "Carillon <carillon@localhost>",
        description='sender of e-mails, Name <user@host>; a name with a comma in quotes: "Shop, Inc." <shop@host>',
    )

    @field_validator("email_from")
    @classmethod
    def _is_one_address(cls, value: str) -> str:
        """Checked at start: afterwards it would fail each message by itself."""
        found = getaddresses([value])
        try:
            ((name, address),) = found
            parsed = Address(name, addr_spec=address)
        except (ValueError, LookupError, AttributeError, MessageError):  # what the parser of addresses raises
            parsed = Address()
        if not (parsed.username and parsed.domain):
            raise ValueError(
                f"{value!r} is not one address with a domain. Write Name <user@host>, "
                'and a name that has a comma in quotes: "Shop, Inc." <shop@host>'
            )
        return value
