"""An SMTP server that answers as it is told, on loopback: what no well-behaved one can be made to say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

HANG_UP = "hang up"
SILENCE = "silence"
USUAL = {"GREETING": "220 ready", "EHLO": "250 hello", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on", "BODY": "250 taken", "QUIT": "221 bye", "RSET": "250 ok", "NOOP": "250 ok"}  # fmt: skip
Answer = Callable[[str, int], str | None]
"""From a verb (also GREETING and BODY) and the connection's number, from 1, to the reply; None: the usual one."""


@dataclass
class ScriptedSmtp:
    """What it was told, and what it heard."""

    answer: Answer = lambda _verb, _number: None
    heard: list[tuple[int, str]] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)
    greeted_by: list[str] = field(default_factory=list)
    connections: int = 0
    open_now: int = 0
    most_open: int = 0
    port: int = 0
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def verbs(self) -> list[str]:
        """Without EHLO."""
        return [verb for _, verb in self.heard if verb != "EHLO"]

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        number = self.connections
        try:
            if not await self._reply("GREETING", number, writer):
                return
            while line := await reader.readline():
                verb = line.decode("ascii").split()[0].upper()
                self.heard.append((number, verb))
                if verb == "EHLO":
                    self.greeted_by.append(line.decode("ascii").split()[1])
                if not await self._reply(verb, number, writer):
                    return
                if verb == "DATA" and self._said(verb, number).startswith("354"):
                    content = await reader.readuntil(b"\r\n.\r\n")
                    if not await self._reply("BODY", number, writer):
                        return
                    if self._said("BODY", number).startswith("2"):
                        self.taken.append(content)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            self.open_now -= 1
            writer.close()

    def _said(self, verb: str, number: int) -> str:
        return self.answer(verb, number) or USUAL[verb]

    async def _reply(self, verb: str, number: int, writer: asyncio.StreamWriter) -> bool:
        said = self._said(verb, number)
        if said == SILENCE:
            await self._ended.wait()
        if said in (SILENCE, HANG_UP):
            return False
        writer.write(said.encode() + b"\r\n")
        await writer.drain()
        return not said.startswith("421")


@asynccontextmanager
async def scripted_smtp(answer: Answer = lambda _verb, _number: None, port: int = 0) -> AsyncIterator[ScriptedSmtp]:
    """It listens until the end, on a free port if none is given."""
    server = ScriptedSmtp(answer)
    listening = await asyncio.start_server(server.converse, "127.0.0.1", port)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        server._ended.set()
        listening.close()
