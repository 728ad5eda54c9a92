"""Bodies of the operators' API: strict JSON into msgspec's models; what is wrong is said with its pointer."""

from __future__ import annotations

import re
from typing import Final, TypeVar

import msgspec
from fastapi import Request

from shared.http.bodies import read_body
from shared.http.json_bodies import has_body, parse_json, require_json
from shared.model.errors import Invalid

T = TypeVar("T", bound=msgspec.Struct)
_PLACE: Final = re.compile(r" - at `\$?([^`]*)`$")


async def body_as(request: Request, model: type[T]) -> T:
    """The body as `model`; none is an empty object. Raises Invalid, and Problem 400, 408, 413 or 415."""
    value: object = {}
    if has_body(request):
        require_json(request)
        value = parse_json(await read_body(request))
    try:
        return msgspec.convert(value, model)
    except msgspec.ValidationError as error:
        text = str(error)
        place = _PLACE.search(text)
        pointer = "/".join(["", *re.findall(r"[^.\[\]]+", place[1])]) if place else ""
        raise Invalid("invalid_request", _PLACE.sub("", text), pointer) from error
