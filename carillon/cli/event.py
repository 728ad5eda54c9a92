"""What became of an event as text (pure): each workflow that it started, whom it found, and the next step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.text import Text

from shared.deciding.plain_words import meaning, next_step

MAX_LEFT_OUT: Final = 20
"""Recipients that are shown of one workflow."""


def lines(report: Mapping[str, Any]) -> Iterator[Text]:
    """The report, line by line."""
    dead = report["state"] == "dead"
    state = ("dead", "bold red") if dead else ("expanded", "bold green")
    yield Text.assemble((report["type"] or "event", "bold"), f" from {report['source'] or 'the API'}   ", state)
    yield Text(f"event {report['event']}   tenant {report['tenant']}", "dim")
    if report["accepted_at"]:
        yield Text(f"accepted {report['accepted_at']}", "dim")
    if report["generation"]:
        yield Text(f"expanded anew {report['generation']} times", "dim")
    yield Text()
    for workflow in report["workflows"]:
        yield from _workflow(workflow, many=any(one["workflow"] == workflow["workflow"] for one in report["fanouts"]))
    if report["reason"] and not report["workflows"]:
        yield Text.assemble("  ", (meaning(report["reason"]), "red" if dead else "yellow"))
    for fanout in report["fanouts"]:
        yield _fanout(fanout)
    for notification in report["notifications"]:
        last = str(notification["last"]).removeprefix("carillon.")
        yield Text(f"  {notification['id']}  {notification['workflow']} for {notification['user']}  {last}")
    for step in _steps(report):
        yield Text.assemble(("Next: ", "bold"), step.replace("EVENT", report["event"]))


def _workflow(row: Mapping[str, Any], *, many: bool) -> Iterator[Text]:
    title = f"{row['workflow']} v{row['version']}"
    if row["outcome"] == "not_expanded":
        yield Text.assemble(("✗ ", "red"), (title, "bold"), f": {_left_out(row)}")
    elif row["outcome"] == "nobody":
        yield Text.assemble(("… ", "yellow"), (title, "bold"), f": {meaning('nobody_named')}")
    else:
        found = f"{row['notifications']} notified" if row["notifications"] or not many else "a fan-out"
        yield Text.assemble(("✓ ", "green"), (title, "bold"), f": {found}")
    left_out = row.get("left_out", [])
    for entry in left_out[:MAX_LEFT_OUT]:
        yield Text.assemble("    ", ("left out ", "red"), _left_out(entry))
    if len(left_out) > MAX_LEFT_OUT:
        yield Text(f"    … and {len(left_out) - MAX_LEFT_OUT} more", "dim")


def _fanout(row: Mapping[str, Any]) -> Text:
    whom = (
        f"topic {row['topic']}" if row.get("topic") else f"{row['listed']} named" if row.get("listed") else "all users"
    )
    skipped = f", {row['skipped']} skipped by its condition" if row["skipped"] else ""
    counts = f"{row['state']}, {row['recipients']} notified{skipped}"
    return Text(f"  {row['id']}  fan-out of {row['workflow']} to {whom}: {counts}")


def _left_out(row: Mapping[str, Any]) -> str:
    return f"{row['detail']} ({row['reason']}{' at ' + row['pointer'] if row.get('pointer') else ''})"


def _steps(report: Mapping[str, Any]) -> list[str]:
    """What somebody has to do, each once."""
    reasons = [report["reason"], *(row.get("reason") for row in report["workflows"])]
    steps = (next_step(reason) for reason in reasons if reason)
    return list(dict.fromkeys(step for step in steps if step))
