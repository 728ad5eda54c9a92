"""What `route` looks at, read from MongoDB as it is now: for who asks what would be decided. Nothing is written or kept."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shared.deciding.asked import asked
from shared.deciding.history_book import HistoryBook
from shared.deciding.routing_input import RoutingInput
from shared.model import formats
from shared.model.formats import NewerFormat
from shared.model.notifications import Notification
from shared.model.profiles import Profile
from shared.model.workflows import Workflow
from shared.mongo import profiles
from shared.mongo.address_owners import AddressOwners
from shared.mongo.cancellations import Cancellations
from shared.mongo.database import Database
from shared.mongo.histories import Histories


class DecidingInputs:
    """Loads the inputs of new notifications, with as few queries for a hundred as for one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, notifications: Sequence[Notification], workflow: Workflow, now: int) -> list[RoutingInput]:
        """What would be asked about each, in order, were it decided at `now` (milliseconds since the epoch).

        Raises MongoUnavailable; NewerFormat for what only a newer version of Carillon can read.
        """
        if not notifications:
            return []
        known = await profiles.read_many(self._database, sorted({_user_key(one) for one in notifications}))
        owners = await AddressOwners(self._database).owners(notifications)
        counts = await Cancellations(self._database).counts(notifications)
        found: list[RoutingInput] = []
        for one, owner, count in zip(notifications, owners, counts, strict=True):
            stored = known.get(_user_key(one))
            if owner is not None and owner.newer:
                raise NewerFormat("profile", owner.newer)
            life = _readable(stored).life.number if stored is not None else 0
            found.append(
                RoutingInput(
                    notification=msgspec.structs.replace(one, life=max(one.life, life)),
                    workflow=workflow,
                    profile=None if stored is None or stored.deleted else stored,
                    life=life,
                    owner=owner,
                    cancel_count=count,
                    now=now,
                )
            )
        return await self._with_history(found)

    async def _with_history(self, found: Sequence[RoutingInput]) -> list[RoutingInput]:
        """Each as if the others were not sent with it."""
        wanted = [asked(inputs) for inputs in found]
        asking = [each for each in wanted if each is not None]
        if not asking:
            return list(found)
        book = HistoryBook(await Histories(self._database).load(asking))
        return [
            inputs if ask is None else msgspec.structs.replace(inputs, history=book.view(ask))
            for inputs, ask in zip(found, wanted, strict=True)
        ]


def _user_key(one: Notification) -> str:
    return f"{one.tenant}:{one.user}"


def _readable(stored: Profile) -> Profile:
    if stored.format > formats.FORMAT:
        raise NewerFormat("profile", stored.format)
    return stored
