"""A workflow as a flowchart in Mermaid's language: its steps, branches, waits, channels and fallbacks (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.catalog.durations import in_words
from shared.model.conditions import Condition
from shared.model.step_order import walk
from shared.model.steps import (
    BranchStep,
    ChannelChoice,
    ChannelStep,
    DelayStep,
    DigestStep,
    LatePolicy,
    Step,
    StepKind,
    ThrottleStep,
    WaitForReadStep,
)
from shared.model.workflow_recipients import Audience
from shared.model.workflows import Workflow

_SHAPES: Final = {
    StepKind.CHANNEL: ("[", "]"),
    StepKind.DELAY: ("[/", "/]"),
    StepKind.DIGEST: ("[[", "]]"),
    StepKind.THROTTLE: ("{{", "}}"),
    StepKind.WAIT_FOR_READ: ("{", "}"),
    StepKind.BRANCH: ("{", "}"),
}
_END: Final = "done"


def mermaid(workflow: Workflow) -> str:
    """The flowchart's text; paste it into a Markdown file, or at https://mermaid.live."""
    return "\n".join(["flowchart TD", *(f"    {line}" for line in _lines(workflow)), ""])


def _lines(workflow: Workflow) -> Iterator[str]:
    names = {step.key: f"s{number}" for number, (_, step) in enumerate(walk(workflow.steps), 1)}
    started = _quoted(" or ".join(workflow.on) or f"notifications of {workflow.key}")
    condition = f'|"{_quoted("when " + condition_text(workflow.when))}"|' if workflow.when else ""
    yield f'event(["{started}"]) -->{condition} {_to(workflow.steps[0], names)}'
    if recipients := _recipients(workflow):
        yield f'event -. "{_quoted(recipients)}" .- people(("recipients"))'
    for _, step in walk(workflow.steps):
        name = names[step.key]
        opened, closed = _SHAPES[step.kind]
        yield f'{name}{opened}"{_quoted(_label(step))}"{closed}'
        following = _to(workflow.order.after(step.key), names)
        if isinstance(step, BranchStep):
            for branch in step.branches:
                first = _to(branch.steps[0], names) if branch.steps else following
                yield f'{name} -->|"{_quoted(condition_text(branch.when))}"| {first}'
            yield f"{name} -->|otherwise| {_to(step.otherwise[0], names) if step.otherwise else following}"
        elif isinstance(step, WaitForReadStep):
            yield f"{name} -->|{'seen' if step.seen else 'read'}| {_END}"
            yield f"{name} -->|not yet| {following}"
        elif isinstance(step, ThrottleStep):
            yield f"{name} -->|within it| {following}"
            yield f"{name} -->|more| {_END}"
        else:
            yield from _fallbacks(step, name)
            yield f"{name} --> {following}"
    yield f'{_END}(["end"])'


def _to(step: Step | None, names: dict[str, str]) -> str:
    return _END if step is None else names[step.key]


def _fallbacks(step: Step, name: str) -> Iterator[str]:
    """The channels that follow the first one, each when the one before has failed."""
    if not isinstance(step, ChannelStep) or step.deliver is not ChannelChoice.FIRST:
        return
    waits = step.fallback_after_seconds
    why = "fails" if waits is None else f"fails, or is down for {in_words(waits)}"
    before = name
    for number, channel in enumerate(step.channels[1:], 1):
        here = f"{name}f{number}"
        yield f'{before} -. "{why}" .-> {here}["{channel}"]'
        before = here


def _label(step: Step) -> str:
    return "<br>".join([step.key, _does(step), *([f"if {condition_text(step.when)}"] if step.when else [])])


def _does(step: Step) -> str:
    if isinstance(step, ChannelStep):
        first = step.deliver is ChannelChoice.FIRST
        return f"send on {step.channels[0]}" if first else f"send on {', '.join(step.channels)}"
    if isinstance(step, DelayStep):
        waits = in_words(step.seconds) if step.seconds is not None else f"until {step.until}"
        return f"wait {waits}" + (", or go on at once if that is past" if step.late is LatePolicy.SEND_NOW else "")
    if isinstance(step, DigestStep):
        if step.seconds is None:
            span = f"until cron {step.cron}"
        else:
            span = f"until {in_words(step.seconds)} of silence" if step.sliding else f"for {in_words(step.seconds)}"
        each = f" by {step.by}" if step.by else ""
        return f"gather {span}{each}, {step.max_items} at most" + (", the first at once" if step.first_at_once else "")
    if isinstance(step, ThrottleStep):
        return f"{step.most} in {in_words(step.seconds)}" + (f" by {step.by}" if step.by else "")
    if isinstance(step, WaitForReadStep):
        return f"{'seen' if step.seen else 'read'} within {in_words(step.seconds)}?"
    return "which way?"


def _recipients(workflow: Workflow) -> str | None:
    found = workflow.recipients
    if not isinstance(found, Audience):
        return found
    whom = f"subscribers of {found.topic}" if found.topic is not None else "all users"
    return whom + (f" where {condition_text(found.where)}" if found.where else "")


def condition_text(condition: Condition) -> str:
    """A condition on one line: `data.total gte 100 and profile.locale in de, en`."""
    parts = []
    for name, wanted in condition.items():
        if name in ("all", "any") and isinstance(wanted, list):
            joined = f" {'and' if name == 'all' else 'or'} ".join(map(condition_text, wanted))
            parts.append(f"({joined})")
        elif name == "not" and isinstance(wanted, dict):
            parts.append(f"not ({condition_text(wanted)})")
        elif isinstance(wanted, dict):
            parts += [f"{name} {operator} {_value(operand)}" for operator, operand in wanted.items()]
        else:
            parts.append(f"{name} {'in' if isinstance(wanted, list) else 'is'} {_value(wanted)}")
    return " and ".join(parts)


def _value(operand: object) -> str:
    if isinstance(operand, list):
        return ", ".join(map(_value, operand))
    if operand is None or isinstance(operand, bool):
        return {None: "null", True: "true", False: "false"}[operand]
    return str(operand)


def _quoted(text: str) -> str:
    """As it may stand between quotation marks there."""
    return text.replace('"', "#quot;").replace("|", "#124;").replace("\n", " ")
