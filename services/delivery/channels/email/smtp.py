"""E-mail over SMTP (RFC 5321): a few connections kept open."""

from __future__ import annotations

import asyncio
import time
from email.message import EmailMessage
from typing import Final

import aiosmtplib
from aiosmtplib.errors import (
    SMTPConnectError,
    SMTPConnectTimeoutError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from services.delivery.channels.email.compose import compose
from services.delivery.channels.email.settings import EmailSettings
from services.delivery.core.attempts import Failed, LeaseTooShort, Outcome, ProviderUnavailable, Rejected, Sent
from shared.model.deliveries import Delivery
from shared.model.workflows import Workflow

TIMEOUT_SECONDS: Final = 15


class EmailSender:
    """Sends through one SMTP server. That the server cannot be reached is nobody's fault: `Down`."""

    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings
        self._from = settings.email_from
        self._idle: list[aiosmtplib.SMTP] = []
        self._connections = asyncio.Semaphore(settings.smtp_connections)

    async def send(self, delivery: Delivery, workflow: Workflow, send_before: float) -> Outcome | LeaseTooShort:
        """One message to one address; its Message-ID is the delivery id. Raises RenderFailed."""
        message = compose(delivery, workflow, self._from)
        async with self._connections:
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    connection = await self._connect()
            except (SMTPException, OSError) as error:  # TimeoutError is an OSError
                return ProviderUnavailable(code=type(error).__name__)
            if time.monotonic() >= send_before:
                self._idle.append(connection)
                return LeaseTooShort()
            outcome = await _transmit(connection, message)
            if connection.is_connected and isinstance(outcome, Sent):
                self._idle.append(connection)
            else:
                connection.close()
            return outcome

    async def close(self) -> None:
        """Ends the idle connections without ceremony: nothing is under way on them."""
        while self._idle:
            self._idle.pop().close()

    async def _connect(self) -> aiosmtplib.SMTP:
        """A connection that answers: an idle one if the server has not hung up, else a new one."""
        while self._idle:
            connection = self._idle.pop()
            try:
                await connection.noop()
            except (SMTPException, OSError):
                connection.close()
            else:
                return connection
        settings = self._settings
        connection = aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            timeout=TIMEOUT_SECONDS,
            username=settings.smtp_username,
            password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
            start_tls=settings.smtp_start_tls,
        )
        await connection.connect()
        return connection


async def _transmit(connection: aiosmtplib.SMTP, message: EmailMessage) -> Outcome:
    """Maps SMTP's answers to ours. A connection lost in the middle leaves it open whether it was taken."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await connection.send_message(message)
    except SMTPRecipientsRefused as error:
        return _refused(error.recipients[0].code)
    except SMTPResponseException as error:
        return _refused(error.code)
    except (SMTPConnectError, SMTPConnectTimeoutError) as error:
        return ProviderUnavailable(code=type(error).__name__)
    except SMTPServerDisconnected:
        return Failed(code="disconnected")
    except (SMTPException, OSError) as error:
        return Failed(code=type(error).__name__)
    return Sent(receipt="250")


def _refused(code: int) -> Outcome:
    """421: the server says goodbye to everybody; 4xx: try again; 5xx: never."""
    if code == 421:
        return ProviderUnavailable(code="421")
    if 400 <= code < 500:
        return Failed(code=str(code))
    return Rejected(code=str(code))
