"""Sends notifications to explicit recipients: expanded here, durable before the answer."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final, Protocol
from uuid import uuid4

import msgspec
import orjson

from services.ingest.acceptance import Intake, RecordAcceptance
from services.ingest.calls import Answer, Call, Caller
from services.ingest.data_checks import data_faults
from services.ingest.models.audiences import AudienceBody
from services.ingest.models.body import InvalidFields
from services.ingest.models.notifications import SendRequest
from services.ingest.unknown_users import UnknownUsers, found_by
from shared.http.problems import Problem, unavailable
from shared.model import expansion, ids, records
from shared.model.collapse_keys import collapse_key_of
from shared.model.data_paths import value_at
from shared.model.did_you_mean import did_you_mean
from shared.model.errors import Invalid
from shared.model.fanouts import StartedFanout, start_fanout, start_outputs
from shared.model.formats import NewerFormat
from shared.model.notifications import Notification
from shared.model.outputs import Output
from shared.model.ports import CancellationCounter
from shared.model.recipients import MAX_RECIPIENTS, Recipient
from shared.model.topics import Topics
from shared.model.workflows import Workflow

EVENT_TYPE: Final = "carillon.api.notification"
"""The event type of what was sent by this API."""
LOOK_SECONDS: Final = 1.0
"""Between two looks at MongoDB for a workflow that is not known here."""
_PROCESS: Final = uuid4().hex
_CALLS: Final = count()


class NewestWorkflows(Protocol):
    """The newest version of each published workflow, as far as this process knows them."""

    def newest(self, tenant: str, key: str, /) -> Workflow | None:
        """The newest version known here; None: none is. Raises NewerFormat when only a newer Carillon can read it."""
        ...

    def keys(self, tenant: str, /) -> list[str]:
        """The keys of a tenant's workflows, for "did you mean"."""
        ...

    async def read(self, tenant: str, key: str, /) -> None:
        """Reads what is published of one workflow now. Raises MongoUnavailable."""
        ...


class FanoutStarter(Protocol):
    """Where fan-outs are kept."""

    async def insert(self, fanouts: Sequence[StartedFanout], /) -> None:
        """Stores what is started; one that is there already stays as it is. Raises MongoUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class _Records:
    """The records of notifications, each made when it is asked for: all of them hold the same data."""

    topic: str
    notifications: Sequence[Notification]

    def __iter__(self) -> Iterator[Output]:
        for one in self.notifications:
            yield Output(self.topic, ids.user_key(one.tenant, one.user), records.encode(records.notify(one)), [])


class NotificationSender:
    """Expands a checked request by its workflow and makes the notifications durable."""

    def __init__(
        self,
        *,
        acceptance: RecordAcceptance,
        catalog: NewestWorkflows,
        cancellations: CancellationCounter,
        fanouts: FanoutStarter,
        topics: Topics,
        unknown_users: UnknownUsers,
        console_url: str = "",
    ) -> None:
        """`console_url`: where timelines are; empty: behind the same address."""
        self._console_url = console_url
        self._unknown_users = unknown_users
        self._acceptance = acceptance
        self._catalog = catalog
        self._cancellations = cancellations
        self._fanouts = fanouts
        self._topics = topics
        self._looked_at = 0.0

    async def send(self, call: Call, wanted: SendRequest, *, trace: str | None, now: int) -> Answer:
        """202 when every notification is durable; `now` in milliseconds since the epoch.

        Raises InvalidFields for an unknown workflow, Problem 413 or 503, MongoUnavailable for what needs it.
        """
        caller = call.caller
        workflow = await self.published(caller, wanted.workflow)
        if wrong := data_faults(workflow, wanted.data or {}):
            raise InvalidFields("invalid_data", f"data is not as {workflow.key} asks", wrong)
        data, named = orjson.dumps(wanted.data or {}), wanted.recipients
        cancels_by = None if wanted.cancellation_key is None else caller.cancels_by(wanted.cancellation_key)
        request = expansion.Request(
            tenant=caller.tenant,
            event_id=ids.event_id(caller.tenant, expansion.API_SOURCE, call_name(call)),
            event_type=EVENT_TYPE,
            source=expansion.API_SOURCE,
            recipients=(),
            data=data,
            accepted_at=now,
            actor=wanted.actor,
            deliver_at=wanted.instant,
            deliver_local=wanted.local_time,
            expires_at=wanted.expires_at,
            priority=wanted.priority,
            cancellation_key=cancels_by,
            cancel_count=await self._count(caller, cancels_by),
            traceparent=trace,
            collapse_key=_collapse_key(wanted, workflow),
            subject=wanted.subject,
            max_retries=wanted.max_retries,
            test=caller.test,
            supersedes=wanted.supersedes,
        )
        if isinstance(named, AudienceBody) or len(named) > MAX_RECIPIENTS:
            return await self._fan_out(caller, request, workflow, named)
        if len(data) * len(named) > expansion.MAX_EXPANDED:
            raise _too_large(f"data times recipients is more than {expansion.MAX_EXPANDED} bytes")
        expanded = expansion.expand(msgspec.structs.replace(request, recipients=tuple(named)), workflow)
        outputs = _Records(self._topics.notifications, expanded)
        look = self._unknown_users.begin(caller.tenant, [one.user for one in expanded if one.contact is None])
        try:
            durability = await self._acceptance.accept(caller, Intake.NOTIFICATION, outputs, len(expanded))
            unknown = await found_by(look)
        finally:
            if look is not None:
                look.cancel()
        first = expanded[0]
        answer: dict[str, object] = {
            "id": first.event_id,
            "notifications": [{"id": notification.id, "user": notification.user} for notification in expanded],
            "durability": durability,
        }
        if unknown:
            answer["unknown_users"] = unknown
        location = {"Location": f"{self._console_url}/v1/notifications/{first.id}/timeline"}
        return Answer(status=202, body=orjson.dumps(answer), headers=location)

    async def _fan_out(
        self, caller: Caller, request: expansion.Request, workflow: Workflow, named: AudienceBody | list[Recipient]
    ) -> Answer:
        """202 when the fan-out is stored, and the record of its first page durable. Raises as `send`."""
        try:
            if isinstance(named, AudienceBody):
                started = start_fanout(request, workflow, topic=named.topic, where=named.where)
            else:
                started = start_fanout(request, workflow, listed=named)
        except Invalid as error:
            raise _too_large(error.detail) from error
        self._acceptance.check_room()
        with caller.within_preparation():
            await self._fanouts.insert([started])
        outputs = start_outputs(self._topics, started)
        durability = await self._acceptance.accept(caller, Intake.NOTIFICATION, outputs, 1)
        answer = {"id": request.event_id, "notifications": [], "fanouts": [started.id], "durability": durability}
        return Answer(status=202, body=orjson.dumps(answer), headers={"Location": f"/v1/fanouts/{started.id}"})

    async def published(self, caller: Caller, key: str) -> Workflow:
        """The newest version of a workflow. Raises InvalidFields for an unknown one, Problem 503, MongoUnavailable."""
        workflow = self._newest(caller, key)
        if workflow is None and time.monotonic() - self._looked_at > LOOK_SECONDS:
            self._looked_at = time.monotonic()
            with caller.within_preparation():
                await self._catalog.read(caller.tenant, key)  # its announcement may be on the way
            workflow = self._newest(caller, key)
        if workflow is not None:
            return workflow
        detail = f"there is no workflow {key!r}{did_you_mean(key, self._catalog.keys(caller.tenant))}"
        raise InvalidFields("unknown_workflow", detail, [("/workflow", detail)])

    def _newest(self, caller: Caller, key: str) -> Workflow | None:
        try:
            return self._catalog.newest(caller.tenant, key)
        except NewerFormat as error:
            raise unavailable(f"{key} was published by a newer version of Carillon; one will answer") from error

    async def _count(self, caller: Caller, cancellation_key: str | None) -> int:
        """The key's counter, which a cancel raises. Raises MongoUnavailable: without it nothing keyed is accepted."""
        if cancellation_key is None:
            return 0
        with caller.within_preparation():
            return await self._cancellations.count(caller.tenant, cancellation_key)


def check_expanded(data_bytes: int, recipients: int) -> None:
    """Raises Problem 413 for data that is too large for so many recipients, as they are expanded at once."""
    if data_bytes * recipients > expansion.MAX_EXPANDED:
        raise _too_large(f"data times recipients is more than {expansion.MAX_EXPANDED} bytes")


def _too_large(detail: str) -> Problem:
    fix = "Send to fewer recipients at once, or put a link into data instead of the contents."
    return Problem(413, "expanded_too_large", detail, fix=fix)


def _collapse_key(wanted: SendRequest, workflow: Workflow) -> str | None:
    """The request's own, else what stands where the workflow looks for it."""
    if wanted.collapse_key is not None or workflow.collapse_key is None:
        return wanted.collapse_key
    return collapse_key_of(value_at(wanted.data, workflow.collapse_key))


def call_name(call: Call) -> str:
    """What names the event of a call: the same call is the same event, also where nobody could look it up."""
    return f"{_PROCESS}{next(_CALLS):x}" if call.key is None else f"{call.key}{ids.SEPARATOR}{call.fingerprint}"
