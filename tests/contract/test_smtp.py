"""The e-mail sender over SMTP servers that refuse, fall silent, hang up, speak TLS or want a password."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf
from typing import Any

import pytest

from services.delivery.channels.email.settings import EmailSettings
from services.delivery.channels.email.smtp import EmailSender
from services.delivery.core.attempts import (
    AttemptFault,
    Failed,
    LeaseTooShort,
    Outcome,
    ProviderUnavailable,
    Rejected,
    Sent,
)
from shared.model.notifications import Priority
from shared.model.reasons import Reason
from tests.support import samples as a
from tests.support.smtp import HANG_UP, SILENCE, Answer, ScriptedSmtp, scripted_smtp
from tests.support.wait import turns_until

pytestmark = pytest.mark.real
PATIENCE = 0.5


def settings(port: int, **changes: Any) -> EmailSettings:
    known = {"smtp_port": port, "email_from": "Shop <shop@example.com>", "smtp_timeout_seconds": PATIENCE}
    return EmailSettings(**(known | changes))


@asynccontextmanager
async def sending(
    answer: Answer = lambda _verb, _number: None, **changes: Any
) -> AsyncIterator[tuple[EmailSender, ScriptedSmtp]]:
    async with scripted_smtp(answer) as server:
        sender = EmailSender(settings(server.port, **changes))
        try:
            yield sender, server
        finally:
            await sender.close()


async def send(sender: EmailSender, send_before: float = inf, **changes: Any) -> Outcome | LeaseTooShort:
    return await sender.send(a.delivery(**changes), a.workflow(), send_before)


def says(verb: str, reply: str, *connections: int) -> Answer:
    return lambda said, number: reply if said == verb and (not connections or number in connections) else None


@pytest.mark.parametrize(
    ("verb", "reply", "outcome"),
    [
        ("MAIL", "550 5.7.1 not you", ProviderUnavailable(code="550 5.7.1", fault=AttemptFault.ACCOUNT)),
        ("MAIL", "530 5.7.0 authenticate", ProviderUnavailable(code="530 5.7.0", fault=AttemptFault.ACCOUNT)),
        ("RCPT", "550 5.1.1 nobody", Rejected(reason=Reason.DEAD_ADDRESS, code="550 5.1.1")),
        ("RCPT", "450 4.2.1 busy", Failed(code="450 4.2.1", fault=AttemptFault.ADDRESS)),
        ("RCPT", "554 5.7.1 relay access denied", ProviderUnavailable(code="554 5.7.1", fault=AttemptFault.ACCOUNT)),
        ("DATA", "451 4.3.2 full", ProviderUnavailable(code="451 4.3.2", fault=AttemptFault.PROVIDER)),
        ("BODY", "554 quota exceeded", ProviderUnavailable(code="554", fault=AttemptFault.ACCOUNT)),
        ("BODY", "554 5.6.0 spam", Rejected(code="554 5.6.0", fault=AttemptFault.MESSAGE)),
        ("GREETING", "554 5.7.1 go away", ProviderUnavailable(code="554 5.7.1", fault=AttemptFault.PROVIDER)),
        ("GREETING", "HTTP/1.1 400 Bad Request", ProviderUnavailable(code="no_greeting", fault=AttemptFault.PROVIDER)),
        ("GREETING", SILENCE, ProviderUnavailable(code="no_greeting", fault=AttemptFault.PROVIDER)),
        ("MAIL", SILENCE, ProviderUnavailable(code="mail:SMTPReadTimeoutError", fault=AttemptFault.CONNECTION)),
        ("BODY", "354 more", Failed(code="354", fault=AttemptFault.PROVIDER, unconfirmed=True)),
    ],
)
async def test_a_refusal_is_known_by_its_phase(verb: str, reply: str, outcome: Outcome) -> None:
    async with sending(says(verb, reply)) as (sender, server):
        assert await send(sender) == outcome
        assert not server.taken


@pytest.mark.parametrize("lost", [SILENCE, HANG_UP])
async def test_after_the_message_nobody_knows_and_it_is_not_tried_again(lost: str) -> None:
    async with sending(says("BODY", lost)) as (sender, server):
        assert await send(sender) == Failed(code="no_answer", fault=AttemptFault.CONNECTION, unconfirmed=True)
        assert server.verbs == ["MAIL", "RCPT", "DATA"]


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("lost", [HANG_UP, "421 4.3.0 goodbye"])
async def test_a_connection_that_is_lost_before_is_the_connections(verb: str, lost: str) -> None:
    def answer(said: str, number: int) -> str | None:
        return lost if said == verb and number == 1 and len(server.taken) == 1 else None

    async with sending(answer) as (sender, server):
        assert await send(sender) == Sent(receipt="250")
        assert await send(sender, id="d-2") == Sent(receipt="250")
        assert server.connections == 2
        assert len(server.taken) == 2


async def test_a_mailbox_that_answers_421_is_its_own_trouble() -> None:
    async with sending(says("RCPT", "421 4.2.1 full")) as (sender, server):
        assert await send(sender) == Failed(code="421 4.2.1", fault=AttemptFault.CONNECTION)
        assert server.connections == 2


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "example.com"),
        ({"email_from": "Shop <info@münchen.de>"}, "xn--mnchen-3ya.de"),
        ({"smtp_ehlo_name": "worker.shop.example"}, "worker.shop.example"),
    ],
)
async def test_the_server_is_greeted_with_a_name_that_it_can_look_up(given: dict[str, str], name: str) -> None:
    async with sending(**given) as (sender, server):
        assert await send(sender) == Sent(receipt="250")
        assert server.greeted_by == [name]


async def test_one_more_connection_than_the_server_wants_waits_for_another() -> None:
    entered, gate = asyncio.Event(), asyncio.Event()

    class Crowded(ScriptedSmtp):
        async def _reply(self, verb: str, number: int, writer: asyncio.StreamWriter) -> bool:
            if verb == "RCPT" and number == 1 and not gate.is_set():
                entered.set()
                await gate.wait()
            return await super()._reply(verb, number, writer)

    server = Crowded(
        lambda verb, number: "421 4.7.0 too many connections" if verb == "GREETING" and number == 2 else None
    )
    async with await asyncio.start_server(server.converse, "127.0.0.1", 0) as listening:
        sender = EmailSender(settings(listening.sockets[0].getsockname()[1], smtp_timeout_seconds=30))
        first = asyncio.create_task(send(sender))
        await entered.wait()
        second = asyncio.create_task(send(sender, id="d-2"))
        await turns_until(lambda: server.connections == 2, what="the second connection")
        gate.set()
        assert await first == await second == Sent(receipt="250")
        await sender.close()
        listening.close()


async def test_nothing_begins_after_its_time_however_long_the_connection_took() -> None:
    clock = time.monotonic()
    async with sending(says("EHLO", SILENCE), smtp_timeout_seconds=0.2) as (sender, server):
        assert isinstance(await send(sender, send_before=clock), LeaseTooShort)
        assert not server.connections
    async with scripted_smtp() as server:
        sender = EmailSender(settings(server.port, smtp_connections=1, smtp_timeout_seconds=30))
        late = time.monotonic() + 0.2

        def answer(verb: str, _: int) -> str | None:
            while verb == "EHLO" and time.monotonic() < late:
                pass
            return None

        server.answer = answer
        assert isinstance(await send(sender, send_before=late), LeaseTooShort)
        assert server.verbs == []
        assert await send(sender) == Sent(receipt="250")
        assert server.connections == 1, "the connection was kept"
        await sender.close()


async def test_express_has_connections_of_its_own() -> None:
    entered, gate = asyncio.Event(), asyncio.Event()

    class Slow(ScriptedSmtp):
        async def _reply(self, verb: str, number: int, writer: asyncio.StreamWriter) -> bool:
            if verb == "BODY" and number == 1:
                entered.set()
                await gate.wait()
            return await super()._reply(verb, number, writer)

    server = Slow()
    async with await asyncio.start_server(server.converse, "127.0.0.1", 0) as listening:
        sender = EmailSender(
            settings(listening.sockets[0].getsockname()[1], smtp_connections=1, smtp_timeout_seconds=30)
        )
        campaign = [asyncio.create_task(send(sender, id=f"d-{number}")) for number in range(5)]
        await entered.wait()
        code = await send(sender, id="code", notification=a.notification(priority=Priority.URGENT))
        assert code == Sent(receipt="250")
        assert not any(one.done() for one in campaign)
        gate.set()
        assert await asyncio.gather(*campaign) == [Sent(receipt="250")] * 5
        assert server.most_open == 2
        await sender.close()
        listening.close()


async def test_lines_that_begin_with_a_dot_arrive() -> None:
    data = a.notification(data=a.msgspec.Raw(b'{"order":"x"}'))
    async with sending() as (sender, server):
        workflow = a.workflow(templates=a.Templates(email=a.EmailTemplate(subject="s", text=".\n..\n. a\nend")))
        assert await sender.send(a.delivery(notification=data), workflow, inf) == Sent(receipt="250")
        (content,) = server.taken
        assert content.endswith(b"\r\n\r\n..\r\n...\r\n.. a\r\nend\r\n.\r\n")
