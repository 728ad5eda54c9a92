"""The step kind `digest`: the first notification holds the digest, the others join it and end.

When its time comes, or when it is full, the digest closes: what it has is frozen in that decision, and the run of the
one that holds it goes on for all of them.
"""

from __future__ import annotations

from typing import Final

from shared.deciding.digest_content import wanted
from shared.deciding.facts import Facts, key_of, slot_id
from shared.deciding.history import OpenDigest
from shared.deciding.items import DigestChange, Gathered
from shared.deciding.routing_input import RoutingInput
from shared.deciding.steps.run import After, StepResult, StepRun
from shared.deciding.zones import zone_of
from shared.model import ids
from shared.model.crons import next_time
from shared.model.holds import Cause
from shared.model.profiles import DigestFrequency
from shared.model.reasons import Reason
from shared.model.records import Kind
from shared.model.rules import Rule
from shared.model.steps import DigestStep
from shared.model.timestamps import DAY_MS
from shared.model.workflows import Workflow

CHOSEN: Final = {
    DigestFrequency.HOURLY: "0 * * * *",
    DigestFrequency.DAILY: "0 9 * * *",
    DigestFrequency.WEEKLY: "0 9 * * 1",
}
LATEST_CLOSE_MS: Final = 3_600_000
"""After its time."""
LONGEST_SLIDE: Final = 10
"""Times its seconds."""


def advance(run: StepRun, event: Kind, now: int) -> StepResult:
    """Opens, joins or closes."""
    step, inputs = run.step, run.inputs
    assert isinstance(step, DigestStep)  # noqa: S101  # ADVANCE says so
    slot = digest_slot(inputs, step, run.facts)
    open_ = inputs.history.digests.get(slot) if inputs.history else None
    if event is Kind.RELEASE and inputs.digest is not None:
        return _close(run, step, slot, open_, now)
    frequency = _frequency(inputs, run.workflow) if step.user_choice else None
    if frequency is DigestFrequency.IMMEDIATE:
        return StepResult()
    if open_ is not None and open_.items < step.max_items and now < _open_until(open_):
        return _join(run, step, slot, open_, now, chosen=frequency is not None)
    return _open(run, step, slot, _due(run, step, frequency, now), now, chosen=frequency is not None)


def digest_slot(inputs: RoutingInput, step: DigestStep, facts: Facts) -> str:
    """Where the user's open digest of this step and key stands."""
    by = key_of(facts(step.by)) if step.by is not None else ""
    return slot_id(inputs.notification, inputs.notification.life, step.key, by)


def close(inputs: RoutingInput, step: DigestStep, facts: Facts) -> Gathered:
    """The digest that the run holds ends here, with what it has."""
    content, workflow = inputs.history.content if inputs.history is not None else None, inputs.workflow
    content = wanted(content, workflow) if content is not None and workflow is not None else None
    return Gathered(
        rule=Rule.DIGEST, change=DigestChange.CLOSE, digest=inputs.digest or "", slot=digest_slot(inputs, step, facts),
        step=step.key,
        items=content.count if content else 0,
        members=content.members if content else (),
    )  # fmt: skip


def _open_until(open_: OpenDigest) -> int:
    """Until when others join: who holds it may be late, but not for ever; then nobody holds it any more."""
    return open_.due if open_.holder is None else open_.due + LATEST_CLOSE_MS


def _open(run: StepRun, step: DigestStep, slot: str, due: int, now: int, *, chosen: bool) -> StepResult:
    about = run.inputs.notification
    at_once = step.first_at_once and not chosen  # who asked for daily ones gets none before
    digest = ids.derive("digest", slot, about.id)
    opened = Gathered(
        rule=Rule.DIGEST, change=DigestChange.OPEN, digest=digest, slot=slot, step=step.key, due=due, opened_at=now,
        items=0 if at_once else 1,
        holder=None if at_once else about.id,
    )  # fmt: skip
    if at_once:
        return StepResult(items=(opened,))
    return StepResult(
        items=(opened, run.hold(Reason.DIGEST_OPEN, Rule.DIGEST, Cause.DIGEST, due, digest)), after=After.WAITS
    )


def _join(run: StepRun, step: DigestStep, slot: str, open_: OpenDigest, now: int, *, chosen: bool) -> StepResult:
    about, due, items = run.inputs.notification, open_.due, open_.items + 1
    if step.sliding and not chosen and step.seconds is not None and open_.holder is not None:
        due = max(due, min(now, open_.opened_at + (LONGEST_SLIDE - 1) * step.seconds * 1000) + step.seconds * 1000)
    joined = Gathered(
        rule=Rule.DIGEST, change=DigestChange.JOIN, digest=open_.id, slot=slot, step=step.key, due=due, items=items,
        opened_at=open_.opened_at,
        holder=open_.holder or about.id,
        hold=open_.hold if items >= step.max_items else None,
    )  # fmt: skip
    if open_.holder is None:  # the first went at once; this one goes when the time is over
        hold = run.hold(Reason.DIGEST_OPEN, Rule.DIGEST, Cause.DIGEST, due, open_.id)
        return StepResult(items=(joined, hold), after=After.WAITS)
    return StepResult(items=(joined, run.suppress(Reason.DIGESTED, Rule.DIGEST, digest=open_.id)), after=After.ENDS)


def _close(run: StepRun, step: DigestStep, slot: str, open_: OpenDigest | None, now: int) -> StepResult:
    digest = run.inputs.digest or ""
    mine = open_ is not None and open_.id == digest
    if open_ is not None and mine and open_.due > now and open_.items < step.max_items:  # it slid on meanwhile
        hold = run.hold(Reason.DIGEST_OPEN, Rule.DIGEST, Cause.DIGEST, open_.due, digest)
        slid = Gathered(
            rule=Rule.DIGEST, change=DigestChange.SLIDE, digest=digest, slot=slot, step=step.key, due=open_.due,
            items=open_.items, opened_at=open_.opened_at,
            holder=run.inputs.notification.id,
        )  # fmt: skip
        return StepResult(items=(slid, hold), after=After.WAITS)
    return StepResult(items=(close(run.inputs, step, run.facts),))


def _frequency(inputs: RoutingInput, workflow: Workflow) -> DigestFrequency | None:
    chosen = inputs.preferences.digests if inputs.preferences is not None else {}
    for name in (workflow.key, workflow.category, "*"):
        if name in chosen:
            return chosen[name]
    return None


def _due(run: StepRun, step: DigestStep, frequency: DigestFrequency | None, now: int) -> int:
    cron = CHOSEN[frequency] if frequency is not None else step.cron
    if cron is None:
        return now + (step.seconds or 0) * 1000
    contact = run.inputs.notification.contact
    zone = zone_of(run.inputs.profile, contact.zone if contact is not None else None)
    found = next_time(cron, zone, now)
    return now + DAY_MS if found is None else found
