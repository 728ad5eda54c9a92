"""One message over one connection: MAIL, RCPT, DATA and the message itself (RFC 5321 3.3)."""

from __future__ import annotations

import asyncio
import re
from typing import Final

from aiosmtplib import SMTP, SMTPResponse
from aiosmtplib.errors import SMTPException

from services.delivery.channels.email.mime import Mail
from services.delivery.channels.email.replies import SmtpPhase, refusal
from services.delivery.core.attempts import AttemptFault, Failed, Outcome, ProviderUnavailable, Sent

_DOT: Final = re.compile(rb"^\.", re.MULTILINE)


async def transact(connection: SMTP, mail: Mail, *, new: bool, timeout_seconds: float) -> Outcome:
    """What the server made of it, within the time; a lost connection says how far it had come.

    Raises nothing of the library's. Unless it is Sent, the connection must not be used again.
    `new`: that it is lost before it has heard of the message is not for having been kept too long.
    """
    transaction = _Transaction(connection, timeout_seconds)
    try:
        async with asyncio.timeout(timeout_seconds):
            outcome = await transaction.run(mail)
    except (SMTPException, OSError) as error:  # TimeoutError is an OSError
        unconfirmed = transaction.phase is SmtpPhase.BODY
        code = "no_answer" if unconfirmed else f"{transaction.phase}:{type(error).__name__}"
        outcome = Failed(code=code, fault=AttemptFault.CONNECTION, unconfirmed=unconfirmed)
    if (
        new
        and transaction.phase is SmtpPhase.MAIL
        and isinstance(outcome, Failed)
        and outcome.fault is AttemptFault.CONNECTION
    ):
        return ProviderUnavailable(code=outcome.code, fault=AttemptFault.CONNECTION)
    return outcome


class _Transaction:
    def __init__(self, connection: SMTP, timeout_seconds: float) -> None:
        self._connection = connection
        self._timeout_seconds = timeout_seconds
        self.phase = SmtpPhase.MAIL

    async def run(self, mail: Mail) -> Outcome:
        size = [f"SIZE={len(mail.content)}".encode()] if self._connection.supports_extension("size") else []
        reply = await self._connection.execute_command(b"MAIL", f"FROM:<{mail.sender}>".encode(), *size)
        if reply.code != 250:
            return refusal(self.phase, reply.code, reply.message)
        self.phase = SmtpPhase.RCPT
        reply = await self._connection.execute_command(b"RCPT", f"TO:<{mail.recipient}>".encode())
        if reply.code not in (250, 251):
            return refusal(self.phase, reply.code, reply.message)
        self.phase = SmtpPhase.DATA
        reply = await self._connection.execute_command(b"DATA")
        if reply.code != 354:
            return refusal(self.phase, reply.code, reply.message)
        reply = await self._write(mail.content)
        if 200 <= reply.code < 300:
            return Sent(receipt=str(reply.code))
        if reply.code < 400:  # neither yes nor no
            return Failed(code=str(reply.code), fault=AttemptFault.PROVIDER, unconfirmed=True)
        return refusal(self.phase, reply.code, reply.message)

    async def _write(self, content: bytes) -> SMTPResponse:
        """The message and the lone dot. The library's own `data` does not tell whether the message was written."""
        protocol = self._connection.protocol
        if protocol is None:
            raise ConnectionResetError("the connection was lost")
        self.phase = SmtpPhase.BODY
        protocol.write(_DOT.sub(b"..", content) + b".\r\n")
        return await protocol.read_response(self._timeout_seconds)
