"""The CloudEvent (v1.0.2) and the checks of its attributes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from shared.model.errors import InvalidEvent
from shared.model.strict_json import escape
from shared.model.timestamps import parse_rfc3339
from shared.model.trace_context import new_traceparent, traceparent

MAX_SUBJECT: Final = 200
"""Characters of a subject that deliveries are found by; a longer one only carries order."""
ACCEPTED_AT: Final = "carillon_accepted_at"
"""The header in which ingest says when it accepted an event (milliseconds since the epoch)."""


GENERATION: Final = "carillon_generation"
"""The header in which a redrive says how often the event was sent again."""
FIRST_ACCEPTED: Final = "carillon_first_accepted"
"""The header, of an event that was sent again and of what follows from it, that says when it was accepted first (ms)."""


REQUIRED: Final = ("id", "source", "type", "specversion")


MAX_ATTRIBUTE: Final = 65_536
"""Characters of all attributes together, so also of one."""


MAX_ATTRIBUTES: Final = 200
"""Each is a header of its record on Kafka, of which readers take 256."""


_NAME = re.compile(r"[a-z0-9]{1,40}")


_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


_STRINGS: Final = frozenset(
    (
        "id",
        "source",
        "type",
        "specversion",
        "time",
        "subject",
        "datacontenttype",
        "dataschema",
        "partitionkey",
        "tenant",
    )
)
"""Attributes that the specification calls strings: never of another type, never empty."""


_INTEGER: Final = range(-(2**31), 2**31)


TEST: Final = "carillontest"
"""The extension that makes of an event a test, `true`: nothing of it leaves but where its tenant's staging lets it."""


SUPERSEDES: Final = "carillonsupersedes"
"""The extension that names the id of an earlier event of the same source: what was notified of that gives way to this."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One CloudEvent. `attributes` holds every context attribute, extensions too; `data` is raw JSON."""

    attributes: dict[str, str]
    data: bytes

    @property
    def id(self) -> str:
        """Unique within its source."""
        return self.attributes["id"]

    @property
    def source(self) -> str:
        """Who produced it (URI reference)."""
        return self.attributes["source"]

    @property
    def type(self) -> str:
        """What happened, as `com.example.order.shipped`."""
        return self.attributes["type"]

    @property
    def is_test(self) -> bool:
        """Nothing of it leaves but where its tenant's staging lets it."""
        return self.attributes.get(TEST) == "true"

    @property
    def supersedes(self) -> str | None:
        """The id of the earlier event of its source that it takes the place of."""
        return self.attributes.get(SUPERSEDES) or None

    @property
    def subject(self) -> str | None:
        """What it is about, which its deliveries are found by; None: not said, or too long for that."""
        subject = self.attributes.get("subject", "")
        return subject if 0 < len(subject) <= MAX_SUBJECT else None

    @property
    def key(self) -> bytes | None:
        """The Kafka key: the `partitionkey` extension, else the subject."""
        key = self.attributes.get("partitionkey") or self.attributes.get("subject")
        return key.encode() if key else None


def event(attributes: Mapping[str, object], data: bytes) -> Event:
    """Checks the attributes. Raises InvalidEvent with a pointer to the first that is wrong.

    An invalid `traceparent` is replaced by a new one, which derives from the event and so is the same at each reading.
    """
    if len(attributes) > MAX_ATTRIBUTES:
        raise InvalidEvent("invalid_attribute", f"{len(attributes)} attributes; at most {MAX_ATTRIBUTES} are taken", "")
    checked: dict[str, str] = {}
    for name, given in attributes.items():
        if name in _STRINGS:
            if type(given) is str and 0 < len(given) <= MAX_ATTRIBUTE and given.isprintable():
                checked[name] = given  # the fast way of nearly all
                continue
            least, value = 1, given if isinstance(given, str) or name == "specversion" else None
        elif _NAME.fullmatch(name):
            least, value = 0, given
        else:
            raise InvalidEvent(
                "invalid_attribute",
                f"{name[:60]!r} is no attribute name (CloudEvents 1.0, naming conventions): 1 to 40 of a-z and 0-9",
                f"/{escape(name[:60])}",
            )
        text = _canonical(value)
        if text is None or not least <= len(text) <= MAX_ATTRIBUTE or not (text.isprintable() or _is_text(text)):
            raise InvalidEvent(
                "invalid_attribute",
                f"{name} must be a string of {least} to {MAX_ATTRIBUTE} characters without control characters",
                f"/{name}",
            )
        checked[name] = text
    if sum(map(len, checked.values())) > MAX_ATTRIBUTE:
        raise InvalidEvent(
            "invalid_attribute", f"the attributes have more than {MAX_ATTRIBUTE} characters together", ""
        )
    _check_known(checked)
    if "traceparent" in checked and traceparent(checked["traceparent"]) is None:
        checked["traceparent"] = new_traceparent(checked["source"], checked["id"])
        checked.pop("tracestate", None)  # it belongs to the trace that was lost
    return Event(attributes=checked, data=data)


def _check_known(checked: Mapping[str, str]) -> None:
    """Raises InvalidEvent when what an event must have is missing, or is another thing."""
    for name in REQUIRED:
        if name not in checked:
            raise InvalidEvent("missing_attribute", f"the required attribute {name} is missing", f"/{name}")
    if checked["specversion"] != "1.0":
        raise InvalidEvent(
            "unknown_specversion", f"specversion {checked['specversion'][:20]!r} is not 1.0", "/specversion"
        )
    if "time" in checked and not _is_time(checked["time"]):
        raise InvalidEvent("invalid_attribute", "time must be an RFC 3339 timestamp", "/time")


def _canonical(value: object) -> str | None:
    """The string encoding of a String, Boolean or Integer of the type system; None for what is no such value."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) and value in _INTEGER else None


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return not _CONTROL.search(value)


def _is_time(value: str) -> bool:
    try:
        parse_rfc3339(value)
    except ValueError:
        return False
    return True
