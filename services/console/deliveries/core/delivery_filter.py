"""Which deliveries are meant: what a caller says of them, checked, and as MongoDB is asked."""

from __future__ import annotations

from typing import Final

import msgspec

from services.console.core.paging import check_instant, check_one_of, check_text, times_between
from services.console.deliveries.core.state_row import OPEN, ROUTED
from shared.model.channels import Channel
from shared.model.deliveries import DeliveryState
from shared.model.event_types import ANY_BELOW
from shared.model.notification_states import NotificationState
from shared.model.receipts import ReceiptState

MAX_TEXT: Final = 300
ANY_OPEN: Final = "open"
"""All states behind which something is still to come."""
STATES: Final = tuple(
    sorted({"queued", *OPEN, *map(str, [*DeliveryState, *NotificationState, *ReceiptState])} - {ROUTED, "claimed"})
)


class DeliveryFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that is given must hold; `since` and `until` (which is not included) are RFC 3339 times of acceptance."""

    subject: str | None = None
    """What its event is about, as `complaint/123`."""
    state: str | None = None
    """Some of STATES, comma separated, or ANY_OPEN."""
    channel: str | None = None
    workflow: str | None = None
    """Its key; with `.*` at the end, all whose keys begin so."""
    user: str | None = None
    since: str | None = None
    until: str | None = None


def check_filter(wanted: DeliveryFilter) -> None:
    """Raises Invalid for what nothing can match."""
    for state in _split(wanted.state):
        check_one_of("state", state, [*STATES, ANY_OPEN])
    check_one_of("channel", wanted.channel, list(Channel))
    for name, text in (("subject", wanted.subject), ("workflow", wanted.workflow), ("user", wanted.user)):
        if text is not None:
            check_text(name, text, MAX_TEXT)
    for name, text in (("since", wanted.since), ("until", wanted.until)):
        if text is not None:
            check_instant(name, text)


def query_of(tenant: str, wanted: DeliveryFilter) -> dict[str, object]:
    """The MongoDB filter of a tenant's deliveries that are meant."""
    query: dict[str, object] = {"tenant": tenant}
    if wanted.state is None:
        query["state"] = {"$ne": ROUTED}
    else:
        states = [each for state in _split(wanted.state) for each in (OPEN if state == ANY_OPEN else [state])]
        query["state"] = {"$in": states}
    if wanted.workflow is not None:
        query["workflow"] = _keys(wanted.workflow)
    for name in ("subject", "channel", "user"):
        value = getattr(wanted, name)
        if value is not None:
            query[name] = value
    times = times_between(wanted.since, wanted.until)
    return query | {"accepted_at": times} if times else query


def _split(states: str | None) -> list[str]:
    return [] if states is None else [state.strip() for state in states.split(",")]


def _keys(workflow: str) -> object:
    begin = workflow.removesuffix(ANY_BELOW)
    return workflow if begin == workflow else {"$gte": f"{begin}.", "$lt": f"{begin}/"}  # `/` comes after `.`
