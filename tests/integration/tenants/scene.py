"""A tenant of the test's own on the running product, spoken to with its own key."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import aiohttp
import orjson

from shared.catalog.publishing import publish
from shared.http import tokens
from shared.kafka.producer import Publisher
from shared.model import workflows
from shared.mongo.api_keys import Scope, create
from shared.process.clock import now_ms
from tests.support.env import TOKEN_SECRET, Harness
from tests.support.wait import until

WORKFLOW = {
    "key": "order.shipped",
    "category": "orders",
    "on": ["order.shipped"],
    "recipients": "data.users",
    "steps": [{"key": "notify", "channels": ["in_app", "email"]}],
    "templates": {
        "in_app": {"title": "Order {{ data.order }}"},
        "email": {
            "subject": "Order {{ data.order }}",
            "text": "{{ tenant.brand.signature | default: 'Nobody' }} of {{ tenant.id }}",
        },
    },
}


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """One tenant as its producers and its administrator see it."""

    name: str
    key: str
    product: Harness

    async def call(self, method: str, path: str, expect: int = 200, **more: Any) -> Any:
        """One call of ingest with the tenant's key."""
        answer = await self.answer(method, path, **more)
        assert answer[0] == expect, answer
        return answer[1]

    async def answer(self, method: str, path: str, *, service: str = "ingest", **more: Any) -> tuple[int, Any, Any]:
        """Status, decoded body and headers."""
        headers = {"authorization": f"Bearer {self.key}"} | more.pop("headers", {})
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.request(method, self.product.url(service) + path, **more) as response,
        ):
            raw = await response.read()
            return response.status, orjson.loads(raw) if raw else None, response.headers

    async def person(self, user: str, **more: Any) -> str:
        """A user whose address says the tenant."""
        body = {"addresses": {"email": self.address(user)}, "zone": "Europe/Berlin"} | more
        await self.call("PUT", f"/v1/users/{user}", json=body)
        return user

    def address(self, user: str) -> str:
        return f"{user}@{self.name}.example"

    async def send(self, *users: str, **more: Any) -> list[str]:
        """One request; the ids of its notifications."""
        body = {"workflow": WORKFLOW["key"], "recipients": list(users), "data": {"order": "A7"}} | more
        answer = await self.call("POST", "/v1/notifications", 202, json=body)
        return [found["id"] for found in answer["notifications"]]

    async def mails(self, user: str) -> list[dict[str, Any]]:
        """What the mail server got for a user of this tenant."""
        path = f"/messages?kind=email&to={self.address(user)}"
        return list((await self.product.call("GET", path, service="sink"))["messages"])

    async def until_mailed(self, users: list[str], count: int = 1) -> None:
        """Until each has that many mails."""

        async def all_of_them() -> bool:
            found = await asyncio.gather(*map(self.mails, users))
            assert all(len(each) <= count for each in found), "nobody gets one twice"
            return all(len(each) == count for each in found)

        await until(all_of_them, what=f"{count} mails for each of {len(users)}", timeout=60)

    async def held(self) -> int:
        """How much a stop holds of it."""
        return int((await self.call("GET", "/v1/tenant/stops"))["holds"])

    async def until_held(self, count: int) -> None:
        """Until a stop holds that many."""

        async def so_many() -> bool:
            return await self.held() == count

        await until(so_many, what=f"{count} holds of {self.name}", timeout=60)

    async def inbox(self, user: str) -> list[dict[str, Any]]:
        """The user's inbox."""
        token = tokens.mint(TOKEN_SECRET, tenant=self.name, user=user, now=now_ms() // 1000, ttl_seconds=600)
        _, body, _ = await self.answer(
            "GET", "/api/v1/notifications", service="gateway", headers={"authorization": f"Bearer {token}"}
        )
        return list(body["notifications"])

    async def timeline(self, notification: str) -> Any:
        """What the console tells; None: nothing yet."""
        status, body, _ = await self.answer("GET", f"/v1/notifications/{notification}/timeline", service="console")
        return body if status == 200 else None


async def tenant(product: Harness, name: str = "") -> Tenant:
    """A new one with the workflow and a key."""
    name = name or f"t-{uuid4().hex[:10]}"
    names = product.names
    publisher = Publisher(names.brokers.kafka, client_id="tests")
    async with product.database() as database:
        await publish(database, publisher, names.topics, name, [workflows.parse(WORKFLOW)])
        key = await create(database, tenant=name, scopes=frozenset(Scope), name="tests")
    await publisher.stop()
    return Tenant(name=name, key=key, product=product)


async def carillon(product: Harness, *arguments: str) -> tuple[int, str, str]:
    """The command line on the product's brokers: exit code, what it printed, what it said aside."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "carillon", *arguments,
        env=os.environ | product.env() | {"COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, aside = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), aside.decode()
