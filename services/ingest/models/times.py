"""When something is to be sent: an instant, or a time of day where the recipient is."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import ConfigDict, Field, PlainValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from services.ingest.models.body import Body
from services.ingest.models.fields import FURTHEST_MS, Time, field_error, read_time
from shared.model.did_you_mean import did_you_mean
from shared.model.errors import Invalid
from shared.model.local_times import LocalTime, check_date, check_time

_FIELDS: Final = ("local", "date")


class LocalTimeBody(Body):
    """A time of day on a date, where each recipient is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"local": "09:00", "date": "2026-12-01"}]})

    local: str = Field(description="HH:MM", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
    date: str = Field(description="YYYY-MM-DD", json_schema_extra={"format": "date"})


def _read_when(value: object, info: ValidationInfo[dict[str, int]]) -> int | LocalTime:
    if not isinstance(value, dict):
        return read_time(value, info)
    try:
        local = _read_local(value)
    except Invalid as error:
        raise field_error(error) from error
    if local.latest > info.context["now"] + FURTHEST_MS:
        raise PydanticCustomError("invalid", "is more than 366 days ahead")
    return local


def _read_local(value: dict[str, object]) -> LocalTime:
    unknown = next((name for name in value if name not in _FIELDS), None)
    if unknown is not None:
        raise Invalid("invalid", f"unknown field{did_you_mean(unknown, _FIELDS)}", f"/{unknown[:60]}")
    time, date = (_text(value, name) for name in _FIELDS)
    return LocalTime(time=check_time(time, "/local"), date=check_date(date, "/date"))


def _text(value: dict[str, object], name: str) -> str:
    found = value.get(name)
    if isinstance(found, str):
        return found
    fault = "must be a string" if name in value else "is required"
    raise Invalid("invalid", f'{fault}, as {{"local": "09:00", "date": "2026-12-01"}}', f"/{name}")


When = Annotated[int | LocalTime, PlainValidator(_read_when, json_schema_input_type=Time | LocalTimeBody)]
"""Milliseconds since the epoch, or a wall-clock time. Needs `now` (such milliseconds) in the context."""
