"""What a run leaves behind: the statuses on the log, the sink's messages, the inbox rows, what clients were sent."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.model.channels import Channel
from tests.chaos.clients import MARK, Clients
from tests.chaos.tables import Effect, Evidence, Status
from tests.contract.providers.fcm import FCM
from tests.contract.providers.meta import META
from tests.contract.providers.vonage import VONAGE
from tests.support.env import Harness

PROVIDERS = {"sms": VONAGE, "whatsapp": META, "push": FCM}
"""By kind of message: who knows where the delivery's id stands in it."""
NAMELESS = {"telegram", "chat"}
"""Kinds without a field for it."""


def named_by(said: str) -> str:
    """The delivery's id, by itself or in the token that a provider calls back with."""
    token, dot, _ = said.partition(".")
    return str(orjson.loads(urlsafe_b64decode(token + "=" * (-len(token) % 4)))["d"]) if dot else said


class Gathering:
    """Reads on where it stood: asked often, it costs what is new."""

    def __init__(
        self,
        harness: Harness,
        addresses: dict[str, str],
        clients: Clients | None = None,
        elsewhere: Callable[[], list[Effect]] = list,
    ) -> None:
        """`addresses`: e-mail addresses and names of hooks to owners; may grow. `elsewhere`: what no sink has seen."""
        self._harness = harness
        self._addresses = addresses
        self._clients = clients
        self._elsewhere = elsewhere
        self._positions: dict[TopicPartition, int] = {}
        self._statuses: dict[tuple[str, int], Status] = {}
        self._messages: list[Effect] = []
        self._last = 0

    async def now(self) -> Evidence:
        """All that is there now."""
        await self._read_statuses()
        await self._read_messages()
        clients = self._clients
        return Evidence(
            statuses=list(self._statuses.values()),
            effects=self._messages + await self._rows() + self._elsewhere(),
            frames=list(clients.frames) if clients else [],
            clients=frozenset(clients.live) if clients else frozenset(),
        )

    async def _read_statuses(self) -> None:
        names = self._harness.names
        for record in await read_topic(names.brokers.kafka, names.topics.statuses, self._positions):
            note(self._statuses, record.headers, record.value)

    async def _read_messages(self) -> None:
        answer = await self._harness.call("GET", f"/messages?since={self._last}", service="sink")
        for message in answer["messages"]:
            self._last = message["n"]
            headers = {name.lower(): value for name, value in message["headers"]}
            email = message["kind"] == "email"
            address = message["to"][0]
            contents = [message["subject"], message["text"], message["html"]] if email else [message["body"]]
            provider = PROVIDERS.get(message["kind"])
            if message["kind"] in NAMELESS:
                delivery = ""
            elif provider is not None:
                delivery = named_by(provider.delivery_id(message))
            else:
                delivery = headers["message-id"].strip("<>").partition("@")[0] if email else headers["webhook-id"]
            self._messages.append(
                Effect(
                    channel=Channel(message["kind"]),
                    delivery=delivery,
                    owner=self._addresses.get(address, address),
                    marks=frozenset(MARK.findall(str(contents))),
                    at=message["at_ms"],
                    named=len(MARK.findall(message["text"] or "")) if email else 0,
                )
            )

    async def _rows(self) -> list[Effect]:
        async with self._harness.database() as database:
            return [
                Effect(
                    channel=Channel.IN_APP,
                    delivery=row["_id"],
                    owner=f"{row['tenant']}:{row['user']}#{row['life'] or 0}",
                    marks=frozenset(MARK.findall(f"{row['title']} {row['data'].decode()}")),
                    at=int(row["created_at"].timestamp() * 1000),
                    offset=row["offset"],
                )
                async for row in database.inbox.find()
            ]


def note(known: dict[tuple[str, int], Status], headers: list[tuple[str, bytes]], value: bytes) -> None:
    """Each status once; one that says two things under one id, twice: whoever reads the first never learns of the other."""
    named = {name: raw.decode() for name, raw in headers}
    status = Status(id=named["ce_id"], type=named["ce_type"], subject=named["ce_subject"], data=orjson.loads(value))
    known.setdefault((status.id, hash(value)), status)


async def read_topic(bootstrap: str, topic: str, positions: dict[TopicPartition, int] | None = None) -> list[Any]:
    """Every record of a topic from `positions` (None: the beginning) to its end now; moves them there."""
    positions = {} if positions is None else positions
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        for place in ends:
            consumer.seek(place, positions.get(place, 0))
        records: list[Any] = []
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                records += batch
        positions.update({place: await consumer.position(place) for place in ends})
        return records
    finally:
        await consumer.stop()
