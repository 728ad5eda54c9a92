"""The dry run: a request goes the way of every other one, up to the record that would be written; that is decided here.

So the same is refused with the same words, and what is shown is what the router would do, by the same functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

import msgspec
import pymongo
from fastapi import Request

from services.ingest.calls import Answer, Call, Caller
from services.ingest.core.did_you_mean import did_you_mean
from services.ingest.core.durability import Durability
from services.ingest.models.body import InvalidFields
from services.ingest.models.notifications import SendRequest
from shared.deciding.foresight import Stage, foresee, foreseen_sentences, instead, known_user, shown_items
from shared.deciding.routing_input import RoutingInput
from shared.deciding.sentences import Sentence, ShownItem
from shared.model.notifications import Notification
from shared.model.outputs import Output
from shared.model.records import decode_record
from shared.model.topics import Topics
from shared.model.workflows import Workflow

MAX_SHOWN: Final = 100
"""Recipients."""
LOAD_SECONDS: Final = 1.5


class InputsLoader(Protocol):
    """Who reads what the rules look at."""

    async def load(
        self, notifications: Sequence[Notification], workflow: Workflow, now: int, /
    ) -> Sequence[RoutingInput]:
        """What would be asked about each, in order. Raises MongoUnavailable or NewerFormat."""
        ...


class KnownVersions(Protocol):
    """Published workflows, as far as this process knows them."""

    def version(self, tenant: str, key: str, version: int, /) -> Workflow | None:
        """One version if it is known here. Raises NewerFormat."""
        ...


class RequestSender(Protocol):
    """Who sends a request."""

    async def send(self, call: Call, wanted: SendRequest, /, *, trace: str | None, now: int) -> Answer:
        """The answer, once all of it is accepted."""
        ...


class Rehearsal:
    """Takes what would be accepted, and keeps it: nothing is written."""

    def __init__(self, topic: str) -> None:
        """`topic`: that of notifications."""
        self._topic = topic
        self.notifications: list[Notification] = []

    async def accept(self, caller: Caller, intake: str, outputs: Iterable[Output], count: int) -> Durability:
        """As `Acceptance` does, without it."""
        del caller, intake, count
        for output in outputs:
            if len(self.notifications) == MAX_SHOWN:
                break
            about = decode_record(output.value).about if output.topic == self._topic else None
            if about is not None:
                self.notifications.append(about)
        return Durability.LOG


class RehearsedRecipientAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What one recipient would get."""

    user: str
    items: list[ShownItem]
    sentences: list[Sentence]


class DryRuns:
    """Answers dry runs."""

    def __init__(
        self,
        *,
        loader: InputsLoader,
        catalog: KnownVersions,
        topics: Topics,
        sender: Callable[[Rehearsal], RequestSender],
    ) -> None:
        """`sender` makes one that writes to a rehearsal."""
        self._loader = loader
        self._catalog = catalog
        self._topic = topics.notifications
        self._sender = sender

    async def answer(self, call: Call, wanted: SendRequest, *, now: int) -> Answer:
        """200 with what would happen at `now` (milliseconds since the epoch).

        Raises what sending does; MongoUnavailable; NewerFormat.
        """
        rehearsal = Rehearsal(self._topic)
        await self._sender(rehearsal).send(call, wanted, trace=None, now=now)
        notifications = rehearsal.notifications
        version = notifications[0].version if notifications else 0
        workflow = self._catalog.version(call.caller.tenant, wanted.workflow, version)
        found: Mapping[str, list[Stage]] = {}
        if workflow is not None:
            with pymongo.timeout(LOAD_SECONDS):
                found = await self._foresee(notifications, workflow, now)
        recipients = [
            RehearsedRecipientAnswer(user=user, items=shown_items(stages), sentences=foreseen_sentences(stages))
            for user, stages in found.items()
        ]
        body = {"dry_run": True, "workflow": wanted.workflow, "version": version, "recipients": recipients}
        return Answer(status=200, body=msgspec.json.encode(body))

    async def _foresee(
        self, notifications: Sequence[Notification], workflow: Workflow, now: int
    ) -> dict[str, list[Stage]]:
        """By recipient; an inline person who is a user is followed by what that user would get."""
        inputs = await self._loader.load(notifications, workflow, now)
        found = {each.notification.user: foresee(each) for each in inputs}
        others = [
            instead(each, item).notification
            for each in inputs
            if (item := known_user(found[each.notification.user])) is not None
        ]
        for each in await self._loader.load(others, workflow, now) if others else ():
            found.setdefault(each.notification.user, foresee(each))
        return found


def is_dry_run(request: Request) -> bool:
    """Whether the query says `dry_run=true`. Raises InvalidFields for what may have been meant so: it would be sent."""
    wanted = False
    for name, value in request.query_params.multi_items():
        if name == "dry_run":
            if value not in ("true", "false"):
                detail = f"dry_run is true or false, not {value[:40]!r}"
                raise InvalidFields("invalid_query", detail, [("", detail)])
            wanted = value == "true"
        elif meant := did_you_mean(name.replace("-", "_"), ["dry_run"]):
            detail = f"there is no parameter {name[:40]!r}{meant}"
            raise InvalidFields("invalid_query", detail, [("", detail)])
    return wanted
