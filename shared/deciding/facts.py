"""What conditions and keys ask of one notification. Its data is read when it is asked for first."""

from __future__ import annotations

from typing import Final

import msgspec
import orjson

from shared.deciding.history import StepOutcome
from shared.deciding.routing_input import RoutingInput
from shared.model import ids
from shared.model.data_paths import value_at
from shared.model.notifications import Notification

NO_OUTCOME: Final = StepOutcome()


class Facts:
    """Looks up `data`, `event`, `profile`, `presence` and `steps`."""

    def __init__(self, inputs: RoutingInput) -> None:
        self._inputs = inputs
        self._data: object = msgspec.UNSET

    def __call__(self, path: str) -> object:
        """What stands at a path; UNSET where nothing does."""
        root, _, rest = path.partition(".")
        match root:
            case "data":
                return value_at(self.data, path)
            case "event":
                return {"type": self._inputs.notification.event_type, "id": self._inputs.notification.event_id}.get(
                    rest, msgspec.UNSET
                )
            case "profile":
                return self._profile(rest)
            case "presence":
                online = self._inputs.history.online if self._inputs.history else None
                return msgspec.UNSET if online is None or rest != "online" else online
            case "steps":
                step, _, word = rest.partition(".")
                outcomes = self._inputs.history.outcomes if self._inputs.history else {}
                return getattr(outcomes.get(step, NO_OUTCOME), word, msgspec.UNSET)
        return msgspec.UNSET

    @property
    def data(self) -> object:
        """The event's, decoded."""
        if self._data is msgspec.UNSET:
            self._data = decoded(self._inputs.notification)
        return self._data

    def _profile(self, name: str) -> object:
        profile, about = self._inputs.profile, self._inputs.notification
        contact = about.contact
        if name == "id":
            return about.user
        if name == "addresses":
            return sorted(profile.addresses if profile else contact.addresses if contact else ())
        if name not in ("name", "locale", "zone"):
            return msgspec.UNSET
        found = getattr(profile, name, None) or getattr(contact, name, None)
        return msgspec.UNSET if found is None else found


def decoded(about: Notification) -> object:
    """A notification's data."""
    return orjson.loads(bytes(about.data))


def key_of(value: object) -> str:
    """What tells values of a `by` apart: the same for the same JSON, nothing for nothing."""
    if value is msgspec.UNSET:
        return ""
    if isinstance(value, float) and value.is_integer():  # as JSON 1.0 is 1, and producers write both
        value = int(value)
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def counter_id(about: Notification, life: int, *parts: str | int) -> str:
    """Of a throttle or a cap, for one user in one life."""
    return ids.derive(_apart("counter", about), about.tenant, about.user, life, *parts)


def slot_id(about: Notification, life: int, step: str, by: str) -> str:
    """Where a user's open digest of a step and a key stands."""
    return ids.derive(_apart("slot", about), about.tenant, about.user, life, about.workflow, step, by)


def collapse_id(about: Notification, life: int) -> str:
    """Where the newest notification of a collapse key stands."""
    kind = _apart("collapse", about)
    return ids.derive(kind, about.tenant, about.user, life, about.workflow, about.collapse_key or "")


def superseded_id(about: Notification, life: int, notification: str) -> str:
    """Where it stands what takes the place of a notification, of the same user as `about`."""
    return ids.derive(_apart("superseded", about), about.tenant, about.user, life, notification)


def _apart(kind: str, about: Notification) -> str:
    """What is a test gathers, counts and replaces nothing but tests: the others must arrive as if there were none."""
    return f"test_{kind}" if about.test else kind
