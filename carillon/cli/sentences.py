"""The answers of `why`, `why-not` and the dry run as text (pure): sentence after sentence, then what is to be done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from rich.text import Text

from carillon.cli.explain import since
from carillon.cli.program import pasteable
from shared.model.timestamps import parse_rfc3339

AnswerJson = Mapping[str, Any]
UNDECIDED: Final = "  is the router running? carillon status"


def why_lines(found: AnswerJson) -> Iterator[Text]:
    """Why a notification is where it is."""
    state = ("ended", "bold green") if found["state"] == "terminal" else ("open", "bold yellow")
    version = f" v{found['version']}" if found.get("version") else ""
    what = f"{found.get('workflow') or 'unknown workflow'}{version}"
    yield Text.assemble((what, "bold"), " for ", (found["user"], "bold"), "   ", state)
    yield Text(f"notification {found['notification']}   tenant {found['tenant']}", "dim")
    yield Text()
    if not found.get("complete", True):
        yield Text("  … older sentences are left out", "yellow")
    yield from sentence_lines(found["sentences"], found.get("accepted_at"))
    yield Text()
    yield Text("Now", "bold")
    for one in found["now"]:
        yield Text.assemble("  ", (one["text"], _style(one)))
    if len(found["sentences"]) < 2 and found["state"] != "terminal":
        yield Text(pasteable(UNDECIDED), "yellow")
    yield from next_lines(found["next_steps"])


def why_not_lines(found: AnswerJson) -> Iterator[Text]:
    """Why somebody did not get something."""
    yield Text.assemble(("event ", "bold"), (found["event"], "bold"), " and ", (found["user"], "bold"))
    yield Text()
    yield from sentence_lines(found["sentences"], None)
    yield from next_lines(found["next_steps"])


def dry_run_lines(found: AnswerJson) -> Iterator[Text]:
    """Who would get what, when, and which rule stops the rest."""
    yield Text.assemble((f"{found['workflow']} v{found['version']}", "bold"), "   nothing was sent: a dry run")
    if found.get("audience"):
        yield Text(found["audience"], "dim")
    for recipient in found["recipients"]:
        yield Text()
        yield Text.assemble((recipient["user"], "bold"))
        yield from sentence_lines(recipient["sentences"], None)


def sentence_lines(sentences: Iterable[AnswerJson], start: str | None) -> Iterator[Text]:
    """Each in a line, with the time since `start`, or the time itself."""
    for one in sentences:
        at = one.get("at")
        when = since(parse_rfc3339(at) - parse_rfc3339(start)) if at and start else at or ""
        yield Text.assemble((f"{when:>11}  ", "dim"), (one["text"], _style(one)))


def next_lines(steps: Iterable[str]) -> Iterator[Text]:
    """What somebody may do about it."""
    for step in steps:
        yield Text.assemble(("Next: ", "bold"), pasteable(step))


def _style(one: AnswerJson) -> str:
    if one.get("until"):
        return "yellow"
    return "red" if one.get("reason") else ""
