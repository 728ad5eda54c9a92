"""Profiles as the API reads and shows them, merge patches, and what is likely meant."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.ingest.core.merge_patch import merge_patch
from services.ingest.models import body
from services.ingest.models.body import InvalidFields, example
from services.ingest.models.patches import check_patch
from services.ingest.models.profiles import ProfileBody, body_of, read_profile, read_put, shown
from shared.model import webhook_secrets
from shared.model.did_you_mean import did_you_mean
from shared.model.profiles import Preferences, Profile
from tests.support import samples as a

WRONG_PROFILE = [
    ("addresses", ([], "a", 7), "/addresses"),
    ("addresses", ({"fax": "1"},), "/addresses/fax"),
    ("addresses", ({"email": 7}, {"email": "A <a@b.c>"}, {"email": ""}), "/addresses/email"),
    ("addresses", ({"phone": "0151"}, {"phone": []}), "/addresses/phone"),
    ("addresses", ({"webhook": "ftp://a.b"},), "/addresses/webhook"),
    ("devices", ({}, "x", [{"token": "t"}] * 21), "/devices"),
    ("devices", ([7], [{}], [{"$ref": "c", "$id": "1"}], [{"t": "x", "$db": "d"}], [{"a\0": "x"}], [{"token": 7}], [{"token": "x" * 4097}], [{str(n): "x" for n in range(11)}]), "/devices/0"),
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
    ("preferences", ({"categories": {"a/b": False}},), "/preferences/categories/a~1b"),
    ("preferences", ({"digests": {"*": "yearly"}},), "/preferences/digests/*"),
    ("preferences", ({"digests": {"$x": "daily"}},), "/preferences/digests/$x"),
    ("mute_until", (7, "", "tomorrow", "2026-01-05T08:00:00", "2027-01-06T12:00:00.001Z"), "/mute_until"),
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
        read_profile({field: value}, "default", "ada", a.NOON)
    found = [place for place, _ in caught.value.pointers]
    assert found == [pointer] if pointer else found[0].startswith(f"/{field}")


def test_a_profile_comes_back_as_it_was_put() -> None:
    profile = read_profile(example(ProfileBody), "default", "ada", a.NOON)
    again = read_profile(body_of(profile), "default", "ada", a.NOON)
    assert again == profile
    answer = shown(profile, "master")
    assert answer["webhook_secret"] == webhook_secrets.secret("master", "default", "https://example.com/hooks/ada")
    assert len(webhook_secrets.signing_key(answer["webhook_secret"])) == 32
    assert answer["webhook_secret"] != webhook_secrets.secret("master", "other", "https://example.com/hooks/ada")
    assert "webhook_secret" not in shown(read_profile({}, "default", "ada", a.NOON), "master")


TOO_MUCH: list[Any] = [
    {"quiet_hours": {"windows": [{"from": "22:00", "until": "07:00", "days": [1] * 500_000}]}},
    {"quiet_hours": {"windows": [{"from": "22:00", "until": "07:00", "days": ["mon"] * 100_000}]}},
    {"quiet_hours": {"windows": [7] * 500_000}},
    {"devices": [7] * 500_000},
    {"devices": [{"a": [1] * 500_000}]},
    {f"f{n}": 0 for n in range(125_000)},
    {"addresses": {f"f{n}": 0 for n in range(125_000)}},
    {"preferences": {"categories": {f"f{n}": 0 for n in range(125_000)}}},
    {"preferences": {"channel_types": {f"f{n}": True for n in range(80_000)}}},
]


@pytest.mark.parametrize("whole", TOO_MUCH, ids=lambda part: repr(part)[:40])
def test_a_large_body_costs_no_error_for_each_entry(whole: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    collected: list[int] = []
    describe = body._describe

    def count(*fault: Any) -> tuple[str, str]:
        collected.append(1)
        return describe(*fault)

    monkeypatch.setattr(body, "_describe", count)
    monkeypatch.setattr(body, "MAX_ERRORS", 10**9)
    with pytest.raises(InvalidFields):
        read_put(whole, "default", "ada", a.NOON)
    assert len(collected) <= 10


@pytest.mark.parametrize("days", [["mon"] * 8, [1] * 8], ids=["names", "numbers"])
def test_a_window_names_no_more_days_than_there_are(days: list[Any]) -> None:
    hours = {"windows": [{"from": "22:00", "until": "07:00", "days": days}]}
    with pytest.raises(InvalidFields) as refused:
        read_put({"quiet_hours": hours}, "default", "ada", a.NOON)
    assert [place for place, _ in refused.value.pointers][-1] == "/quiet_hours/windows/0/days"


def test_too_many_preferences_are_counted() -> None:
    with pytest.raises(InvalidFields) as refused:
        read_put({"preferences": {"workflows": {f"w{n}": False for n in range(501)}}}, "default", "ada", a.NOON)
    assert refused.value.pointers == [("/preferences/workflows", "has 501 entries, at most 500 are taken")]


CHOSEN = Profile(
    tenant="default", user="ada", version=3, addresses={"email": "old@example.com"}, name="Ada",
    preferences=Preferences(categories={"marketing": False}), quiet_hours=a.NIGHTS, devices=({"token": "t"},),
)  # fmt: skip


def test_put_replaces_what_producers_own_and_keeps_what_the_user_chose() -> None:
    put = read_put({"addresses": {"email": "new@example.com"}}, "default", "ada", a.NOON)(CHOSEN)
    assert (put.addresses, put.name) == ({"email": "new@example.com"}, None)
    kept = (put.preferences, put.quiet_hours, put.devices)
    assert kept == (CHOSEN.preferences, CHOSEN.quiet_hours, CHOSEN.devices)


@pytest.mark.parametrize("nothing", [None, {}])
def test_put_replaces_what_the_user_chose_if_the_body_says_so(nothing: Any) -> None:
    put = read_put({"preferences": nothing, "quiet_hours": None, "devices": []}, "default", "ada", a.NOON)(CHOSEN)
    assert (put.preferences, put.quiet_hours, put.devices) == (Preferences(), None, ())


def test_a_mute_and_digests_come_back_as_they_were_put() -> None:
    body = {"mute_until": "2027-01-06T13:00:00+01:00", "preferences": {"digests": {"*": "daily", "chat.new": "hourly"}}}
    profile = read_profile(body, "default", "ada", a.NOON)
    assert profile.mute_until == a.NOON + 366 * a.DAY
    assert shown(profile, "master") | body == shown(profile, "master") | {"mute_until": body["mute_until"]}
    assert body_of(profile)["mute_until"] == "2027-01-06T12:00:00.000Z"
    assert read_profile(body_of(profile), "default", "ada", a.NOON) == profile


def test_a_mute_stays_unless_the_body_names_it_and_null_ends_it() -> None:
    muted = msgspec.structs.replace(CHOSEN, mute_until=a.NIGHT)
    assert read_put({"name": "Ada"}, "default", "ada", a.NOON)(muted).mute_until == a.NIGHT
    assert read_put({"mute_until": None}, "default", "ada", a.NOON)(muted).mute_until is None
    patched = merge_patch(body_of(muted), {"mute_until": None})
    assert read_profile(patched, "default", "ada", a.NOON).mute_until is None
    past = merge_patch(body_of(muted), {"name": "A"})
    assert read_profile(past, "default", "ada", a.NIGHT + a.DAY).mute_until == a.NIGHT, "what is over does no harm"


def test_whatever_a_workflow_has_for_a_category_can_be_opted_out_of() -> None:
    body = {"preferences": {"categories": {"Neues aus dem Haus": False}}}
    assert read_profile(body, "default", "ada", a.NOON).preferences.categories == {"Neues aus dem Haus": False}


def test_a_channel_that_does_not_exist_is_refused_unless_it_is_stored() -> None:
    typo = {"preferences": {"channel_types": {"emial": False, "webhook": True}}}
    with pytest.raises(InvalidFields) as refused:
        read_put(typo, "default", "ada", a.NOON)(CHOSEN)
    ((place, detail),) = refused.value.pointers
    assert (place, "email" in detail) == ("/preferences/channel_types/emial", True)
    assert 'did you mean "email"?' in detail
    stored = msgspec.structs.replace(CHOSEN, preferences=Preferences(channel_types={"emial": False}))
    assert read_put(typo, "default", "ada", a.NOON)(stored).preferences.channel_types["emial"] is False


@pytest.mark.parametrize(
    ("patch", "pointer", "meant"),
    [
        ({"zonne": None}, "/zonne", "zone"),
        ({"addresses": {"emial": None}}, "/addresses/emial", "email"),
        ({"preferences": {"categorys": None}}, "/preferences/categorys", "categories"),
        ({"quiet_hours": {"enbled": None}}, "/quiet_hours/enbled", "enabled"),
    ],
)
def test_a_patch_that_removes_what_does_not_exist_is_refused(patch: Any, pointer: str, meant: str) -> None:
    with pytest.raises(InvalidFields) as refused:
        check_patch(patch)
    assert refused.value.pointers == [(pointer, f'unknown field; did you mean "{meant}"?')]


def test_a_patch_may_remove_whatever_a_profile_has() -> None:
    check_patch(dict.fromkeys(ProfileBody.model_fields))
    check_patch({"preferences": {"categories": {"any-name": None}}, "addresses": None, "devices": [{"x": "y"}]})


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
