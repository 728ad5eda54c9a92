"""A record of a lane between its reading and the commit of its offset."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.delivery.core.asked import AskedAccounts
from services.delivery.core.cell_rates import Turn
from shared.model.dead_letters import UnreadableRecord
from shared.model.deliveries import ReceivedDelivery
from shared.model.formats import NewerFormat


@dataclass(slots=True)
class Job:
    """`claimed`: it must be let to finish when its partition is revoked; before its claim it may be dropped."""

    received: ReceivedDelivery | UnreadableRecord | NewerFormat
    claimed: bool = False
    asked: AskedAccounts = field(default_factory=AskedAccounts)
    ended: bool = False
    """Its send has; what was asked is in `asked`."""
    gives_way: bool = False
    """It is over its share: it is parked for a while instead of sent."""
    turn: Turn | None = None
    """It is over a rate limit, and parked until its turn."""
    leaves: bool = False
    """Its partition goes: it is finished if it is claimed, and else dropped."""
