"""A chat product in a tenant of its own, with nothing but its own catalog."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import aiohttp
import yaml

from carillon import AsyncClient
from carillon.integrations.chat import ChatNotifications
from shared.catalog.publishing import publish
from shared.kafka.producer import Publisher
from shared.model.workflows import parse
from shared.mongo.api_keys import Scope, create
from tests.support.env import CATALOG, Harness
from tests.systems.chat_product import Chat, eventually


@asynccontextmanager
async def chat_of_tenant(
    product: Harness, stack: Mapping[str, Any], changed: Mapping[str, Mapping[str, Any]]
) -> AsyncIterator[tuple[Chat, AsyncClient]]:
    """Publishes `catalog/chat`, with some fields of its workflows `changed`, and returns when all services know it."""
    tenant = f"chat-{uuid4().hex[:10]}"
    documents = [yaml.safe_load(path.read_text()) for path in sorted((CATALOG / "chat").glob("*.yaml"))]
    workflows = [
        parse(
            {"on" if name is True else name: value for name, value in document.items()}
            | changed.get(document["key"], {})
        )
        for document in documents  # to YAML 1.1 `on` is a truth
    ]
    publisher = Publisher(product.names.brokers.kafka, client_id="tests")
    async with product.database() as database:
        await publish(database, publisher, product.names.topics, tenant, workflows)
        key = await create(database, tenant=tenant, scopes=frozenset(Scope), name="chat")
    await publisher.stop()
    urls = stack["urls"]
    async with (
        aiohttp.ClientSession() as http,
        AsyncClient(urls["ingest"], key, console_url=urls["console"]) as carillon,
    ):
        chat = Chat(
            stack={**stack, "api_key": key}, http=http, notifications=ChatNotifications(carillon), tenant=tenant
        )
        await _is_known(chat)
        yield chat, carillon


async def _is_known(chat: Chat) -> None:
    first, second = await chat.join("first"), await chat.join("second")

    async def shown() -> int:
        await chat.befriend(first, second)
        await asyncio.sleep(0.5)
        return await chat.count(second)

    await eventually(shown)
