"""`carillon dlq` and `carillon audit` against a console: what an operator reads."""

from __future__ import annotations

import json

from services.console.letters.store import DeadLetters
from tests.integration.console.stage import Console, command, console
from tests.support import samples as a
from tests.support.brokers import Brokers
from tests.support.env import lay
from tests.support.letters import dead_letter_row

ALIVE = a.notification(tenant="default", expires_at=4_000_000_000_000)


async def said(live: Console, *words: str, code: int = 0) -> str:
    """What a command prints, on both streams."""
    found, out, err = await command(live, *words, "--key", live.keys["default"])
    assert found == code, (words, out, err)
    return out + err


async def test_what_an_operator_reads_and_does(shared_brokers: Brokers) -> None:
    async with console(await lay(shared_brokers)) as live:
        rows = [dead_letter_row(number, notification=ALIVE, code="550 no such user") for number in range(3)]
        await DeadLetters(live.database).insert(rows)
        first = rows[0]["_id"]
        shown = await said(live, "dlq", "list", "--channel", "email", "--since", "9999d")
        assert "3 shown" in shown
        assert first in shown
        assert "ada@example.com" not in shown
        assert "550 no such user" in await said(live, "dlq", "groups")
        assert 'did you mean "email"' in await said(live, "dlq", "list", "--channel", "emial", code=1)
        assert 'did you mean "550 no such user"' in await said(live, "dlq", "list", "--code", "550 no such usr")
        assert "ada@example.com" in await said(live, "dlq", "show", first)
        assert "404 unknown_dead_letter" in await said(live, "dlq", "show", "none", code=1)
        assert "3 of 3 would be sent again" in await said(
            live, "dlq", "redrive", "--code", "550 no such user", "--dry-run"
        )
        assert "Which letters?" in await said(live, "dlq", "redrive", code=1)
        assert "1 would be discarded" in await said(live, "dlq", "discard", first, "--dry-run")
        assert "1 discarded" in await said(live, "dlq", "discard", first)
        assert "dead_letter_discarded" in await said(live, "audit")
        job = json.loads(await said(live, "dlq", "redrive", "--all", "--no-wait", "--json"))
        assert (job["wanted"], job["state"]) == (2, "running")
        assert "cancelled: 0 of 2 sent again" in await said(live, "dlq", "redrives", job["id"], "--cancel")
        assert "redrive_cancelled" in await said(live, "audit", "--json")
