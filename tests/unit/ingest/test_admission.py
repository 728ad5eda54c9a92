"""What a call passes before anything is done: header limits, key, scope, Idempotency-Key, content type."""

from __future__ import annotations

import pytest

from services.ingest.admission import MAX_HEADER_BYTES, Admission
from shared.http.problems import Problem
from shared.model.errors import MongoUnavailable
from shared.mongo.api_keys import Scope
from tests.support.twins.api_keys import MemoryApiKeys
from tests.unit.ingest.scenes import limits, request

JSON = "application/json"


@pytest.fixture
def keys() -> MemoryApiKeys:
    return MemoryApiKeys()


@pytest.fixture
def admission(keys: MemoryApiKeys) -> Admission:
    return Admission(keys, limits=limits(), prepare_seconds=0.5)


@pytest.fixture
async def sender(keys: MemoryApiKeys) -> str:
    """The Authorization header of a key that may send."""
    return "Bearer " + await keys.create(tenant="acme", scopes=frozenset({Scope.SEND}))


async def test_the_tenant_is_the_keys(admission: Admission, sender: str) -> None:
    caller = await admission.caller(request(authorization=sender), Scope.SEND)
    assert (caller.tenant, caller.prepare_seconds) == ("acme", 0.5)


async def test_a_post_has_its_key_and_body(admission: Admission, sender: str) -> None:
    asked = request(b'{"a":1}', authorization=sender, content_type=JSON, idempotency_key='"k"')
    call = await admission.post(asked, Scope.SEND)
    assert (call.caller.tenant, call.key, call.raw) == ("acme", "k", b'{"a":1}')


async def test_a_test_keys_call_is_not_the_same_as_another_keys(keys: MemoryApiKeys, admission: Admission) -> None:
    """The answer to a test, told to who sends in earnest with the same key, would say of nothing that it was sent."""
    calls = []
    for test in (False, True):
        key = await keys.create(tenant="acme", scopes=frozenset({Scope.SEND}), test=test)
        asked = request(b"{}", authorization=f"Bearer {key}", content_type=JSON, idempotency_key="k")
        calls.append(await admission.post(asked, Scope.SEND))
    assert calls[0].key == "k"
    assert calls[1].key not in (None, "k")


async def test_a_body_of_the_named_media_types_is_taken(admission: Admission, sender: str) -> None:
    asked = request(b"[]", authorization=sender, content_type="application/x; charset=utf-8")
    assert (await admission.post(asked, Scope.SEND, "application/x")).raw == b"[]"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"authorization": ""}, 401, "unauthorized"),
        ({"authorization": "Bearer ck_unknown"}, 401, "unauthorized"),
        ({"content_type": "text/plain"}, 415, "unsupported_media_type"),
        ({"content_encoding": "gzip"}, 415, "unsupported_encoding"),
        ({"idempotency_key": ""}, 400, "invalid_idempotency_key"),
        ({"x": "y" * MAX_HEADER_BYTES}, 431, "headers_too_large"),
        ({"content_length": "99999999"}, 413, "body_too_large"),
    ],
)
async def test_what_is_refused(
    admission: Admission, sender: str, headers: dict[str, str], status: int, code: str
) -> None:
    good = {"authorization": sender, "content_type": JSON}
    await admission.post(request(**good), Scope.SEND)
    with pytest.raises(Problem) as refused:
        await admission.post(request(**good | headers), Scope.SEND)
    assert (refused.value.status, refused.value.code) == (status, code)


async def test_a_key_without_the_scope_is_refused(admission: Admission, sender: str) -> None:
    with pytest.raises(Problem) as refused:
        await admission.caller(request(authorization=sender), Scope.USERS)
    assert (refused.value.status, refused.value.code) == (403, "missing_scope")


async def test_a_key_that_cannot_be_read_is_not_refused_as_unknown(
    admission: Admission, keys: MemoryApiKeys, sender: str
) -> None:
    keys.outages.add()
    with pytest.raises(MongoUnavailable):
        await admission.caller(request(authorization=sender), Scope.SEND)
