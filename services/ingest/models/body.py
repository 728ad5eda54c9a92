"""Reading a decoded JSON value into a model: all that is wrong is said at once, each with where and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from services.ingest.models.fields import INVALID_KEY
from shared.http.pointers import pointer_to
from shared.model.did_you_mean import did_you_mean
from shared.model.errors import Invalid

MAX_FIELDS: Final = 1000
"""Of a body itself: no model has a tenth of it, and all that are unknown would be collected."""
MAX_ERRORS: Final = 100
"""Errors in one answer."""
_SHAPES: Final[Mapping[str, str]] = {
    "missing": "is required",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object, as {{...}}",
    "model_type": "must be an object, as {{...}}",
    "enum": "must be one of {expected}",
    "too_short": "has {actual_length} entries, at least {min_length} is needed",
    "too_long": "has {actual_length} entries, at most {max_length} are taken",
}


class Body(BaseModel):
    """A JSON object of the API. Unknown fields are refused; JSON's types are not coerced into one another."""

    model_config = ConfigDict(extra="forbid", frozen=True)


M = TypeVar("M", bound=Body)


class InvalidFields(Invalid):
    """One or more fields are wrong; `pointers` holds each (RFC 6901) with what is wrong."""

    def __init__(self, code: str, detail: str, pointers: list[tuple[str, str]]) -> None:
        super().__init__(code, detail)
        self.pointers = pointers


def check_size(value: Any, most: int) -> None:
    """Raises InvalidFields when a decoded body has more than `most` values: every fault in it would be collected."""
    count, pending = 0, [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict | list):
            count += len(item)
            if count > most:
                detail = f"the body has more than {most} values"
                raise InvalidFields("invalid_request", detail, [("", detail)])
            pending += item.values() if isinstance(item, dict) else item


def read(model: type[M], value: Any, context: Mapping[str, Any] | None = None) -> M:
    """The model of a value that `strict_json` decoded. Raises InvalidFields with everything that is wrong with it."""
    if isinstance(value, dict) and len(value) > MAX_FIELDS:
        detail = f"the body has {len(value)} fields; the schema is at /openapi.json"
        raise InvalidFields("invalid_request", detail, [("", detail)])
    try:
        return model.model_validate(value, context=context)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
    # Unknown fields first: a misspelt name explains the required one that is missing.
    faults.sort(key=lambda fault: fault["type"] != "extra_forbidden")
    detail = f"{len(faults)} fields are not valid" if len(faults) > 1 else "a field is not valid"
    raise InvalidFields("invalid_request", detail, [_describe(model, fault) for fault in faults[:MAX_ERRORS]])


def example(model: type[BaseModel]) -> Any:
    """The first example in the model's JSON schema."""
    return model.model_json_schema()["examples"][0]


def _describe(model: type[Body], fault: ErrorDetails) -> tuple[str, str]:
    # A shape that was chosen by looking at the value stands in pydantic's path, and not in the body.
    path = tuple(part for part in fault["loc"] if not str(part).startswith("@"))
    values = fault.get("ctx", {})
    if fault["type"] == INVALID_KEY:
        path = path[:-1]  # pydantic marks an error of the key itself by one more name
    pointer = pointer_to(path) + values.get("pointer", "")
    owner, field = _place(model, path)
    if fault["type"] == "extra_forbidden":
        return pointer, unknown_field(str(path[-1]), field_names(owner))
    shape = _SHAPES.get(fault["type"])
    if shape is None:
        return pointer, fault["msg"]
    hint = f": {field.description}" if field is not None and field.description else ""
    return pointer, shape.format(**values) + hint


def _place(model: type[BaseModel], path: Sequence[str | int]) -> tuple[type[BaseModel], FieldInfo | None]:
    """The innermost model on the way to `path`, and the last field on it."""
    field: FieldInfo | None = None
    for part in path:
        found = fields_of(model).get(str(part))
        if found is not None:
            field = found
            model = _model_in(found.annotation) or model
    return model, field


def unknown_field(name: str, known: Iterable[str]) -> str:
    """What is said of a field that does not exist."""
    return f"unknown field{did_you_mean(name, known)}"


def field_names(model: type[BaseModel]) -> frozenset[str]:
    """The names of a model's fields as they stand in JSON."""
    return frozenset(fields_of(model))


def child_model(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    """The model of a field that is an object with fields of its own; None for any other."""
    return _model_in(fields_of(model)[name].annotation)


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """A model's fields by their names in JSON."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
