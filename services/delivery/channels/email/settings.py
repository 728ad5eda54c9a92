"""Settings of the e-mail channel."""

from __future__ import annotations

from email.errors import InvalidHeaderDefect, MessageError
from email.message import EmailMessage
from email.utils import parseaddr

from pydantic import Field, SecretStr, field_validator

from shared.process.settings import SettingsSection


class EmailSettings(SettingsSection):
    """The mail server, and who writes."""

    smtp_host: str = Field("127.0.0.1", description="mail server")
    smtp_port: int = Field(2525, ge=1, le=65535, description="the mail server's port")
    smtp_username: str | None = Field(None, description="user name at the mail server, if it wants one")
    smtp_password: SecretStr | None = Field(None, description="the password to it")
    smtp_start_tls: bool = Field(False, description="STARTTLS before logging in")
    smtp_connections: int = Field(4, ge=1, le=64, description="connections to the mail server kept open")
    email_from: str = Field(
        "Carillon <carillon@localhost>",
        description="sender of e-mails, `Name <user@host>`; a name that has a comma or a colon stands in quotes: "
        '`"Shop, Inc." <shop@host>`',
    )

    @field_validator("email_from")
    @classmethod
    def _check_sender(cls, value: str) -> str:
        """Checked at start: afterwards it would fail each message by itself."""
        if not is_one_mailbox(value):
            raise ValueError(
                f"{value!r} is not one address with a domain. Write Name <user@host>, "
                'and a name that has a comma or a colon in quotes: "Shop, Inc." <shop@host>'
            )
        return value


def is_one_mailbox(text: str) -> bool:
    """Whether `text` is one RFC 5322 mailbox, all of it: what is not quoted must not end an address or name a group."""
    message = EmailMessage()
    try:
        message["From"] = text
        (group,) = message["From"].groups
        (mailbox,) = group.addresses
    except (ValueError, LookupError, AttributeError, MessageError):  # what the parser of addresses raises
        return False
    wrong = any(isinstance(defect, InvalidHeaderDefect) for defect in message["From"].defects)
    return not wrong and group.display_name is None and parseaddr(text)[1] == mailbox.addr_spec
