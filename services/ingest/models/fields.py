"""The types of the API's fields: the checks of `shared.model`, with what a JSON schema can say of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, PlainValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from shared.model.addresses import MAX_LOCALE, MAX_NAME, check_locale, check_name
from shared.model.errors import Invalid
from shared.model.identifiers import MAX_USER_ID, check_user_id
from shared.model.quiet_windows import check_zone, clock_minutes
from shared.model.timestamps import DAY_MS, parse_rfc3339, rfc3339
from shared.model.workflow_checks import KEY

FURTHEST_MS: Final = 366 * DAY_MS
"""How far ahead a time may lie."""
MAX_KEY: Final = 200
MAX_ENTRIES: Final = 500
INVALID_KEY: Final = "invalid_key"
"""The error of a dictionary's key."""
_PREFERENCE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}")


def field_error(error: Invalid) -> PydanticCustomError:
    """A domain error as pydantic collects it; its pointer is relative to the field."""
    return PydanticCustomError("invalid", "{detail}", {"detail": error.detail, "pointer": error.pointer or ""})


def checked(check: Callable[[str, str], str]) -> AfterValidator:
    """Runs a check of `shared.model` on a string, and takes what it returns."""

    def run(value: str) -> str:
        try:
            return check(value, "")
        except Invalid as error:
            raise field_error(error) from error

    return AfterValidator(run)


def _check_workflow_key(value: str) -> str:
    if len(value) > MAX_KEY or not KEY.fullmatch(value):
        raise PydanticCustomError("invalid", "is no workflow key: dotted lower-case words, as chat.new_message")
    return value


def _check_printable(value: str) -> str:
    if not 1 <= len(value) <= MAX_KEY or not value.isprintable():
        raise PydanticCustomError("invalid", "must have 1 to {most} printable characters", {"most": MAX_KEY})
    return value


def _check_preference_name(value: str) -> str:
    if not _PREFERENCE_NAME.fullmatch(value):
        raise PydanticCustomError(INVALID_KEY, "a name has 1 to 200 letters, digits, `_`, `-` and `.`")
    return value


def _check_category(value: str, error: str = "invalid") -> str:
    if not 1 <= len(value) <= MAX_KEY or not value.isprintable() or "/" in value or value.startswith("$"):
        detail = f"a category has 1 to {MAX_KEY} printable characters, no / among them and no $ first"
        raise PydanticCustomError(error, "{detail}", {"detail": detail})
    return value


def _check_clock(value: str, _: str) -> str:
    clock_minutes(value)
    return value


def read_time(value: Any, info: ValidationInfo[dict[str, int]]) -> int:
    """The instant that an RFC 3339 text names, at most FURTHEST_MS ahead. Raises PydanticCustomError."""
    try:
        at = parse_rfc3339(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None:
        raise PydanticCustomError("invalid", "must be an RFC 3339 time with an offset, as 2026-01-05T08:00:00Z")
    if at > info.context["now"] + FURTHEST_MS:
        raise PydanticCustomError("invalid", "is more than 366 days ahead")
    return at


def _said(**schema: Any) -> Any:
    return Field(json_schema_extra=schema)


WorkflowKey = Annotated[str, AfterValidator(_check_workflow_key), _said(maxLength=MAX_KEY)]
UserId = Annotated[str, checked(check_user_id), _said(minLength=1, maxLength=MAX_USER_ID)]
PrintableKey = Annotated[str, AfterValidator(_check_printable), _said(minLength=1, maxLength=MAX_KEY)]
Time = Annotated[int, PlainValidator(read_time, json_schema_input_type=Annotated[str, _said(format="date-time")])]
"""RFC 3339 outside, milliseconds since the epoch inside. Needs `now` (such milliseconds) in the context."""


def written_time(value: int | None) -> str | None:
    """Such a time as it was read."""
    return None if value is None else rfc3339(value)


Name = Annotated[
    str, checked(check_name), _said(minLength=1, maxLength=MAX_NAME, description="as it stands in greetings")
]
Locale = Annotated[str, checked(check_locale), _said(maxLength=MAX_LOCALE, description="a BCP 47 tag, as pt-BR")]
Zone = Annotated[str, checked(check_zone), _said(description="an IANA time zone, as Europe/Berlin")]
Clock = Annotated[
    str,
    checked(_check_clock),
    _said(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$"),
]
PreferenceName = Annotated[str, AfterValidator(_check_preference_name)]
Category = Annotated[str, AfterValidator(_check_category), _said(minLength=1, maxLength=MAX_KEY)]
"""A workflow's category."""
CategoryKey = Annotated[str, AfterValidator(partial(_check_category, error=INVALID_KEY))]
"""The same as the key of an object; a workflow's key, or `*`, is one in form, too."""
