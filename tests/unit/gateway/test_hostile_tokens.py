"""No token of the table gets anybody in, and no forged one makes the keys be fetched, unless it names an unknown key."""

from __future__ import annotations

import pytest

from services.gateway.identity import identify
from shared.http.tokens import InvalidToken, TokenVerifier
from tests.support import samples as a
from tests.support.hostile_tokens import AUDIENCE, ISSUER, Hostile, Scene, hostile_tokens
from tests.support.token_keys import FixedKeys, Signer, fixed

SECRET = "s" * 32
SCENE = Scene(SECRET, Signer("rsa", "RS256"), Signer("ec", "ES256"), Signer("ed", "EdDSA"), a.NOON // 1000)
TABLE = hostile_tokens(SCENE)
pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def keys() -> FixedKeys:
    return fixed(SCENE.rsa, SCENE.ec, SCENE.ed)


def verifier(keys: FixedKeys | None, **others) -> TokenVerifier:
    return TokenVerifier(**({"secret": SECRET, "keys": keys, "issuer": ISSUER, "audience": AUDIENCE} | others))


@pytest.mark.parametrize("hostile", TABLE.values(), ids=TABLE)
async def test_it_is_refused_with_a_reason_that_tells_nothing_of_it(keys: FixedKeys, hostile: Hostile) -> None:
    with pytest.raises(InvalidToken, match=hostile.said) as refused:
        await identify(verifier(keys), hostile.token)
    said = str(refused.value)
    assert not [part for part in hostile.token.split(".") if len(part) > 8 and part in said]
    assert "evil" not in said
    assert keys.renewed == ("names no key" in said)


@pytest.mark.parametrize("signer", [SCENE.rsa, SCENE.ec, SCENE.ed], ids=lambda signer: signer.algorithm)
async def test_each_key_and_the_secret_let_their_users_in(keys: FixedKeys, signer: Signer) -> None:
    claims = SCENE.claims(tenant="acme", nbf=SCENE.now)
    for token in (signer.token(claims), SCENE.by_secret(tenant="acme"), SCENE.by_secret(iss=None, aud=None)):
        user = await identify(verifier(keys), token)
        assert (user.id, user.expires_at) == ("ann", SCENE.now + 600)
    assert keys.renewed == 0


async def test_without_a_secret_hs256_is_nothing(keys: FixedKeys) -> None:
    for secret in (SECRET, ""):
        with pytest.raises(InvalidToken, match="not signed with RS256 or ES256 or EdDSA"):
            await identify(verifier(keys, secret=None), SCENE.by_secret(secret))


async def test_without_keys_theirs_are_nothing() -> None:
    with pytest.raises(InvalidToken, match=r"not signed with HS256$"):
        await identify(verifier(None), SCENE.rsa.token(SCENE.claims()))


async def test_a_token_without_a_kid_is_that_of_the_only_key() -> None:
    token = SCENE.ec.token(SCENE.claims(), kid=None)
    assert (await identify(verifier(fixed(SCENE.ec)), token)).id == "ann"
    with pytest.raises(InvalidToken, match="`alg`"):
        await identify(verifier(fixed(SCENE.rsa)), token)


async def test_an_issuer_is_asked_for_only_where_one_is_set(keys: FixedKeys) -> None:
    for issuer in (None, "https://any.example", ISSUER):
        assert (await identify(verifier(keys, issuer=None), SCENE.ec.token(SCENE.claims(iss=issuer)))).id == "ann"


async def test_a_key_that_is_not_known_yet_is_had_once(keys: FixedKeys) -> None:
    new = Signer("new", "EdDSA")
    keys.next = fixed(new).known
    assert (await identify(verifier(keys), new.token(SCENE.claims()))).id == "ann"
    with pytest.raises(InvalidToken, match="`kid`"):
        await identify(verifier(keys), SCENE.rsa.token(SCENE.claims()))
    assert keys.renewed == 2
