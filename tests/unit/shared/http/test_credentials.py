"""Who calls, and what the key may do."""

from __future__ import annotations

import pytest
from fastapi import Request

from shared.http.credentials import bearer, require_scope
from shared.http.problems import Problem
from shared.mongo.api_keys import Principal, Scope


def asking(authorization: str | None) -> Request:
    headers = [] if authorization is None else [(b"authorization", authorization.encode())]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers})


@pytest.mark.parametrize("authorization", ["Bearer ck_1", "bearer ck_1", "BEARER  ck_1 "])
def test_the_credential(authorization: str) -> None:
    assert bearer(asking(authorization)) == "ck_1"


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic eDp5", "ck_1"])
def test_no_credential(authorization: str | None) -> None:
    with pytest.raises(Problem) as refused:
        bearer(asking(authorization))
    assert (refused.value.status, refused.value.code) == (401, "unauthorized")
    assert refused.value.headers == {"WWW-Authenticate": "Bearer"}


@pytest.mark.parametrize("scope", Scope)
def test_a_key_may_do_what_its_scopes_say(scope: Scope) -> None:
    require_scope(Principal(key_id="k", tenant="acme", scopes=frozenset({scope})), scope)
    others = frozenset(Scope) - {scope}
    with pytest.raises(Problem) as refused:
        require_scope(Principal(key_id="k", tenant="acme", scopes=others), scope)
    assert (refused.value.status, refused.value.code) == (403, "missing_scope")
    assert f"--scope {scope}" in refused.value.fix
