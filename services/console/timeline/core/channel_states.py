"""The state of each channel of a notification, folded from its statuses.

States are ranked by (generation, pass): the decision first, then what the delivery came to.
The order in which statuses were received does not matter, and a status seen twice changes nothing. What a provider told
of a generation counts over what its worker said, where that was the last word.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from shared.model import ids
from shared.model.deliveries import TERMINAL as DELIVERY_ENDS
from shared.model.notification_states import ENDED
from shared.model.receipts import TELLS_OF, ReceiptState
from shared.model.timestamps import from_datetime, rfc3339

ENDS: Final = frozenset({*map(str, DELIVERY_ENDS), *map(str, ENDED)}) | frozenset(map(str, ReceiptState))
TOLD_RANKS: Final = {str(state): rank for rank, state in enumerate(ReceiptState, 1)}
OUTCOMES: Final = {"deliver": "queued", "hold": "held", "suppress": "suppressed"}
NO_STATES: Final = frozenset({"count", "gather", "replace"})
"""Items that say what else a decision did."""


class TimelineState(StrEnum):
    """Whether anything is still to come."""

    OPEN = "open"
    TERMINAL = "terminal"


class ChannelState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One channel's state; `channel` None: the notification as a whole."""

    state: str
    at: str
    generation: int
    pass_: int = msgspec.field(name="pass")
    terminal: bool = False
    channel: str | None = None
    step: str | None = None
    delivery: str | None = None
    reason: str | None = None
    until: str | None = None


StepChannel = tuple[str | None, str | None]
"""Step and channel."""


def channel_states(rows: Iterable[Mapping[str, Any]]) -> list[ChannelState]:
    """The state of each channel, in the order of steps; empty when nothing was decided yet."""
    rows = sorted(rows, key=_rank)
    decided = {row["subject"] for row in rows if isinstance(row["data"].get("items"), list)}
    found: dict[StepChannel, ChannelState] = {}
    places: dict[str, StepChannel] = {}
    told: dict[StepChannel, ChannelState] = {}
    for row in rows:
        data = row["data"]
        if isinstance(data.get("items"), list):
            if row["subject"] == data.get("notification"):
                _go_on(found)
            for item in data["items"]:
                if item["outcome"] in NO_STATES:
                    continue
                place = (item.get("step"), item.get("channel"))
                if place[1] is not None:
                    found.pop((None, None), None)
                if "delivery" in item:
                    places[item["delivery"]] = place
                found[place] = _decided(row, item)
        elif row["type"].startswith("carillon.delivery."):
            place = places.get(row["subject"], (data.get("step"), data.get("channel")))
            (told if _word(row) in TOLD_RANKS else found)[place] = _sent(row, place, decided)
    for place, receipt in told.items():
        sent = found.get(place, receipt)
        if receipt.generation == sent.generation and (sent is receipt or sent.state in TELLS_OF):
            found[place] = receipt
    return [found[place] for place in sorted(found, key=lambda place: (place[0] or "", place[1] or ""))]


def is_decided(rows: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the decision on the notification as a whole is among the statuses.

    The router publishes it beside the deliveries, and a worker may be faster than the log: what it sent is then told of
    before the channels are known that nothing is sent on.
    """
    return any(
        row["subject"] == row["data"].get("notification") for row in rows if isinstance(row["data"].get("items"), list)
    )


def progress(found: Iterable[ChannelState]) -> TimelineState:
    """Terminal when every channel has ended."""
    states = [channel_state.terminal for channel_state in found]
    return TimelineState.TERMINAL if states and all(states) else TimelineState.OPEN


def _go_on(found: dict[StepChannel, ChannelState]) -> None:
    """The run was decided again: where it waited before, it does not any more."""
    for place in [place for place, waits in found.items() if place[1] is None and not waits.terminal]:
        del found[place]


def _rank(row: Mapping[str, Any]) -> tuple[int, int, int, int]:
    data = row["data"]
    word = _word(row)
    stage = 0 if "items" in data else 2 if word in ENDS else 1
    stage += TOLD_RANKS.get(word, 0)
    return data.get("generation", 0), data.get("pass", 0), stage, from_datetime(row["at"])


def _word(row: Mapping[str, Any]) -> str:
    return str(row["type"]).rpartition(".")[2]


def _decided(row: Mapping[str, Any], item: Mapping[str, Any]) -> ChannelState:
    state = OUTCOMES.get(item["outcome"], item["outcome"])
    if state == "suppressed" and item.get("reason") in ENDS:
        state = item["reason"]  # expired, cancelled, digested and superseded are states of their own
    return _channel_state(row, state, (item.get("step"), item.get("channel")), item)


def _sent(row: Mapping[str, Any], place: StepChannel, decided: Collection[str]) -> ChannelState:
    state = _channel_state(row, _word(row), place, {"delivery": row["subject"]} | row["data"])
    goes_on = row["data"].get("fallback") and ids.fallback_id(row["subject"]) not in decided
    return msgspec.structs.replace(state, terminal=False) if goes_on else state


def _channel_state(row: Mapping[str, Any], state: str, place: StepChannel, fields: Mapping[str, Any]) -> ChannelState:
    return ChannelState(
        state=state,
        at=rfc3339(from_datetime(row["at"])),
        generation=row["data"].get("generation", 0),
        pass_=row["data"].get("pass", 0),
        terminal=state in ENDS,
        step=place[0],
        channel=place[1],
        delivery=fields.get("delivery"),
        reason=fields.get("reason"),
        until=fields.get("due"),
    )
