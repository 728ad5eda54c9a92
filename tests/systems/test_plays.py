"""`make demo SYSTEM=…`: each play ends with everything that it is about."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from sandbox.demo.systems.playing import PLAYS, play_system
from sandbox.free_ports import free_ports
from sandbox.provisioning import CATALOG
from sandbox.stack import Stack
from tests.support.env import Harness


async def plays(name: str, stack: dict[str, Any]) -> None:
    known = Stack(ports={}, kafka="", mongo="", webhook_secret="", **stack)
    screen = io.StringIO()
    assert await play_system(name, known, Console(file=screen, width=200)) == 0
    assert "All of it was received" in screen.getvalue()


@pytest.mark.parametrize("name", sorted(PLAYS.keys() - {"facilitators"}))
async def test_a_play_ends_well(stack: dict[str, Any], name: str) -> None:
    await plays(name, stack)


async def test_the_facilitators_play_ends_well(product: Harness, stack: dict[str, Any]) -> None:
    [port] = free_ports(1)
    product.more |= {"CARILLON_SOCKETIO_PORT": str(port), "CARILLON_SOCKETIO_INGEST_URL": product.url("ingest")}
    if "socketio" not in product.services:
        await product.start("socketio")
    url = f"http://127.0.0.1:{product.more['CARILLON_SOCKETIO_PORT']}"
    await plays("facilitators", stack | {"urls": stack["urls"] | {"socketio": url}})


def test_every_system_of_the_catalog_has_a_play() -> None:
    folders = {path.name for path in CATALOG.iterdir() if path.is_dir()}
    assert folders - PLAYS.keys() == {"orders"}, "`make demo` itself plays the orders"
