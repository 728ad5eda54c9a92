"""The Kafka client: events straight to the platform's log, without a hop over HTTP. Needs the extra `kafka`.

async with KafkaClient("broker:9092") as events:
    await events.send("order.shipped", {"order": "A-1"}, source="/shop", subject="ana")
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from importlib import import_module
from itertools import chain
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

from carillon.errors import ClientError, KafkaRejectedError, UnreachableError
from carillon.events import EventRecord, event_record
from carillon.timestamps import rfc3339

TOPIC: Final = "carillon.events.v1"
LOOKS: Final = 20
LOOK_SECONDS: Final = 0.1
_LARGE: Final = "keep an event below 1 MiB: store what is large elsewhere, and send where it is"
_CREDENTIALS: Final = "check security_protocol and the sasl_… arguments of KafkaClient"
FIXES: Final = {
    "AuthenticationFailedError": _CREDENTIALS,
    "ClusterAuthorizationFailedError": "give this client's principal the ACL IdempotentWrite on the cluster",
    "MessageSizeTooLargeError": _LARGE,
    "RecordListTooLargeError": _LARGE,
    "SaslAuthenticationFailed": _CREDENTIALS,
    "TopicAuthorizationFailedError": "give this client's principal the ACL Write on the topic",
}
"""Refusals that trying again cannot change, by aiokafka's name of them, and the next step."""


class KafkaClient:
    """Writes CloudEvents to one topic. Use it as a context manager; one serves all tasks of an event loop.

    Every event is acknowledged by all in-sync replicas (acks=all) and written once however often the
    producer repeats it (idempotent). Whoever may write to the topic is decided by the broker, so what it asks
    for goes into `connection`, as AIOKafkaProducer takes it: `security_protocol`, `ssl_context`, `sasl_mechanism`,
    `sasl_plain_username`, ... Raises ModuleNotFoundError where aiokafka is not installed.
    """

    def __init__(self, servers: str, *, topic: str = TOPIC, timeout: float = 30.0, **connection: Any) -> None:
        """`servers` as `host:port`, several with commas; `timeout` in seconds bounds connecting and each send."""
        self.servers = servers
        self.topic = topic
        self._timeout = timeout
        self._connection = connection
        self._aiokafka = _aiokafka()
        self._opening = asyncio.Lock()
        self._producer: Any = None
        self._entered = False

    async def __aenter__(self) -> Self:
        """Connects. Raises UnreachableError when no broker answers, KafkaRejectedError without access or topic."""
        if self._entered:
            raise RuntimeError("the client is entered already: one context serves all tasks")
        self._entered = True
        try:
            await self._connected()
        except BaseException:
            self._entered = False
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered = False
        await self._discard(self._producer)

    async def send(
        self,
        type: str,  # noqa: A002  # the attribute's name in the specification
        data: Any = None,
        *,
        source: str,
        subject: str | None = None,
        id: str | None = None,  # noqa: A002  # as above
        time: datetime | None = None,
        partitionkey: str | None = None,
        extensions: Mapping[str, str] | None = None,
    ) -> str:
        """Writes one event and returns its id when it is acknowledged.

        `data` is JSON; events with one `partitionkey` (else `subject`) stay in order. The platform takes what has
        the same `source` and `id` as one event, so with your own `id` it is safe to call again. Raises ValueError
        or TypeError for what is no event, KafkaRejectedError when Kafka refuses it (nothing was written), and
        UnreachableError without an acknowledgement in time (it may have been, or may yet be).
        """
        event_id = uuid4().hex if id is None else id
        record = event_record(
            {
                "specversion": "1.0",
                "id": event_id,
                "source": source,
                "type": type,
                "subject": subject,
                "time": rfc3339(time) if time else None,
                "partitionkey": partitionkey,
            },
            data,
            extensions or {},
        )
        producer = await self._connected()
        try:
            async with asyncio.timeout(self._timeout):
                await self._written(producer, record)
        except (TimeoutError, self._aiokafka.errors.KafkaError) as error:
            raise self._raised(error, f"did not acknowledge event {event_id}") from error
        return event_id

    async def _written(self, producer: Any, record: EventRecord) -> None:
        """Returns when it is acknowledged.

        Only what is refused before it was queued leaves the producer usable: all else has used up a sequence
        number, and what comes after would be refused for the gap.
        """
        queued = False
        try:
            acknowledged = await producer.send(self.topic, record.value, key=record.key, headers=record.headers)
            queued = True
            await acknowledged
        except self._aiokafka.errors.KafkaError as error:
            if queued or not isinstance(error, self._aiokafka.errors.MessageSizeTooLargeError):
                await self._discard(producer)
            raise

    async def _connected(self) -> Any:
        """The producer of all sends, opened by whoever needs one first."""
        self._check_entered()
        async with self._opening:
            if self._producer is None:
                self._producer = await self._opened()
            return self._producer

    def _check_entered(self) -> None:
        if not self._entered:
            raise RuntimeError("use the client as a context manager: async with KafkaClient(…) as events")

    async def _opened(self) -> Any:
        producer = self._aiokafka.AIOKafkaProducer(
            bootstrap_servers=self.servers, acks="all", enable_idempotence=True, **self._connection
        )
        _ask_only(producer.client)
        async with AsyncExitStack() as unless_opened:
            unless_opened.push_async_callback(_close, producer)
            try:
                async with asyncio.timeout(self._timeout):
                    await producer.start()
                    await self._found(producer.client)
            except (TimeoutError, self._aiokafka.errors.KafkaError) as error:
                raise self._raised(error, "does not answer") from error
            self._check_entered()  # it may have been left meanwhile
            unless_opened.pop_all()
        return producer

    async def _found(self, client: Any) -> None:
        """Returns when the broker knows the topic, which may take it a moment after it was made."""
        await client.set_topics([self.topic])
        for _ in range(LOOKS):
            if client.cluster.partitions_for_topic(self.topic) is not None:
                return
            if self.topic in client.cluster.unauthorized_topics:
                raise self._aiokafka.errors.TopicAuthorizationFailedError(self.topic)
            await asyncio.sleep(LOOK_SECONDS)
            await client.force_metadata_update()
        raise KafkaRejectedError(
            f"Kafka at {self.servers} has no topic {self.topic}",
            fix="name the platform's, KafkaClient(…, topic=…), or create it: carillon topics create",
        )

    async def _discard(self, producer: Any) -> None:
        """Ends a producer, and the sends that wait for it; the next send opens another."""
        if producer is not None and producer is self._producer:
            self._producer = None
            _fail_all(producer, self._aiokafka.errors.ProducerClosed())
            await _close(producer)

    def _raised(self, error: Exception, what: str) -> ClientError:
        """What is raised for an error of the library: a refusal with its fix, or that it is not known."""
        name = type(error).__name__
        if name in FIXES:
            return KafkaRejectedError(f"Kafka at {self.servers} refused: {error}", fix=FIXES[name])
        why = f"{self._timeout:g} s are over" if isinstance(error, TimeoutError) else str(error)
        return UnreachableError(f"Kafka at {self.servers} {what}: {why}")


def _ask_only(client: Any) -> None:
    """Whatever this client asks its brokers about is not created by that, as aiokafka would have it."""
    connect = client._get_conn

    async def connection(*args: Any, **more: Any) -> Any:
        found = await connect(*args, **more)
        return None if found is None else _AskingConnection(found)

    client._get_conn = connection


class _AskingConnection:
    """A connection as aiokafka's client asks for metadata on it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def send(self, request: Any) -> Any:
        request._allow_auto_topic_creation = False
        return self._connection.send(request)


def _fail_all(producer: Any, error: Exception) -> None:
    """Ends the sends that wait for `producer`."""
    accumulator = producer._message_accumulator
    accumulator.fail_all(error)
    for batch in chain(*accumulator._batches.values(), accumulator._pending_batches):
        batch._drain_waiter.exception()  # retrieved here: nobody else does, and asyncio would log it


async def _close(producer: Any) -> None:
    """Ends a producer with what it holds: its own stop() waits, for ever if need be, until all is acknowledged."""
    producer._closed = True
    sending = producer._sender.sender_task
    if sending is not None:
        sending.cancel()
    await producer.client.close()  # ends requests in flight, which the sender would wait for
    if sending is not None:
        await asyncio.wait({sending}, timeout=0.5)


def _aiokafka() -> Any:
    """The library, loaded by whoever needs it: without Kafka nobody has to install it."""
    try:
        return import_module("aiokafka")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "KafkaClient needs aiokafka: pip install 'carillon-client[kafka]'", name="aiokafka"
        ) from error
