"""Profiles as the API reads and shows them, merge patches, and what is likely meant."""

from __future__ import annotations

from typing import Any

import pytest

from services.ingest.core.did_you_mean import did_you_mean
from services.ingest.core.merge_patch import merge_patch
from services.ingest.models.body import InvalidFields, example
from services.ingest.models.profiles import ProfileBody, body_of, read_profile, shown
from shared.model import webhook_secrets

WRONG_PROFILE = [
    ("addresses", ([], "a", 7), "/addresses"),
    ("addresses", ({"fax": "1"},), "/addresses/fax"),
    ("addresses", ({"email": 7}, {"email": "A <a@b.c>"}, {"email": ""}), "/addresses/email"),
    ("addresses", ({"phone": "0151"}, {"phone": []}), "/addresses/phone"),
    ("addresses", ({"webhook": "ftp://a.b"},), "/addresses/webhook"),
    ("devices", ({}, "x", [{"token": "t"}] * 21), "/devices"),
    ("devices", ([7], [{}], [{"token": 7}], [{"token": "x" * 4097}], [{str(n): "x" for n in range(11)}]), "/devices/0"),
    ("name", (7, "", "a\nb", "x" * 201), "/name"),
    ("locale", (7, "", "deutsch!"), "/locale"),
    ("zone", (7, "", "Berlin", "../../etc/passwd"), "/zone"),
    ("preferences", ([], 7, {"categories": []}, {"categories": {"a": "yes"}}), None),
    ("preferences", ({"channels": {}},), "/preferences/channels"),
    ("preferences", ({"categories": {"$where": True}},), "/preferences/categories/$where"),
    ("preferences", ({"workflows": {f"w{n}": False for n in range(501)}},), "/preferences/workflows"),
    ("quiet_hours", ([], 7, {}, {"windows": 1}, {"windows": [{"from": "22:00"}]}), None),
    ("quiet_hours", ({"windows": [{"from": 22, "until": "07:00"}]},), "/quiet_hours/windows/0/from"),
    ("quiet_hours", ({"windows": [{"from": "22:00", "until": "22:00"}]},), "/quiet_hours/windows/0/until"),
    ("quiet_hours", ({"windows": [{"from": "22:00", "until": "07:00", "day": "mon"}]},), "/quiet_hours/windows/0/day"),
    ("quiet_hours", ({"windows": [{"from": "00:00", "until": "24:00"}]},), "/quiet_hours/windows"),
    ("quiet_hours", ({"windows": [], "zone": "Mars"},), "/quiet_hours/zone"),
    ("quiet_hours", ({"windows": [{"from": "22:00", "until": "07:00"}] * 51},), "/quiet_hours/windows"),
    ("version", (7,), "/version"),
    ("webhook_secret", ("x",), "/webhook_secret"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [(field, value, pointer) for field, values, pointer in WRONG_PROFILE for value in values],
    ids=lambda part: repr(part)[:40],
)
def test_a_wrong_profile_field_is_named(field: str, value: Any, pointer: str | None) -> None:
    with pytest.raises(InvalidFields) as caught:
        read_profile({field: value}, "default", "ada")
    found = [place for place, _ in caught.value.pointers]
    assert found == [pointer] if pointer else found[0].startswith(f"/{field}")


def test_a_profile_comes_back_as_it_was_put() -> None:
    profile = read_profile(example(ProfileBody), "default", "ada")
    again = read_profile(body_of(profile), "default", "ada")
    assert again == profile
    answer = shown(profile, "master")
    assert answer["webhook_secret"] == webhook_secrets.secret("master", "default", "https://example.com/hooks/ada")
    assert len(webhook_secrets.signing_key(answer["webhook_secret"])) == 32
    assert answer["webhook_secret"] != webhook_secrets.secret("master", "other", "https://example.com/hooks/ada")
    assert "webhook_secret" not in shown(read_profile({}, "default", "ada"), "master")


RFC_7386 = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("target", "patch", "result"), RFC_7386)
def test_merge_patch_does_what_the_rfc_shows(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


def test_did_you_mean() -> None:
    assert did_you_mean("cancelation_key", ["cancellation_key"]) == '; did you mean "cancellation_key"?'
    assert did_you_mean("zzz", ["cancellation_key"]) == ""
