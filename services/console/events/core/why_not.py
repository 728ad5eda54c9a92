"""Why somebody did not get something of an event: made of the event's report and of what happened to their notifications."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from services.console.events.core.event_report import EventReport, FanoutEntry, WorkflowEntry
from services.console.timeline.core.why import Why
from shared.deciding.plain_words import meaning, next_step
from shared.deciding.sentences import Sentence
from shared.model.expansion import PartOutcome
from shared.model.reasons import EventReason


class WhyNot(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one event for one user, in sentences."""

    event: str
    tenant: str
    user: str
    notifications: list[str]
    """The user's notifications of it."""
    sentences: list[Sentence]
    next_steps: list[str]


def started_workflows(report: EventReport) -> list[str]:
    """The keys of all workflows that the event started, each once."""
    every = (
        *(entry.workflow for entry in report.workflows),
        *(entry.workflow for entry in report.fanouts),
        *(found.workflow for found in report.notifications if found.workflow),
    )
    return list(dict.fromkeys(every))


def why_not(report: EventReport, user: str, found: Mapping[str, Why]) -> WhyNot:
    """The answer; `found` is what happened to the user's notifications, by workflow."""
    sentences = [*_event(report), *_missing(report, user, found)]
    steps = _next_steps(report, found)
    for one in found.values():
        sentences += [*one.sentences, *map(_now, one.now)]
        steps += one.next_steps
    return WhyNot(
        event=report.event,
        tenant=report.tenant,
        user=user,
        notifications=[one.notification for one in found.values()],
        sentences=sentences,
        next_steps=list(dict.fromkeys(steps)),
    )


def _now(sentence: Sentence) -> Sentence:
    """Where it stands, behind all that happened: without the time at which it came to that."""
    return msgspec.structs.replace(sentence, text=f"Now: {sentence.text}", at=None)


def _event(report: EventReport) -> Iterator[Sentence]:
    started = ", ".join(f"{entry.workflow} v{entry.version}" for entry in report.workflows)
    what = f" It started {started}." if started else ""
    yield Sentence(text=f"The event {report.type or 'of a request'} was accepted.{what}", at=report.accepted_at)
    if report.reason and not report.workflows:
        detail = f" ({report.detail})" if report.detail else ""
        yield Sentence(text=f"It notified nobody: {meaning(report.reason)}{detail}.", reason=report.reason)


def _missing(report: EventReport, user: str, found: Mapping[str, Why]) -> Iterator[Sentence]:
    """Why the workflows that did not notify the user did not."""
    entries = {entry.workflow: entry for entry in report.workflows}
    fanouts = {entry.workflow: entry for entry in report.fanouts}
    for workflow in started_workflows(report):
        if workflow in found:
            continue
        if workflow in fanouts:
            yield _of_fanout(fanouts[workflow], user)
        elif workflow in entries:
            yield _of_workflow(entries[workflow], user)
        else:
            yield Sentence(text=f"{workflow} did not name {user} among its recipients.")


def _of_workflow(entry: WorkflowEntry, user: str) -> Sentence:
    where = f", at {entry.pointer}" if entry.pointer else ""
    if entry.reason is not None:
        text = f"{entry.workflow} notified nobody: {meaning(entry.reason)} ({entry.detail}{where})."
        return Sentence(text=text, reason=entry.reason)
    if entry.outcome is PartOutcome.NOBODY:
        reason = EventReason.NOBODY_NAMED.value
        return Sentence(text=f"{entry.workflow} notified nobody: {meaning(reason)}.", reason=reason)
    left_out = "".join(f"; left out: {one.detail} at {one.pointer}" for one in entry.left_out)
    others = f"{entry.workflow} notified {entry.notifications}, and did not name {user} among them{left_out}."
    return Sentence(text=others, reason=entry.left_out[0].reason if entry.left_out else None)


def _of_fanout(entry: FanoutEntry, user: str) -> Sentence:
    if entry.state == "running":
        text = f"{entry.workflow} goes to many, page by page: {entry.recipients} so far, {user} not yet, or not among them."
        return Sentence(text=text)
    if entry.state == "cancelled":
        return Sentence(
            text=f"{entry.workflow} was cancelled after {entry.recipients}, before it was the turn of {user}."
        )
    whom = f"subscribers of {entry.topic}" if entry.topic else "of its list" if entry.listed else "users"
    text = (
        f"{entry.workflow} went to {entry.recipients} {whom}; {user} was not among them: "
        "not subscribed, the one who did it, no user then, or its condition did not hold of the profile."
    )
    return Sentence(text=text)


def _next_steps(report: EventReport, found: Mapping[str, Why]) -> list[str]:
    """What can be done about what did not come to a notification."""
    reasons: Sequence[str | None] = [
        *(entry.reason for entry in report.workflows if entry.workflow not in found),
        None if report.workflows else report.reason,
    ]
    steps = (next_step(reason) for reason in reasons if reason)
    return [step.replace("EVENT", report.event) for step in steps if step]
