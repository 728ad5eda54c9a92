"""What is withdrawn: whoever has it in the inbox is told in the lane of in_app, behind all that was written there before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from shared.model import ids
from shared.model.channels import Channel
from shared.model.outputs import Output
from shared.model.records import Record, encode, withdraw
from shared.model.topics import Topics
from shared.model.withdrawals import InboxHolders, Withdrawal


class InboxHolderLookup(Protocol):
    """Whose inboxes have what."""

    async def holders(self, tenant: str, what: Withdrawal, after: str, /) -> InboxHolders:
        """Some of those who have anything of it in their inboxes, from where `after` says. Raises MongoUnavailable."""
        ...


class WithdrawnItems:
    """Looks at a bounded number of inboxes at a time."""

    def __init__(self, *, inboxes: InboxHolderLookup, topics: Topics) -> None:
        self._inboxes = inboxes
        self._topics = topics

    async def look(self, withdrawals: Sequence[Record]) -> list[Output]:
        """The records of those who have it, and those with which it goes on. Raises MongoUnavailable: call again.

        What is not in its inbox yet is not found: the channel, which puts it there, finds the key withdrawn by then.
        """
        outputs: list[Output] = []
        for record in withdrawals:
            tenant, what = record.tenant, record.withdraws
            if what is None:
                continue
            found = await self._inboxes.holders(tenant, what, record.after)
            lane = self._topics.deliveries(Channel.IN_APP)
            for user, life in found.users:
                theirs = withdraw(tenant, what, user=user, life=life)
                outputs.append(Output(lane, ids.user_key(tenant, user), encode(theirs), []))
            if found.after is not None:
                more = withdraw(tenant, what, after=found.after)
                outputs.append(Output(self._topics.notifications, ids.user_key(tenant, ""), encode(more), []))
        return outputs
