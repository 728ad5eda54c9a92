"""Receipts of the inbox: that an item reached a socket of its user, where its workflow wants that to be told."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from shared.model.outputs import Output
from shared.model.receipts import ReceiptState
from shared.model.statuses import Subject, copy_facts, status


class InboxOwner(NamedTuple):
    """Whose: a user key, and the user's life."""

    user_key: str
    life: int


class CaughtUp(NamedTuple):
    """What a client has had by the time that it is live, by offsets: all up to `since`, and those of `others`."""

    since: int = -1
    others: frozenset[int] = frozenset()


class ReachedItem(NamedTuple):
    """An item that is marked as delivered, and not known to be told."""

    subject: Subject
    """Its delivery, and where that stood."""
    tenant: str
    user: str
    notification: str
    workflow: str
    step: str | None
    at: int
    """When it first reached a socket; milliseconds since the epoch."""
    variant: str | None = None
    locale: str | None = None


class ReceiptRows(Protocol):
    """Where it is kept: the inbox rows, or a twin. All methods raise MongoUnavailable, and may be repeated."""

    async def reach(
        self, batch: str, queued: Mapping[str, str], caught_up: Mapping[InboxOwner, CaughtUp], /
    ) -> list[ReachedItem]:
        """Marks what is not marked yet as delivered, and returns that: deliveries by user key, and what clients have had.

        `batch` names the call. Repeated with the same name it returns what it marked before as well, or leaves that to
        `undone`.
        """
        ...

    async def done(self, deliveries: Collection[str], /) -> None:
        """The statuses of these are durable."""
        ...

    async def undone(self, seconds: float, most: int, /) -> list[ReachedItem]:
        """What was marked longer ago than that, and whose status nobody said to be durable."""
        ...


def reached_status(topic: str, item: ReachedItem) -> Output:
    """`carillon.delivery.delivered`, the same however often it is told."""
    return status(
        topic,
        area="delivery",
        state=ReceiptState.DELIVERED,
        subject=item.subject,
        tenant=item.tenant,
        user=item.user,
        at=item.at,
        data={
            "notification": item.notification,
            "delivery": item.subject.id,
            "channel": "in_app",
            "step": item.step,
            "workflow": item.workflow,
            **copy_facts(item.variant, item.locale),
        },
    )
