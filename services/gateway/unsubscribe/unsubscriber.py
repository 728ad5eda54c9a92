"""What an unsubscribe link does, once for all that come after its answer."""

from __future__ import annotations

import msgspec

from shared.model.errors import CarillonError
from shared.model.ports import RecordWriter
from shared.model.profiles import Profile
from shared.model.suppressions import Suppression, SuppressionReason
from shared.model.topics import Topics
from shared.model.unsubscribing import UnsubscribeLink
from shared.mongo import profiles, suppressions
from shared.mongo.database import Database
from shared.process.clock import now_ms

BY = "one-click"


class OutdatedLink(CarillonError):
    """The user whom it was sent to is deleted, whoever has the id now."""


class Unsubscriber:
    """Writes what links say."""

    def __init__(self, database: Database, writer: RecordWriter, topics: Topics) -> None:
        self._database = database
        self._writer = writer
        self._topics = topics

    async def unsubscribe(self, link: UnsubscribeLink) -> None:
        """Done again it changes nothing. Raises OutdatedLink; MongoUnavailable, KafkaUnavailable or Contended: try again.

        A user's preference is theirs to take back; of somebody without an account the address goes on the suppression list.
        """
        if link.address is not None:
            entry = Suppression(
                tenant=link.tenant,
                address=link.address,
                reason=SuppressionReason.UNSUBSCRIBED,
                category=link.category,
                created_at=now_ms(),
                by=BY,
            )
            await suppressions.put(self._database, self._writer, self._topics, entry)
        elif link.user is not None:
            await self._forbid(link, link.user)

    async def _forbid(self, link: UnsubscribeLink, user: str) -> None:
        def without(stored: Profile) -> Profile:
            if stored.life.number != link.life or stored.deleted or not stored.version:
                raise OutdatedLink
            set_ = stored.preferences
            if link.category is not None:
                set_ = msgspec.structs.replace(set_, categories=set_.categories | {link.category: False})
            if link.workflow is not None:
                set_ = msgspec.structs.replace(set_, workflows=set_.workflows | {link.workflow: False})
            return msgspec.structs.replace(stored, preferences=set_)

        await profiles.write(self._database, self._writer, self._topics, tenant=link.tenant, user=user, change=without)
