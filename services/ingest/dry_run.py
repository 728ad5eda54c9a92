"""The dry run: a request goes the way of every other one, up to the record that would be written; that is decided here.

So the same is refused with the same words, and what is shown is what the router would do, by the same functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

import msgspec
import pymongo
from fastapi import Request

from services.ingest.acceptance import Intake
from services.ingest.calls import Answer, Call, Caller
from services.ingest.core.durability import Durability
from services.ingest.models.body import InvalidFields
from services.ingest.models.notifications import SendRequest
from shared.deciding.foresight import Stage, foresee, foreseen_sentences, known_user, shown_items
from shared.deciding.instead import instead
from shared.deciding.routing_input import RoutingInput
from shared.deciding.sentences import Sentence, ShownItem
from shared.model.conditions import Condition, holds
from shared.model.did_you_mean import did_you_mean
from shared.model.fanouts import Member, StartedFanout, page_outputs
from shared.model.notifications import Notification
from shared.model.outputs import Output
from shared.model.profile_lookup import profile_lookup
from shared.model.records import decode_record
from shared.model.subscriptions import Subscription
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


class SubscriberList(Protocol):
    """Who knows the subscribers of topics."""

    async def of_topic(self, tenant: str, topic: str, /, *, most: int) -> Sequence[Subscription]:
        """The first of them. Raises MongoUnavailable."""
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
        self.fanout: StartedFanout | None = None
        """Of more recipients than are expanded at once."""

    async def insert(self, fanouts: Sequence[StartedFanout]) -> None:
        """As the store of fan-outs does, without it."""
        self.fanout = fanouts[0]

    def check_room(self) -> None:
        """There is room: nothing is kept for long."""

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
        subscribers: SubscriberList,
        topics: Topics,
        sender: Callable[[Rehearsal], RequestSender],
    ) -> None:
        """`sender` makes one that writes to a rehearsal."""
        self._loader = loader
        self._catalog = catalog
        self._subscribers = subscribers
        self._topics = topics
        self._sender = sender

    async def answer(self, call: Call, wanted: SendRequest, *, now: int) -> Answer:
        """200 with what would happen at `now` (milliseconds since the epoch).

        Raises what sending does; MongoUnavailable; NewerFormat.
        """
        rehearsal = Rehearsal(self._topics.notifications)
        await self._sender(rehearsal).send(call, wanted, trace=None, now=now)
        fanout = rehearsal.fanout
        with pymongo.timeout(LOAD_SECONDS):
            if fanout is not None:
                await rehearsal.accept(call.caller, Intake.NOTIFICATION, await self._first_of(fanout), MAX_SHOWN)
            notifications = rehearsal.notifications
            about = notifications[0] if fanout is None else fanout.template
            workflow = self._catalog.version(about.tenant, about.workflow, about.version)
            found = {} if workflow is None else await self._foresee(notifications, workflow, now, where_of(fanout))
        recipients = [
            RehearsedRecipientAnswer(user=user, items=shown_items(stages), sentences=foreseen_sentences(stages))
            for user, stages in found.items()
        ]
        body = {"dry_run": True, "workflow": about.workflow, "version": about.version, "recipients": recipients}
        if fanout is not None:
            body["audience"] = audience_of(fanout)
        return Answer(status=200, body=msgspec.json.encode(body))

    async def _first_of(self, fanout: StartedFanout) -> Iterable[Output]:
        """The records of the first of its members: of a list or a topic; all users are too many to look at."""
        members = [Member(each.id, None, each.contact) for each in fanout.listed[:MAX_SHOWN]]
        if fanout.topic is not None:
            found = await self._subscribers.of_topic(fanout.tenant, fanout.topic, most=MAX_SHOWN)
            members = [Member(each.user, each.life) for each in found]
        return page_outputs(self._topics, fanout, members)

    async def _foresee(
        self, notifications: Sequence[Notification], workflow: Workflow, now: int, where: Condition | None
    ) -> dict[str, list[Stage]]:
        """By recipient; an inline person who is a user is followed by what that user would get."""
        inputs = await self._loader.load(notifications, workflow, now)
        if where is not None:
            inputs = [
                each for each in inputs if each.profile is not None and holds(where, profile_lookup(each.profile))
            ]
        found = {each.notification.user: foresee(each) for each in inputs}
        others = [
            instead(each.notification, item)
            for each in inputs
            if (item := known_user(found[each.notification.user])) is not None
        ]
        for each in await self._loader.load(others, workflow, now) if others else ():
            found.setdefault(each.notification.user, foresee(each))
        return found


def where_of(fanout: StartedFanout | None) -> Condition | None:
    """What must hold of its members' profiles."""
    return None if fanout is None else fanout.where


def audience_of(fanout: StartedFanout) -> str:
    """Who it is for, of whom the first are looked at."""
    if fanout.listed:
        return f"a list of {len(fanout.listed)}, page by page; the first {MAX_SHOWN} of them are shown"
    whom = "all users" if fanout.topic is None else f"the subscribers of {fanout.topic}"
    some = "" if fanout.where is None else " of whom the condition holds"
    shown = "; nobody is shown" if fanout.topic is None else f"; those among the first {MAX_SHOWN} are shown"
    return f"{whom}{some}, page by page{shown}"


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


def refuse_dry_run(request: Request) -> None:
    """Raises InvalidFields where a call that has no dry run says `dry_run`, or something like it: it would be real."""
    if request.scope["query_string"] and is_dry_run(request):
        detail = "only POST /v1/notifications has a dry run; carillon catalog try shows what an event would start"
        raise InvalidFields("invalid_query", detail, [("", detail)])
