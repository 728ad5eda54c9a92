"""A timeline as text: what happened to a notification, rule by rule, its state now, and the next step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.text import Text

from carillon.cli.explain import since
from carillon.cli.program import pasteable
from shared.deciding.plain_words import meaning, next_step
from shared.model.reasons import Reason
from shared.model.timestamps import parse_rfc3339

TimelineJson = Mapping[str, Any]
GOOD: Final = frozenset({"sent", "delivered", "queued", "routed", "passed", "seen", "read"})
WAITS: Final = frozenset({"held", "retrying", "parked", "stale", "claimed"})
KINDS: Final[dict[str, str]] = {
    "notify": "decided",
    "release": "decided again: the hold came due",
    "retry": "decided again: the next attempt is due",
    "stale": "decided again: it waited too long in its lane",
    "redrive": "decided again: its dead letter was sent again",
    "failed": "the rest of its step decided: it failed for good, or its provider is down for long",
}
MARKS: Final = {"held": ("… ", "yellow"), "suppressed": ("✗ ", "red")}
STOPPED: Final = frozenset({"held", "suppressed", "unknown"})
INDENT: Final = " " * 13


def lines(timeline: TimelineJson) -> Iterator[Text]:
    """The timeline, line by line."""
    yield from _head(timeline)
    start = _start(timeline)
    yield _step(0, "received", f"as event {timeline['event_id']}" if timeline.get("event_id") else "")
    if not timeline.get("complete", True):
        yield Text(f"{INDENT}… older entries are left out", "yellow")
    for at, row in _steps(timeline):
        if "rules" in row:
            yield from _decision(at - start, row)
        elif "outcome" in row:
            yield _attempt(at - start, row)
        else:
            yield _status(at - start, row)
    yield Text()
    yield from _now(timeline)


def summary(timeline: TimelineJson) -> Text:
    """Its channels in one line."""
    text, whole = Text(), _whole_name(timeline)
    for position, channel in enumerate(timeline["channels"]):
        text.append("   " if position else "")
        text.append(f"{channel.get('channel', whole)} ")
        text.append(_state(channel))
    return text if timeline["channels"] else Text("not decided yet", "yellow")


def _head(timeline: TimelineJson) -> Iterator[Text]:
    state = ("ended", "bold green") if timeline["state"] == "terminal" else ("open", "bold yellow")
    version = f" v{timeline['version']}" if timeline.get("version") else ""
    what = f"{timeline.get('workflow') or 'unknown workflow'}{version}"
    yield Text.assemble((what, "bold"), " for ", (timeline["user"], "bold"), "   ", state)
    yield Text(f"notification {timeline['notification']}   tenant {timeline['tenant']}", "dim")
    if timeline.get("event_type"):
        yield Text(f"started by {timeline['event_type']}", "dim")
    if timeline.get("accepted_at"):
        yield Text(f"accepted {timeline['accepted_at']}", "dim")
    yield Text()


def _start(timeline: TimelineJson) -> int:
    if timeline.get("accepted_at"):
        return parse_rfc3339(timeline["accepted_at"])
    return min((at for at, _ in _steps(timeline)), default=0)


def _steps(timeline: TimelineJson) -> list[tuple[int, TimelineJson]]:
    """Decisions, the statuses that are not theirs, and attempts, by time."""
    decided = {(row["partition"], row["offset"]) for row in timeline["decisions"]}
    rows = [*timeline["decisions"]]
    for entry in timeline["entries"]:
        detail = entry["detail"]
        if (detail.get("partition"), detail.get("offset")) not in decided:
            rows.append(entry)
    for delivery in timeline["deliveries"]:
        rows += delivery.get("log", ())
    return sorted(((parse_rfc3339(row["at"]), row) for row in rows), key=lambda pair: pair[0])


def _step(ms: int, what: str, detail: str, style: str = "bold") -> Text:
    return Text.assemble((f"{since(ms):>11}  ", "dim"), (what, style), f"  {detail}" if detail else "")


def _decision(ms: int, row: TimelineJson) -> Iterator[Text]:
    where = f"{row['topic']}[{row['partition']}]@{row['offset']}, profile v{row['profile_version']}"
    yield Text.assemble(_step(ms, KINDS.get(str(row["kind"]), str(row["kind"])), ""), (f"  {where}", "dim"))
    about = dict.fromkeys((rule.get("step"), rule.get("channel")) for rule in row["rules"])
    for step, channel in about:
        rules = [rule for rule in row["rules"] if (rule.get("step"), rule.get("channel")) == (step, channel)]
        yield from [_channel(channel, rules)] if channel else _whole(step, rules)


def _whole(step: str | None, rules: list[TimelineJson]) -> Iterator[Text]:
    """The rules of the whole, or of a step, that passed in one line, and the one that stopped it."""
    passed = ", ".join(_words(rule["rule"]) for rule in rules if rule["result"] == "passed")
    if passed:
        yield Text.assemble(INDENT, ("✓ ", "green"), (f"{step}: " if step else "", "bold"), passed)
    for rule in rules:
        if rule["result"] in STOPPED:
            yield Text.assemble(*_mark(rule), (f"{step}: " if step else "", "bold"), _result(rule))


def _channel(channel: str, rules: list[TimelineJson]) -> Text:
    """A channel's rules in one line, up to the one that stopped it."""
    stopped = next((rule for rule in rules if rule["result"] in STOPPED), None)
    passed = ", ".join(_words(rule["rule"]) for rule in rules if rule["result"] == "passed")
    if stopped is None:
        return Text.assemble(INDENT, ("✓ ", "green"), (channel, "bold"), f": {passed} → ", ("queued", "green"))
    before = f"{passed} → " if passed else ""
    return Text.assemble(*_mark(stopped), (channel, "bold"), f": {before}", _result(stopped))


def _mark(rule: TimelineJson) -> tuple[str, tuple[str, str]]:
    return INDENT, MARKS.get(rule["result"], ("? ", "yellow"))


def _result(rule: TimelineJson) -> Text:
    until = f" until {rule['until']}" if rule.get("until") else ""
    style = "yellow" if rule["result"] == "held" else "red"
    because = f": {meaning(rule['reason'])}" if rule.get("reason") else ""
    clause = f" ({rule['clause']})" if rule.get("clause") else ""
    return Text.assemble(f"{_words(rule['rule'])} → ", (f"{rule['result']}{until}", style), because, clause)


def _status(ms: int, entry: TimelineJson) -> Text:
    detail = entry["detail"]
    parts = [f"attempt {detail['attempts']}"] if detail.get("attempts") else []
    parts += [meaning(entry["reason"])] if entry.get("reason") else []
    parts += [f"code {detail['code']}"] if detail.get("code") else []
    parts += [f"variant {detail['variant']}"] if detail.get("variant") else []
    when = "at the latest at" if entry["state"] == "parked" else "next at"
    parts += [f"{when} {detail['due']}"] if detail.get("due") else []
    channel = f"{entry['channel']} " if entry.get("channel") else f"{entry['type']} "
    return _step(ms, f"{channel}{entry['state']}", ", ".join(parts), _style(entry["state"]))


def _attempt(ms: int, row: TimelineJson) -> Text:
    parts = [row["outcome"], *([f"code {row['code']}"] if row.get("code") else []), f"{row['latency_ms']} ms"]
    return _step(ms, f"{row['account']}", ", ".join(parts), "dim")


def _now(timeline: TimelineJson) -> Iterator[Text]:
    """The state of each channel, and what somebody has to do."""
    yield Text("Now", "bold")
    if not timeline["channels"]:
        yield Text(pasteable("  not decided yet; is the router running? carillon status"), "yellow")
    reached = any(channel["state"] in GOOD | WAITS for channel in timeline["channels"])
    steps: dict[str, None] = {}
    for channel in timeline["channels"]:
        yield Text.assemble(f"  {channel.get('channel', _whole_name(timeline)):<10} ", _state(channel))
        reason = channel.get("reason")
        step = next_step(reason) if reason else None
        if step and not (reached and reason == Reason.NO_ADDRESS):  # who is reached elsewhere may do without
            steps[step.replace("{user}", timeline["user"])] = None
    for step in steps:
        yield Text.assemble(("Next: ", "bold"), pasteable(step))


def _whole_name(timeline: TimelineJson) -> str:
    """What a state of no channel is about: all of it, or what would have followed the channels that are shown."""
    return "the rest" if any(channel.get("channel") for channel in timeline["channels"]) else "all channels"


def _state(channel: TimelineJson) -> Text:
    until = f" until {channel['until']}" if channel.get("until") and not channel.get("terminal") else ""
    why = f" ({meaning(channel['reason'])})" if channel.get("reason") else ""
    return Text.assemble((f"{channel['state']}{until}", _style(channel["state"])), why)


def _style(state: str) -> str:
    return "green" if state in GOOD else "yellow" if state in WAITS else "red"


def _words(rule: str) -> str:
    return rule.replace("_", " ")
