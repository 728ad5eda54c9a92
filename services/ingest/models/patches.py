"""What a merge patch may say: the names in it are the body's, also of what it removes."""

from __future__ import annotations

from typing import Any

from services.ingest.models.body import Body, InvalidFields, child_model, field_names, unknown_field
from services.ingest.models.profiles import ProfileBody
from shared.model.strict_json import escape


def check_patch(patch: dict[str, Any], model: type[Body] = ProfileBody) -> None:
    """Raises InvalidFields where the patch names what no such body has; it would remove or change nothing."""
    faults = _unknown(model, patch, "")
    if faults:
        raise InvalidFields("invalid_request", "the patch names unknown fields", faults)


def _unknown(model: Any, patch: dict[str, Any], pointer: str) -> list[tuple[str, str]]:
    known = field_names(model)
    faults: list[tuple[str, str]] = []
    for name, value in patch.items():
        place = f"{pointer}/{escape(name[:100])}"
        if name not in known:
            faults.append((place, unknown_field(name, known)))
            continue
        inner = child_model(model, name)
        if inner is not None and isinstance(value, dict):
            faults += _unknown(inner, value, place)
    return faults
