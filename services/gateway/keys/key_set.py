"""A JSON Web Key Set (RFC 7517): public keys that verify users' tokens, each by the one algorithm of its kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm

from services.gateway.core.limits import MAX_TOKEN_KEYS, RSA_KEY_BITS
from shared.http.tokens import KEY_ALGORITHMS

_ALGORITHMS: Final[dict[tuple[str, str | None], str]] = dict(
    zip((("RSA", None), ("EC", "P-256"), ("OKP", "Ed25519")), KEY_ALGORITHMS, strict=True)
)
"""Of a key's type and curve. What the set says besides may only agree."""


class UnusableKeySet(ValueError):
    """No set, or none with a key for us; the message holds nothing of it."""


class KeySet(msgspec.Struct, frozen=True):
    """Keys by their id. `left_out`: how many are no public keys for signatures of a kind that is taken here."""

    keys: Mapping[str | None, jwt.PyJWK]
    left_out: int

    def find(self, kid: str | None) -> jwt.PyJWK | None:
        """The key of an id; without an id the only key that there is."""
        if kid is None and len(self.keys) == 1:
            return next(iter(self.keys.values()))
        return self.keys.get(kid)


class _Jwk(msgspec.Struct, frozen=True):
    kty: Literal["RSA", "EC", "OKP"]
    kid: str | None = None
    alg: str | None = None
    use: str | None = None
    key_ops: list[str] | None = None
    crv: str | None = None
    n: str | None = None
    e: str | None = None
    x: str | None = None
    y: str | None = None
    d: str | None = None


class _Jwks(msgspec.Struct, frozen=True):
    keys: list[msgspec.Raw]


def parse_key_set(body: bytes) -> KeySet:
    """The keys of a set; of those with the same id the first. Raises UnusableKeySet."""
    try:
        listed = msgspec.json.decode(body, type=_Jwks).keys
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise UnusableKeySet("it is no JSON Web Key Set") from None
    if len(listed) > MAX_TOKEN_KEYS:
        raise UnusableKeySet(f"it has {len(listed)} keys, and may have {MAX_TOKEN_KEYS}")
    keys: dict[str | None, jwt.PyJWK] = {}
    for raw in listed:
        if (found := _key(raw)) is not None:
            keys.setdefault(*found)
    if not keys:
        raise UnusableKeySet(f"none of its {len(listed)} keys is for signatures by {', '.join(KEY_ALGORITHMS)}")
    return KeySet(keys, len(listed) - len(keys))


def _key(raw: msgspec.Raw) -> tuple[str | None, jwt.PyJWK] | None:
    """A key and its id; None for one that is not used here. A private one is known to whoever reads the set."""
    try:
        jwk = msgspec.json.decode(raw, type=_Jwk)
        algorithm = _ALGORITHMS.get((jwk.kty, jwk.crv))
        if algorithm is None or jwk.alg not in {None, algorithm} or jwk.d is not None:
            return None
        if jwk.use not in {None, "sig"} or (jwk.key_ops is not None and "verify" not in jwk.key_ops):
            return None
        parts = {name: getattr(jwk, name) for name in ("kty", "crv", "n", "e", "x", "y")}
        key = jwt.PyJWK({name: part for name, part in parts.items() if part is not None}, algorithm)
    except (msgspec.MsgspecError, jwt.PyJWTError, UnsupportedAlgorithm, ValueError, RecursionError):
        return None
    low, high = RSA_KEY_BITS
    return (jwk.kid, key) if jwk.kty != "RSA" or low <= key.key.key_size <= high else None
