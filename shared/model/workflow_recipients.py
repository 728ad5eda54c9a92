"""Recipients of a workflow beyond a list in the data: a topic's subscribers, all users of the tenant, or some of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Final

import msgspec

from shared.model.conditions import Condition, check_condition, clauses
from shared.model.errors import Invalid, InvalidWorkflow
from shared.model.profile_lookup import PROFILE_NAMES, check_profile_clause

RECIPIENTS_PATH: Final = re.compile(r"data(?:\.[^.\s\[\]*]+(?:\[\*\])?)+")
"""`[*]`: each of a list."""
MAX_TOPIC: Final = 200
_DEEPER: Final = ("addresses", "preferences")
"""Of what a profile has, these have names below them."""
_PLACE: Final = re.compile(r"\{(data(?:\.[^.\s{}\[\]]+)+)\}")


class Everybody(StrEnum):
    """Whom an audience is taken from."""

    ALL = "all"


class Audience(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Those who are subscribed to a topic, or all users of the tenant; `where` leaves some of them."""

    topic: str | None = None
    """Its name; `{data.project}` stands for a value of the event."""
    users: Everybody | None = None
    where: Condition | None = None
    """What must hold of a user's profile."""


def check_audience(audience: Audience, pointer: str = "/recipients") -> None:
    """Raises InvalidWorkflow."""
    if (audience.topic is None) is (audience.users is None):
        raise InvalidWorkflow("invalid_workflow", "either topic or users: all", pointer)
    if audience.where is not None:
        check_condition(audience.where, f"{pointer}/where", ("profile",))
        for path, wanted in clauses(audience.where):
            _check_name(path, f"{pointer}/where/{path}")
            check_profile_clause(path, wanted, f"{pointer}/where/{path}")
    if audience.topic is not None:
        filled = _PLACE.sub("x", audience.topic)
        if "{" in filled or "}" in filled or not is_topic(filled):
            detail = "a topic's name, in which {data.project_id} stands for a value of the event"
            raise InvalidWorkflow("invalid_workflow", detail, f"{pointer}/topic")


def _check_name(path: str, pointer: str) -> None:
    """A name that no profile has would leave nobody."""
    name, _, below = path.removeprefix("profile").removeprefix(".").partition(".")
    if name not in (_DEEPER if below else PROFILE_NAMES):
        raise InvalidWorkflow("invalid_condition", f"{path}: profile has {', '.join(PROFILE_NAMES)}", pointer)


def topic_of(template: str, lookup: Callable[[str], object]) -> str:
    """The topic that an event's data names. Raises Invalid when a value is missing or makes no name."""

    def fill(place: re.Match[str]) -> str:
        value = lookup(place[1])
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            raise Invalid("no_recipients", f"nothing stands at {place[1]}", "/" + place[1].replace(".", "/"))
        return str(value)

    return check_topic(_PLACE.sub(fill, template), "/recipients/topic")


def is_topic(name: object) -> bool:
    """Whether it is a string of 1 to 200 printable characters."""
    return isinstance(name, str) and 1 <= len(name) <= MAX_TOPIC and name.isprintable()


def check_topic(name: str, pointer: str) -> str:
    """The name. Raises Invalid."""
    if not is_topic(name):
        raise Invalid("invalid_topic", f"a topic's name is a string of 1 to {MAX_TOPIC} printable characters", pointer)
    return name
