"""The SMTP side of the sink: a real server (RFC 5321) that keeps what it accepts."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.sink.faults import EmailMode, SinkFaults
from sandbox.sink.messages import Messages, parse_email
from shared.process.clock import now_ms

MAX_BYTES = 32 * 1_048_576


class Handler:
    """aiosmtpd's hooks."""

    def __init__(self, messages: Messages, faults: SinkFaults) -> None:
        self._messages = messages
        self._faults = faults

    async def handle_NOOP(self, server: SMTP, _session: Session, _envelope: Envelope, _arg: str) -> str:  # noqa: N802  # as below
        """A connection from before it went down is gone, too: whoever asks finds out."""
        if self._faults.email({EmailMode.DOWN}) is not None:
            cast("asyncio.WriteTransport", server.transport).abort()
        return "250 OK"

    async def handle_MAIL(  # noqa: N802  # aiosmtpd looks hooks up by the SMTP verb
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """As NOOP: a client may use a connection that it kept without asking first."""
        if self._faults.email({EmailMode.DOWN}) is not None:
            cast("asyncio.WriteTransport", server.transport).abort()
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802  # aiosmtpd looks hooks up by the SMTP verb
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept or refuse one recipient."""
        fault = self._faults.email({EmailMode.REJECT, EmailMode.TEMPFAIL}, address)
        if fault is not None:
            return fault.answer()
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # as above
        """Keep the mail."""
        fault = self._faults.email({EmailMode.SLOW}, envelope.rcpt_tos[0])
        if fault is not None:
            await asyncio.sleep(fault.seconds)
        raw = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        message = parse_email(
            raw,
            mail_from=envelope.mail_from or "",
            rcpt_tos=list(envelope.rcpt_tos),
            peer=str(session.peer),
            at_ms=now_ms(),
        )
        self._messages.add(message)
        return "250 Message accepted for delivery"


class Server(SMTP):
    """Drops the connection before the greeting while the fault says `down`."""

    def __init__(self, handler: Handler, faults: SinkFaults) -> None:
        super().__init__(
            handler, hostname="sink.localhost", enable_SMTPUTF8=True, data_size_limit=MAX_BYTES, ident="Carillon sink"
        )
        self._faults = faults

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's hook."""
        if self._faults.email({EmailMode.DOWN}) is not None:
            cast("asyncio.WriteTransport", transport).abort()  # uvloop's is none by inheritance
            return
        super().connection_made(transport)

    def connection_lost(self, error: Any) -> None:
        """asyncio's hook; a dropped connection was never made for aiosmtpd."""
        if self.session is not None:
            super().connection_lost(error)

    def eof_received(self) -> bool | None:
        """asyncio's hook; as above."""
        return super().eof_received() if self.session is not None else None


async def listen(host: str, port: int, messages: Messages, faults: SinkFaults) -> asyncio.Server:
    """Serve SMTP; the server is closed by the caller."""
    handler = Handler(messages, faults)
    return await asyncio.get_running_loop().create_server(lambda: Server(handler, faults), host, port)
