"""Scenes: what happens around the load of a broken product. Where nothing is broken, each ends without a fault."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from shared.process.failpoints import Failpoint

CORE: Final = ("sink", "ingest", "router", "scheduler", "delivery")


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One run of the load, and who ends in the middle of it."""

    name: str
    services: tuple[str, ...] = CORE
    dies: tuple[str, str] | None = None
    """A service, and the failpoint at which it dies (empty: it is killed halfway through the load).

    It is revived when all is accepted, and due what was scheduled.
    """
    twin: str | None = None
    """Of this service there is another one, without a failpoint."""
    killed: str | None = None
    """Halfway through the load; it is revived at once."""
    late: str | None = None
    """It begins when all is accepted."""
    quiet: bool = False
    """Some have quiet hours, which end soon."""
    audience: bool = False
    """Some of it goes to a topic's subscribers."""
    change: bool = False
    """Some opt out when something of theirs is decided."""
    failures: int = 40
    """Of webhooks, so that something is tried again."""
    trouble: dict[str, str] = field(default_factory=dict)
    """By service what it meets, in the table of troubles."""


CALM: Final = Scene(name="nobody ends")
CONNECTED: Final = Scene(name="users are connected", services=(*CORE, "gateway"))
CHANGING: Final = Scene(name="users change their minds", change=True)
QUIET: Final = Scene(name="quiet hours", quiet=True)
LATE_ROUTER: Final = Scene(name="the router begins late", late="router")
ROUTER_DIES: Final = Scene(name="the router dies over a decision", dies=("router", f"{Failpoint.AFTER_DECISION}:10"))
ROUTER_FORGETS: Final = Scene(
    name="the router is killed before it has committed anything",
    dies=("router", ""),
    trouble={"router": "router_troubles/nothing is committed"},
)
PAGE_DIES: Final = Scene(
    name="the router dies over a page", audience=True, dies=("router", f"{Failpoint.AFTER_PAGE}:1")
)
CLAIM_DIES: Final = Scene(
    name="delivery dies over what it has claimed", dies=("delivery", f"{Failpoint.AFTER_CLAIM}:60")
)
RECORD_DIES: Final = Scene(
    name="delivery dies over what it has recorded", dies=("delivery", f"{Failpoint.AFTER_RECORD}:60")
)
ROW_DIES: Final = Scene(
    name="delivery dies over an inbox row",
    dies=("delivery", f"{Failpoint.AFTER_INBOX_ROW}:5"),
)
HOLD_DIES: Final = Scene(
    name="one of two schedulers dies over what it has claimed",
    twin="scheduler",
    dies=("scheduler", f"{Failpoint.AFTER_HOLD_CLAIM}:3"),
)
DELETED_LATE: Final = Scene(
    name="holds are deleted late",
    failures=200,
    trouble={"scheduler": "scheduler_troubles/what is released is deleted a second later"},
)
GATEWAY_DIES: Final = Scene(name="the gateway is killed", services=(*CORE, "gateway"), killed="gateway")
INGEST_DIES: Final = Scene(name="ingest is killed", killed="ingest")
KAFKA_SILENT: Final = Scene(
    name="Kafka does not always answer ingest", trouble={"ingest": "ingest_troubles/every third write finds no Kafka"}
)
ANSWERS_LOST: Final = Scene(
    name="answers are lost", trouble={"ingest": "ingest_troubles/the first answer to a call is lost"}
)
