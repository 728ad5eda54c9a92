"""Targets of the apprise channel as profiles name them: names, and no URLs."""

from __future__ import annotations

import jsonschema  # type: ignore[import-untyped]
import pytest

from shared.model.apprise_targets import APPRISE_TARGET, check_apprise_target
from shared.model.errors import InvalidProfile


@pytest.mark.parametrize("name", ["oncall", "o", "team-7_night", "a" * 40])
def test_a_name_comes_back_as_it_is(name: str) -> None:
    assert check_apprise_target(name, "/here") == name
    jsonschema.validate(name, dict(APPRISE_TARGET.schema))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a" * 41,
        "Oncall",
        "-a",
        "123456789",
        "on call",
        "oncall\n",
        "acme/office",
        "json://127.0.0.1",
        "file:///etc/passwd",
        "ö",
    ],
)
def test_anything_else_is_refused_and_not_shown(name: str) -> None:
    with pytest.raises(InvalidProfile) as refused:
        check_apprise_target(name, "/here")
    assert (refused.value.code, refused.value.pointer) == ("invalid_apprise", "/here")
    assert "127.0.0.1" not in str(refused.value)
