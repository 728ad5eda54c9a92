"""The products of the systems, and who takes part: users of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from carillon import AsyncClient
from carillon.integrations.chat import ChatNotifications
from carillon.integrations.queue import NotificationQueue
from carillon.integrations.workorders import WorkOrderNotifications
from tests.systems.chat_product import Chat
from tests.systems.complaints_office import Office
from tests.systems.work_order_product import Works


@pytest.fixture
async def chat(stack: dict[str, Any]) -> AsyncIterator[Chat]:
    async with (
        aiohttp.ClientSession() as http,
        AsyncClient(stack["urls"]["ingest"], stack["api_key"]) as carillon,
    ):
        yield Chat(stack=stack, http=http, notifications=ChatNotifications(carillon))


@pytest.fixture
async def sender(chat: Chat) -> str:
    return await chat.join("john")


@pytest.fixture
async def ann(chat: Chat) -> str:
    return await chat.join("ann")


@pytest.fixture
async def bob(chat: Chat) -> str:
    return await chat.join("bob")


@pytest.fixture
async def eve(chat: Chat) -> str:
    return await chat.join("eve")


@pytest.fixture
async def works(stack: dict[str, Any]) -> AsyncIterator[Works]:
    client = AsyncClient(stack["urls"]["ingest"], stack["api_key"], console_url=stack["urls"]["console"])
    async with aiohttp.ClientSession() as http, client as carillon:
        yield Works(stack=stack, http=http, carillon=carillon, orders=WorkOrderNotifications(carillon))


@pytest.fixture
async def office(stack: dict[str, Any]) -> AsyncIterator[Office]:
    urls = stack["urls"]
    client = AsyncClient(urls["ingest"], stack["api_key"], console_url=urls["console"])
    async with aiohttp.ClientSession() as http, client as carillon:
        made = Office(stack=stack, http=http, carillon=carillon, queue=NotificationQueue(carillon))
        yield made
        await made.heal()
