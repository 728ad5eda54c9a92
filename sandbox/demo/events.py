"""The ways in: the notification API, CloudEvents over HTTP, CloudEvents straight to Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Final

import aiohttp
import orjson
from confluent_kafka import KafkaException, Producer

from carillon.client import AsyncClient
from carillon.errors import UnreachableError
from sandbox.demo.plan import Accepted, Ingress, Planned
from sandbox.stack import Stack
from shared.model import ids
from shared.model.timestamps import rfc3339, to_datetime
from shared.model.topics import Topics
from shared.process.clock import now_ms

TENANT: Final = "default"
STRUCTURED: Final = "application/cloudevents+json"
FLUSH_SECONDS: Final = 15


class EventNotAccepted(Exception):
    """The platform did not take an event of the demonstration, or gave it another id than it must have."""


class Producers:
    """Everything that happens in one run. `mark` makes its ids and sources its own."""

    def __init__(self, stack: Stack, carillon: AsyncClient, mark: str) -> None:
        self._stack, self._carillon, self._mark = stack, carillon, mark
        self._source = f"/demo/{mark}"

    async def send(self, plan: Iterable[Planned]) -> list[Accepted]:
        """Returns when each is durable, by whatever ingress; HTTP first. Raises EventNotAccepted."""
        numbered = [(planned, self._event(planned, position)) for position, planned in enumerate(plan)]
        accepted = [await self._by_api(planned) for planned, _ in numbered if planned.ingress is Ingress.API]
        for ingress in (Ingress.STRUCTURED, Ingress.BINARY, Ingress.BATCH):
            accepted += await self._by_http(ingress, [pair for pair in numbered if pair[0].ingress is ingress])
        by_kafka = [pair for pair in numbered if pair[0].ingress in (Ingress.KAFKA_BINARY, Ingress.KAFKA_STRUCTURED)]
        await asyncio.to_thread(produce, self._stack.kafka, by_kafka)
        return accepted + [self._accepted(planned, event) for planned, event in by_kafka]

    def _event(self, planned: Planned, position: int) -> dict[str, Any]:
        return {
            "specversion": "1.0",
            "id": f"{self._mark}-{position}",
            "source": self._source,
            "type": planned.type,
            "time": rfc3339(now_ms()),
            "datacontenttype": "application/json",
            "data": planned.data,
        }

    def _accepted(self, planned: Planned, event: dict[str, Any]) -> Accepted:
        """Ids are derived, so they are known without asking."""
        event_id = ids.event_id(TENANT, event["source"], event["id"])
        found = {user: ids.notification_id(event_id, planned.workflow, user) for user in planned.users}
        return Accepted(planned=planned, notifications=found)

    async def _by_api(self, planned: Planned) -> Accepted:
        key = f"{self._mark}-{planned.workflow}" if planned.cancelled else None
        wait = planned.deliver_in_ms
        answer = await self._carillon.notify(
            planned.workflow,
            planned.to,
            data=planned.data,
            deliver_at=None if wait is None else to_datetime(now_ms()) + timedelta(milliseconds=wait),
            cancellation_key=key,
        )
        if key is not None:
            await self._carillon.cancel(key)
        return Accepted(planned=planned, notifications={one["user"]: one["id"] for one in answer["notifications"]})

    async def _by_http(self, ingress: Ingress, pairs: list[tuple[Planned, dict[str, Any]]]) -> list[Accepted]:
        events = [event for _, event in pairs]
        if ingress is Ingress.BATCH:
            answer = await self._carillon.send_events(events)
            taken = answer["ids"]
        else:
            encode = _structured if ingress is Ingress.STRUCTURED else _binary
            taken = [await self._post(*encode(event)) for event in events]
        expected = [ids.event_id(TENANT, self._source, event["id"]) for event in events]
        if taken != expected:
            raise EventNotAccepted(f"{ingress}: the events {expected} became {taken}")
        return [self._accepted(planned, event) for planned, event in pairs]

    async def _post(self, headers: dict[str, str], body: bytes) -> str:
        """One event; AsyncClient sends batches only."""
        headers = {"Authorization": f"Bearer {self._stack.api_key}", **headers}
        url = self._stack.urls["ingest"] + "/v1/events"
        try:
            async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as response:
                answer = await response.read()
        except aiohttp.ClientError as error:
            raise UnreachableError(f"POST {url} got no answer: {type(error).__name__}") from error
        if response.status != 202:
            raise EventNotAccepted(f"POST {url}: {response.status} {answer.decode(errors='replace')[:500]}")
        (taken,) = orjson.loads(answer)["ids"]
        return str(taken)


def _structured(event: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    return {"Content-Type": STRUCTURED}, orjson.dumps(event)


def _binary(event: dict[str, Any], prefix: str = "ce-") -> tuple[dict[str, str], bytes]:
    plain = {name: value for name, value in event.items() if name not in ("data", "datacontenttype")}
    headers = {f"{prefix}{name}": value for name, value in plain.items()}
    return {"Content-Type": event["datacontenttype"], **headers}, orjson.dumps(event["data"])


def produce(kafka: str, pairs: Iterable[tuple[Planned, dict[str, Any]]]) -> None:
    """Writes to the public topic as a stranger would, with another client; blocks until all are acknowledged.

    Raises EventNotAccepted.
    """
    # murmur2_random: librdkafka's own partitioner would put a key elsewhere than Kafka's Java clients do.
    producer = Producer({"bootstrap.servers": kafka, "partitioner": "murmur2_random", "acks": "all"})
    failed: list[str] = []
    note = _noting(failed)
    for planned, event in pairs:
        if planned.ingress is Ingress.KAFKA_STRUCTURED:
            headers, body = _structured(event)
        else:
            headers, body = _binary(event, "ce_")
        named: list[tuple[str, str | bytes | None]] = [
            (name.replace("Content-Type", "content-type"), text.encode()) for name, text in headers.items()
        ]
        try:
            producer.produce(Topics().events, body, event["id"], headers=named, on_delivery=note)
        except (KafkaException, BufferError) as error:
            raise EventNotAccepted(f"Kafka does not take it: {error}") from error
    left = producer.flush(FLUSH_SECONDS)
    if failed or left:
        raise EventNotAccepted(f"Kafka acknowledged not all within {FLUSH_SECONDS} s: {left} open, {failed}")


def _noting(failed: list[str]) -> Callable[[Any, Any], None]:
    def note(error: Any, _: Any) -> None:
        if error is not None:
            failed.append(str(error))

    return note
