"""Fan-outs: what is for more people than are expanded at once. They are walked page by page through a topic of its own.

Everything that follows from one is derived: its id from the event and the workflow, each notification's id from these
and the user. So whatever is made twice is met as a duplicate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from shared.model import formats, ids, records
from shared.model.conditions import Condition
from shared.model.errors import FAULTY_FORMAT, Invalid, InvalidRecord
from shared.model.expansion import MAX_EXPANDED, Request, expand
from shared.model.notifications import Contact, Notification
from shared.model.outputs import Coordinates, FormatFault, Output
from shared.model.recipients import MAX_RECIPIENTS, Recipient
from shared.model.statuses import Subject, status
from shared.model.topics import Topics
from shared.model.workflows import Workflow

PAGE: Final = 500
"""Members that are read, and notified, at once."""
MAX_LISTED: Final = 10_000
"""Recipients of a list; its fan-out keeps them in its document."""
MAX_DATA: Final = MAX_EXPANDED // MAX_RECIPIENTS
"""Bytes of data, which each notification holds: as many as the longest list that is expanded at once may have."""


class FanoutState(StrEnum):
    """Where one stands."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    """No further page is read; what was made of earlier ones goes its way."""


class StartedFanout(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is sent, and to whom: a topic's subscribers, those of a list, or else all users of the tenant."""

    id: str
    template: Notification
    """The notification, for nobody yet."""
    topic: str | None = None
    listed: tuple[Recipient, ...] = ()
    where: Condition | None = None
    """What must hold of a member's profile."""
    named_at: int | None = None
    """When those of the list were named, in milliseconds since the epoch; None: when it was accepted."""

    @property
    def tenant(self) -> str:
        """Whose users they are."""
        return self.template.tenant

    @property
    def format(self) -> int:
        """The smallest that reads it."""
        return max(FANOUTS_SINCE, self.template.format)


FANOUTS_SINCE: Final = 2
"""The format that they came with."""


class FanoutProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far one is. What it counts is of the pages that are done: the page under way is not in it."""

    id: str
    tenant: str
    event: str
    workflow: str
    version: int
    state: FanoutState
    pages: int
    """Read so far."""
    recipients: int
    skipped: int
    """Members of whom `where` does not hold."""
    started_at: int
    """Milliseconds since the epoch, as `ended_at`."""
    ended_at: int | None = None
    topic: str | None = None
    listed: int | None = None
    """How many the list has."""


class FanoutPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record of the topic: page `page` is to be read, after `cursor`. One of each fan-out is under way."""

    fanout: str
    page: int = 1
    cursor: str = ""
    recipients: int = 0
    """Of the pages before."""
    skipped: int = 0
    format: int = formats.OLDEST


class TakenPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page that is this process's to carry out; cancelled: there is nothing to read any more."""

    fanout: StartedFanout
    """Its list has no more than the page's own."""
    page: FanoutPage
    is_listed: bool = False
    """Its members are those of a list, of which there may be none left."""
    cancelled: bool = False


class Member(NamedTuple):
    """Somebody who is meant."""

    user: str
    life: int | None = None
    """Whose the user id is, where that is known; None: `decide` finds out."""
    contact: Contact | None = None


class MemberPage(NamedTuple):
    """The members of a page. `cursor` is where the next begins; None: there is none."""

    members: tuple[Member, ...]
    skipped: int
    cursor: str | None


def fanout_id(event: str, workflow: str) -> str:
    """One event by one workflow."""
    return ids.derive("fanout", event, workflow)


def start_fanout(
    request: Request,
    workflow: Workflow,
    *,
    topic: str | None = None,
    listed: Iterable[Recipient] = (),
    where: Condition | None = None,
) -> StartedFanout:
    """What is to be stored before its first page is written; `request` names no recipients.

    Raises Invalid when the data is too much for as many.
    """
    if len(request.data) > MAX_DATA:
        detail = f"{len(request.data)} bytes of data; at most {MAX_DATA} go to more than {MAX_RECIPIENTS} recipients"
        raise Invalid("expanded_too_large", detail, "/data")
    [template] = expand(msgspec.structs.replace(request, recipients=(Recipient(id=""),)), workflow)
    return StartedFanout(
        id=fanout_id(request.event_id, workflow.key),
        template=msgspec.structs.replace(template, id="", topic=topic),
        topic=topic,
        listed=tuple({recipient.id: recipient for recipient in listed}.values()),
        where=where,
    )


def start_outputs(topics: Topics, fanout: StartedFanout) -> list[Output]:
    """The record of its first page and the status; written once its row is there."""
    started = _status(topics, fanout, "started", fanout.template.accepted_at, {"topic": fanout.topic})
    return [page_output(topics, FanoutPage(fanout=fanout.id)), started]


def end_output(topics: Topics, fanout: StartedFanout, state: FanoutState, page: FanoutPage, at: int) -> Output:
    """The status of its end, with what `page` counts; `at` in milliseconds since the epoch."""
    counts = {"pages": page.page, "recipients": page.recipients, "skipped": page.skipped}
    return _status(topics, fanout, state.value, at, counts)


def page_output(topics: Topics, page: FanoutPage) -> Output:
    """Its record; all of a fan-out's are in one partition, in order."""
    return Output(topics.fanouts, page.fanout.encode(), _encoder.encode(page), [])


def decode_page(raw: bytes | None, fault: FormatFault | None = None) -> FanoutPage:
    """Raises InvalidRecord when the bytes are no such record, or all that a `fault` left; NewerFormat."""
    if fault is not None:
        raise InvalidRecord(fault, FAULTY_FORMAT)
    try:
        page = _decoder.decode(raw or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        formats.check_undecodable("fan-out page", raw)
        raise InvalidRecord("unreadable_record", str(error)) from error
    formats.check("fan-out page", page.format)
    return page


def page_outputs(topics: Topics, fanout: StartedFanout, members: Iterable[Member]) -> Iterator[Output]:
    """A record to decide for each member, made when it is asked for; the actor is not notified of it.

    Of a list it is about those who had their ids when they were named.
    """
    template, topic, tenant = fanout.template, topics.notifications, fanout.tenant
    event, workflow, actor = template.event_id, template.workflow, template.actor
    named = records.named_at(template.accepted_at if fanout.named_at is None else fanout.named_at)
    for user, life, contact in members:
        if user == actor:
            continue
        found = msgspec.structs.replace(
            template,
            id=ids.notification_id(event, workflow, user),
            user=user,
            life=life or 0,
            contact=contact,
        )
        record, headers = records.notify(found), named
        if life is not None:
            record, headers = msgspec.structs.replace(record, in_its_life=True), []
        yield Output(topic, ids.user_key(tenant, user), records.encode(record), headers)


def listed_from(cursor: str) -> int:
    """How many of a list the pages before have had, if it is the cursor of a list."""
    return int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) <= len(str(MAX_LISTED)) else 0


def takes(page: FanoutPage, row_page: int, at: Coordinates, row_at: Coordinates | None) -> bool:
    """Whether a record is the next page's, or the one that took its page before and is read again."""
    return page.page == row_page + 1 or (page.page == row_page and at == row_at)


def _status(topics: Topics, fanout: StartedFanout, state: str, at: int, data: Mapping[str, object]) -> Output:
    template = fanout.template
    about: dict[str, object] = {
        "event_id": template.event_id,
        "workflow": template.workflow,
        "version": template.version,
    }
    return status(
        topics.statuses,
        area="fanout",
        state=state,
        subject=Subject(fanout.id, 0, 0),
        tenant=fanout.tenant,
        user=fanout.id,
        at=at,
        data={"fanout": fanout.id, **about, **data},
    )


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(FanoutPage)
