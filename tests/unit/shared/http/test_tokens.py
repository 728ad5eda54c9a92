from __future__ import annotations

import base64
import json

import jwt
import pytest

from shared.http.tokens import InvalidToken, TokenVerifier, mint
from tests.support import samples as a

SECRET = "s" * 32
NOW = a.NOON // 1000
GOOD = {"sub": "ann", "iat": NOW, "exp": NOW + 600}
VERIFIER = TokenVerifier(secret=SECRET, leeway_seconds=30)
pytestmark = pytest.mark.usefixtures("clock")


def token(**claims: object) -> str:
    wanted = {name: value for name, value in (GOOD | claims).items() if value is not None}
    return jwt.encode(wanted, SECRET, algorithm="HS256")


def foreign(**header: str) -> str:
    """A token with another header, its signature left as it was."""
    _, body, signature = token().split(".")
    raw = base64.urlsafe_b64encode(json.dumps({"alg": "HS256"} | header).encode()).rstrip(b"=").decode()
    return f"{raw}.{body}.{signature}"


def test_clocks_may_differ_by_the_leeway() -> None:
    for claims in ({"iat": NOW + 20}, {"nbf": NOW + 20}, {"exp": NOW - 20}):
        user = VERIFIER.verify(token(**claims))
        assert (user.tenant, user.id) == ("default", "ann")
        assert user.expires_at > NOW
        with pytest.raises(InvalidToken):
            TokenVerifier(secret=SECRET).verify(token(**claims))
    assert VERIFIER.verify(mint(SECRET, tenant="acme", user="ann", now=NOW)).tenant == "acme"


def test_a_token_may_name_the_audience_of_the_setting() -> None:
    verifier = TokenVerifier(secret=SECRET, audience="carillon")
    for audience in ("carillon", ["shop", "carillon"], None):
        assert verifier.verify(token(aud=audience)).id == "ann"
    for audience in ("shop", ["shop"], {"carillon": 1}):
        with pytest.raises(InvalidToken, match="`aud`"):
            verifier.verify(token(aud=audience))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (token(exp=NOW - 31), "`exp` is in the past"),
        (token(iat=NOW + 300), "`iat` or `nbf`"),
        (token(nbf=NOW + 300), "`iat` or `nbf`"),
        (token(iat="soon"), "`iat`"),
        (token(exp="soon"), "`exp` is not a number"),
        (token(nbf="soon"), "`nbf` is not a number"),
        (jwt.encode(GOOD, SECRET, algorithm="HS256", headers={"crit": ["x"], "x": 1}), "`crit`"),
        (token(exp=10**400), "`exp`"),
        (token(aud="shop"), "`aud`"),
        (token(sub=42), "`sub`"),
        (token(sub=""), "`sub`"),
        (token(sub=None), "no `sub`"),
        (token(iat=None), "no `iat`"),
        (token(tenant=7), "`tenant`"),
        (jwt.encode(GOOD, "t" * 32, algorithm="HS256"), "another secret"),
        (jwt.encode(GOOD, "t" * 64, algorithm="HS512"), "HS256"),
        (foreign(alg="none"), "HS256"),
        ("junk", "no JWT"),
        ("", "no JWT"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_of_the_token(text: str, named: str) -> None:
    with pytest.raises(InvalidToken, match=named) as refused:
        VERIFIER.verify(text)
    assert len(str(refused.value).encode()) <= 123, "it fits a close frame"
