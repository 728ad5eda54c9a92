"""What the demonstration shows: one line per channel of each notification, then the totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

from sandbox.demo.outcomes import Found, Row
from sandbox.demo.plan import LATER, LIVE, NAMES, Accepted
from sandbox.demo.received import Received
from sandbox.demo.sums import FINE, Sums
from shared.model.timestamps import to_datetime

STYLES: Final = {"sent": "green", "held": "yellow", "suppressed": "dim", "cancelled": "dim", "expired": "dim"}
IN_APP: Final = {LIVE: "live on the socket", LATER: "on connecting afterwards", "": "in the inbox"}
PLACES: Final = {"email": "at the SMTP server", "webhook": "at the HTTP server"}


def outcomes(accepted: Sequence[Accepted], found: Found, received: Received, zones: Mapping[str, str]) -> Table:
    """Event, user, channel, outcome with its reason, milliseconds from accept to receipt."""
    table = Table("event", "user", "channel", "outcome", box=None, pad_edge=False)
    table.add_column("ms", justify="right")
    for one in accepted:
        lines = [row for notification in one.notifications.values() for row in found.get(notification, [])]
        first = iter([Text(one.planned.workflow, "bold"), *(Text(f"  {line}", "dim") for line in _about(one))])
        for user, part in groupby(lines, key=lambda row: row.user):
            for position, row in enumerate(part):
                name = NAMES.get(user, user) if position == 0 else ""
                table.add_row(next(first, ""), name, row.channel or "all", _outcome(row, zones), _ms(row, received))
        for rest in first:
            table.add_row(rest)
        table.add_row()
    return table


def totals(sums: Sums) -> Table:
    """The sums, each as an equation."""
    table = Table.grid(padding=(0, 2))
    parts = " + ".join(f"{sums.states[state]} {state}" for state in FINE if sums.states[state])
    table.add_row("accepted", f"{sums.accepted} notifications from {sums.events} events by {sums.ways} ways")
    table.add_row("decided", f"{sums.decided} of {sums.accepted}")
    table.add_row("channel decisions", f"{sums.decisions} = {parts}")
    for channel, place in PLACES.items():
        table.add_row(channel, f"{sums.sent[channel]} sent = {sums.received[channel]} {place}")
    table.add_row("in_app", f"{sums.sent['in_app']} sent = {_in_app(sums)}")
    return table


def _about(one: Accepted) -> tuple[str, ...]:
    planned = one.planned
    return (planned.ingress, planned.note) if planned.note else (planned.ingress,)


def _in_app(sums: Sums) -> str:
    places = Counter(IN_APP.get(user, IN_APP[""]) for user in sums.in_app.elements())
    return " + ".join(f"{count} {place}" for place, count in places.items()) or "0"


def _outcome(row: Row, zones: Mapping[str, str]) -> Text:
    text = Text(row.state, STYLES.get(row.state, "bold red"))
    if row.until is not None and row.state == "held":
        zone = zones.get(row.user, "UTC")
        text.append(f" until {to_datetime(row.until).astimezone(ZoneInfo(zone)):%H:%M} in {zone}")
    if row.state == "sent" and row.channel == "in_app":
        text.append(f", {IN_APP.get(row.user, IN_APP[''])}")
    if row.state == "cancelled":
        text.append(" by its key")
    elif row.reason:
        text.append(f": {row.reason.replace('_', ' ')}")
    return text


def _ms(row: Row, received: Received) -> str:
    times = received.get((row.notification, row.channel or ""))
    return f"{times[0] - row.accepted_at}" if times else ""
