"""Rate limits: which there are, and when the next message of each may go (the generic cell rate algorithm)."""

from __future__ import annotations

import re
from collections import OrderedDict
from enum import StrEnum
from math import inf
from typing import Final, NamedTuple

from shared.model.channels import Channel

MAX_KEYS: Final = 100_000
MAX_RATES: Final = 64
_ENTRY: Final = re.compile(
    r"(?P<channel>[a-z_]+)(?:/(?P<account>[a-z0-9_-]+)|@(?P<each>tenant|recipient))?\s*=\s*"
    r"(?P<count>\d{1,6})(?:\s*/\s*(?P<seconds>\d{1,6}(?:\.\d{1,3})?)s?)?"
)


class RateScope(StrEnum):
    """What shares a limit, the narrowest first."""

    RECIPIENT = "recipient"
    TENANT = "tenant"
    ACCOUNT = "account"
    CHANNEL = "channel"

    @property
    def is_shared(self) -> bool:
        """Whether several tenants share it."""
        return self in (RateScope.ACCOUNT, RateScope.CHANNEL)


SCOPES: Final = tuple(RateScope)


class Turn(NamedTuple):
    """When a delivery may go, in milliseconds since the epoch, and how many of the scopes have given it its turn.

    Not all of them, where one of them makes it wait for long: the wider ones are asked when it comes back, as many may
    come back at once.
    """

    at: int
    scopes: int = len(SCOPES)


class Rate(NamedTuple):
    """At most `most` in any `seconds`, all of which may go at once."""

    channel: Channel
    scope: RateScope
    most: int
    seconds: float
    account: str | None = None

    @property
    def interval_ms(self) -> float:
        """Between two, when they go evenly."""
        return self.seconds * 1000 / self.most


def parse_rates(text: str) -> tuple[Rate, ...]:
    """`email=14, sms/twilio=10, sms@tenant=5, telegram@recipient=1/60s`. Raises ValueError, which says what may be written."""
    found = [_rate(part.strip()) for part in text.split(",") if part.strip()]
    if len({rate[:2] + rate[4:] for rate in found}) < len(found):
        raise ValueError("each limit once")
    if len(found) > MAX_RATES:
        raise ValueError(f"{len(found)} limits: at most {MAX_RATES} are taken")
    return tuple(found)


def _rate(part: str) -> Rate:
    found = _ENTRY.fullmatch(part)
    if found is None or not int(found["count"]) or float(found["seconds"] or 1) <= 0:
        raise ValueError(
            f"{part[:60]!r}: write channel=count for one second, or channel=count/60s; of one account channel/account=…, "
            "of each tenant or recipient channel@tenant=…, channel@recipient=…"
        )
    if found["channel"] not in tuple(Channel):
        raise ValueError(f"there is no channel {found['channel'][:40]!r}: there are {', '.join(Channel)}")
    scope = RateScope.ACCOUNT if found["account"] else RateScope(found["each"] or RateScope.CHANNEL)
    return Rate(Channel(found["channel"]), scope, int(found["count"]), float(found["seconds"] or 1), found["account"])


class CellRates:
    """When each key's next message may go. Times are milliseconds of one clock; the first ones go at once."""

    def __init__(self) -> None:
        self._next: OrderedDict[str, float] = OrderedDict()
        """By key, when the next would be due if they went evenly."""

    def reserve(self, key: str, rate: Rate, now: int, until: float = inf) -> int:
        """The earliest time from `now` on: it is this message's, whether it goes then or not.

        Unless that is at `until` or later: then it will never go, and keeps nobody behind it waiting.
        """
        at = self.next(key, rate, now)
        due = self._next.pop(key, 0.0)
        self._next[key] = max(due, float(now)) + rate.interval_ms if at < until else due
        while len(self._next) > MAX_KEYS:
            self._next.popitem(last=False)
        return at

    def next(self, key: str, rate: Rate, now: int) -> int:
        """The earliest time from `now` on, which stays free."""
        return round(max(float(now), self._next.get(key, 0.0) - (rate.most - 1) * rate.interval_ms))

    def is_idle(self, key: str, now: int) -> bool:
        """Whether so few went lately that all that may go at once may."""
        return self._next.get(key, 0.0) <= now
