"""Which user a path names: the one that it names, or none."""

from __future__ import annotations

import pytest
from starlette.routing import compile_path

from services.ingest import users_api
from services.ingest.core.user_path import NotUtf8, user_of_path
from shared.model.errors import Invalid


@pytest.mark.parametrize(
    ("raw", "user"),
    [
        (b"/v1/users/ada", "ada"),
        (b"/v1/users/grace%2Fh%C3%B6pper", "grace/höpper"),
        (b"/base/v1/users/v1/users/x", "v1/users/x"),
        (b"/v1/users/%25", "%"),
        ("/v1/users/ü".encode(), "ü"),
        (b"/v1/users/%EF%BF%BD", "\ufffd"),
    ],
)
def test_the_user_is_what_the_bytes_say(raw: bytes, user: str) -> None:
    assert user_of_path(raw, users_api.PREFIX) == user


@pytest.mark.parametrize("rest", [b"victim%0A", b"vic%0Atim", b"%0D", b"", b"%00", b"a%E2%80%A8", b"x" * 201])
def test_what_is_no_user_id_is_refused(rest: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        user_of_path(b"/v1/users/" + rest, users_api.PREFIX)
    assert refused.value.code == "invalid_user_id"


@pytest.mark.parametrize("rest", [b"%FF", b"%FE", b"%C3%28", b"%ED%A0%80", b"ada%FF"])
def test_what_is_not_utf8_is_nobody(rest: bytes) -> None:
    with pytest.raises(NotUtf8):
        user_of_path(b"/v1/users/" + rest, users_api.PREFIX)


def test_a_path_is_matched_to_its_end() -> None:
    users_api.register_user_ids()
    pattern, _, _ = compile_path("/v1/users" + users_api.PATH)
    found = pattern.match("/v1/users/vic\ntim\n")
    assert found is not None
    assert found["user"] == "vic\ntim\n"


def test_a_slash_at_the_end_is_the_paths_and_an_encoded_one_the_ids() -> None:
    assert user_of_path(b"/v1/users/ada/", "/v1/users") == "ada"
    assert user_of_path(b"/v1/users/ada%2F", "/v1/users") == "ada/"
    assert user_of_path(b"/v1/users/a/b", "/v1/users") == "a/b"
