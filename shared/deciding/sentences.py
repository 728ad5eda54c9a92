"""Items of decisions in sentences, for `why` and the dry run.

An item is read in the form in which it is shown: `outcome` says what it is, times are RFC 3339, no address is in it.
One that a newer version wrote is said as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from shared.deciding.items import DigestChange, ItemOutcome
from shared.deciding.plain_words import meaning
from shared.model.reasons import Reason
from shared.model.timestamps import rfc3339

ShownItem = dict[str, object]
_TIMES: Final = ("due", "valid_until", "opened_at")
_WAITS: Final = "it waits "
_HIDDEN: Final = frozenset({"address", "name", "type"})


class Sentence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened, or is to happen; `until` when it waits."""

    text: str
    at: str | None = None
    rule: str | None = None
    reason: str | None = None
    until: str | None = None
    step: str | None = None
    channel: str | None = None


def shown(item: Mapping[str, object]) -> ShownItem:
    """A stored item for people: without the address and the name, which are in the profile."""
    found = {name: value for name, value in item.items() if name not in _HIDDEN}
    times: ShownItem = {name: rfc3339(at) for name in _TIMES if isinstance(at := found.get(name), int) and at}
    return {"outcome": item["type"], **found, **times}


def item_sentence(item: ShownItem, at: str | None = None) -> Sentence:
    """What an item says."""
    outcome = str(item["outcome"])
    say = _SAID.get(outcome, _unknown)
    return Sentence(
        text=say(item),
        at=at,
        rule=_text(item, "rule"),
        reason=_text(item, "reason"),
        until=_text(item, "due") if outcome == ItemOutcome.HOLD else None,
        step=_text(item, "step"),
        channel=_text(item, "channel"),
    )


def _deliver(item: ShownItem) -> str:
    more = [f"in the text {item['variant']}"] if item.get("variant") else []
    more += ["in place of an earlier one about the same"] if item.get("replaces") else []
    kept = item.get("without")
    if kept and isinstance(kept, list | tuple):
        more.append(f"without {len(kept)} of its items, whose topics are not wanted there")
    behind = item.get("fallback")
    if behind and isinstance(behind, list | tuple):
        more.append(f"and by {', '.join(map(str, behind))} if that fails for good")
    return f"It goes by {item['channel']}{_listed(more)}."


def _hold(item: ShownItem) -> str:
    who = f"By {item['channel']} it" if item.get("channel") else "It"
    why, due = meaning(str(item.get("reason"))), item.get("due")
    if why.startswith(_WAITS):
        return f"{who} waits {why.removeprefix(_WAITS)}{_of_step(item)}, until {due}."
    return f"{who} waits until {due}{_of_step(item)}: {why}."


def _suppress(item: ShownItem) -> str:
    reason = str(item.get("reason"))
    why = meaning(reason)
    if item.get("clause"):
        why += f" ({item['clause']})"
    if item.get("user"):
        why += f" ({item['user']})"
    if item.get("channel"):
        return f"It does not go by {item['channel']}: {why}."
    if reason in (Reason.STEP_CONDITION, Reason.NO_BRANCH):
        return f"The step {item.get('step')} is passed over: {why}."
    if reason in (Reason.TOO_LATE, Reason.NO_TIME):
        return f"What the step {item.get('step')} stands before is left out: {why}."
    return f"It ends here{_of_step(item)}: {why}."


def _count(item: ShownItem) -> str:
    what = str(item.get("rule") or "limit").replace("_", " ")
    span = f" of {item['seconds']} s" if item.get("seconds") else ""
    return f"It is counted by a {what}{span}{_of_step(item)}."


def _gather(item: ShownItem) -> str:
    change, items = item.get("change"), item.get("items", 0)
    if change == DigestChange.OPEN:
        until = f", which closes at {item['due']}" if item.get("due") else ""
        return f"It opens a digest{_of_step(item)}{until}."
    if change == DigestChange.JOIN:
        holder = f"; it goes as {item['holder']}" if item.get("holder") else ""
        return f"It joins the open digest{_of_step(item)}, which has {items} now{holder}."
    if change == DigestChange.SLIDE:
        return f"The digest goes on gathering{_of_step(item)}, with {items}: others came meanwhile."
    return f"The digest is closed{_of_step(item)}, with {items}, and goes on as this one."


def _replace(item: ShownItem) -> str:
    earlier = item.get("notification")
    if item.get("named"):
        return f"It takes the place of {earlier}, which its sender named."
    return f"It takes the place of {earlier}, which is about the same." if earlier else "It is the newest about this."


def _unknown(item: ShownItem) -> str:
    about = " ".join(f"{name}={item[name]}" for name in ("step", "channel", "rule", "reason", "due") if item.get(name))
    return f"{item['outcome']} {about}".rstrip() + " (decided by a newer version of Carillon)"


_SAID: Final[Mapping[str, Callable[[ShownItem], str]]] = {
    ItemOutcome.DELIVER: _deliver,
    ItemOutcome.HOLD: _hold,
    ItemOutcome.SUPPRESS: _suppress,
    ItemOutcome.COUNT: _count,
    ItemOutcome.GATHER: _gather,
    ItemOutcome.REPLACE: _replace,
}


def _text(item: ShownItem, name: str) -> str | None:
    value = item.get(name)
    return None if value is None else str(value)


def _of_step(item: ShownItem) -> str:
    return f" in the step {item['step']}" if item.get("step") and not item.get("channel") else ""


def _listed(more: list[str]) -> str:
    return f", {', '.join(more)}" if more else ""
