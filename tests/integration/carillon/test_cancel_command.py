"""`carillon cancel`, and what `carillon send` says of an earlier one, against a real HTTP server."""

from __future__ import annotations

import asyncio

import orjson
import pytest
from typer.testing import CliRunner

from carillon.cli import app

EARLIER = "0b0f3d5c-3c43-5f3e-9a55-7d1d0c6f9a10"


@pytest.mark.parametrize(
    ("options", "body", "said"),
    [
        ([], {}, "cancelled  2 that waited"),
        (["--withdraw"], {"withdraw": True}, "cancelled  2 that waited, 3 leave inboxes"),
    ],
)
async def test_it_says_what_it_took_back(platform, options, body, said):
    answer = {"cancellation_key": "k", "holds_cancelled": 2, "items_withdrawn": 3}
    platform.answers = [(202, {"Content-Type": "application/json"}, orjson.dumps(answer))]
    argv = ["cancel", "k", *options, "--url", platform.url, "--key", "ck_x"]
    found = await asyncio.to_thread(CliRunner().invoke, app, argv)
    assert (found.exit_code, found.output.strip()) == (0, said)
    assert platform.asked[0][3] == {"cancellation_key": "k"} | body


async def test_send_says_what_it_supersedes(platform):
    argv = ["send", "order.shipped", "--to", "ana", "--supersedes", EARLIER, "--url", platform.url, "--key", "ck_x"]
    found = await asyncio.to_thread(CliRunner().invoke, app, argv)
    assert found.exit_code == 0, found.output
    assert platform.asked[0][3]["supersedes"] == EARLIER
