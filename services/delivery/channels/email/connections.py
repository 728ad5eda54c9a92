"""One lane's connections to the mail server: some are kept open, each greeted, encrypted and logged in."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import structlog
from aiosmtplib import SMTP
from aiosmtplib.errors import SMTPException, SMTPHeloError

from services.delivery.channels.email.diagnosis import Diagnosis, diagnose
from services.delivery.channels.email.settings import EmailSettings, Encryption
from services.delivery.core.attempts import LeaseTooShort, ProviderUnavailable

REPLY_SHARE: Final = 0.8
"""Of the time for a connection: how long it may wait for one reply, so that it is known which did not come."""

log = structlog.get_logger()


class Connections:
    """At most as many as the settings say; who waits for one gets it in the order of asking."""

    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings
        self._slots = asyncio.Semaphore(settings.smtp_connections)
        self._idle: list[SMTP] = []
        self._in_use = 0
        self._returned = asyncio.Event()

    async def take(
        self, send_before: float, *, fresh: bool = False
    ) -> tuple[SMTP, bool] | ProviderUnavailable | LeaseTooShort:
        """A connection, and whether it is new; an idle one may be lost, as its use will show. Give it back.

        `fresh`: none that was used before. Not after `send_before` (monotonic seconds).
        """
        await self._slots.acquire()
        taken: tuple[SMTP, bool] | ProviderUnavailable | LeaseTooShort = LeaseTooShort()
        try:
            taken = await self._take(send_before, fresh=fresh)
        finally:
            if isinstance(taken, tuple):
                self._in_use += 1
            else:
                self._slots.release()
        return taken

    def give_back(self, connection: SMTP, *, usable: bool) -> None:
        """`usable`: it stands between two messages."""
        if usable and connection.is_connected:
            self._idle.append(connection)
        else:
            connection.close()
        self._in_use -= 1
        self._slots.release()
        self._returned.set()

    def close(self) -> None:
        """Ends the idle ones without ceremony: nothing is under way on them."""
        while self._idle:
            self._idle.pop().close()

    async def _take(
        self, send_before: float, *, fresh: bool
    ) -> tuple[SMTP, bool] | ProviderUnavailable | LeaseTooShort:
        while time.monotonic() < send_before:
            while self._idle and not fresh:
                connection = self._idle.pop()
                if connection.is_connected:
                    return connection, False
                connection.close()
            opened = await self._open()
            if isinstance(opened, SMTP):
                if time.monotonic() < send_before:
                    return opened, True
                self._idle.append(opened)
            elif not (opened.crowded and self._in_use):
                log.warning(
                    "smtp_server_unavailable",
                    host=self._settings.smtp_host,
                    port=self._settings.smtp_port,
                    tls=self._settings.encryption,
                    code=opened.code,
                    hint=opened.hint,
                )
                return ProviderUnavailable(code=opened.code, fault=opened.fault)
            else:
                await self._wait_for_one(send_before)
        return LeaseTooShort()

    async def _wait_for_one(self, send_before: float) -> None:
        """The server wants no more connections than it has: wait until one of them is free."""
        self._returned.clear()
        try:
            async with asyncio.timeout(max(0.0, send_before - time.monotonic())):
                await self._returned.wait()
        except TimeoutError:
            return

    async def _open(self) -> SMTP | Diagnosis:
        settings = self._settings
        connection = SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            local_hostname=settings.ehlo_name,
            timeout=settings.smtp_timeout_seconds * REPLY_SHARE,
            username=settings.smtp_username,
            password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
            use_tls=settings.encryption is Encryption.IMPLICIT,
            start_tls=settings.encryption is Encryption.STARTTLS,
            cert_bundle=str(settings.smtp_ca_file) if settings.smtp_ca_file else None,
        )
        ready = False
        try:
            async with asyncio.timeout(settings.smtp_timeout_seconds):
                await connection.connect()
                await _greet(connection)
                ready = True
        except (SMTPException, OSError) as error:  # TimeoutError is an OSError
            return diagnose(error)
        finally:
            if not ready:
                connection.close()
        return connection


async def _greet(connection: SMTP) -> None:
    """EHLO, or HELO where the server knows no other, unless logging in has done it."""
    if not connection.is_ehlo_or_helo_needed:
        return
    try:
        await connection.ehlo()
    except SMTPHeloError:
        if not connection.is_connected:
            raise
        await connection.helo()
