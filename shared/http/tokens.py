"""Users' tokens: JWTs (RFC 7519) with `sub`, `iat`, `exp` and optionally `tenant`, `aud` and `iss`.

HS256 by a shared secret; or RS256, ES256 or EdDSA by a key of a set. The algorithm is the key's own: what the token
says may only agree with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import jwt

from shared.model.errors import CarillonError
from shared.model.users import User

HMAC_ALGORITHM: Final = "HS256"
KEY_ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")
_REASONS: Final[dict[type[jwt.PyJWTError], str]] = {
    jwt.ExpiredSignatureError: "the token has expired: `exp` is in the past",
    jwt.ImmatureSignatureError: "the token is not valid yet: `iat` or `nbf` is further ahead than the clocks may differ",
    jwt.InvalidIssuedAtError: "the token's `iat` is not a number of seconds",
    jwt.InvalidAudienceError: "the token's `aud` names another audience (CARILLON_TOKEN_AUDIENCE)",
    jwt.InvalidIssuerError: "the token's `iss` names another issuer (CARILLON_TOKEN_ISSUER)",
    jwt.exceptions.InvalidSubjectError: "the token's `sub` is not a string",
    jwt.exceptions.InvalidJTIError: "the token's `jti` is not a string",
    jwt.InvalidSignatureError: "the token was signed with another secret or key",
}
"""What is wrong, by the claim; nothing of the token itself."""
_SIGNS: Final = {
    "(exp) must be": "the token's `exp` is not a number of seconds",
    "(nbf) must be": "the token's `nbf` is not a number of seconds",
    "critical extension": "the token's header says `crit`: no extension is understood here",
}


class InvalidToken(CarillonError):
    """Not a token of ours, or no longer; the message says which and holds nothing of the token."""


class UnknownKey(InvalidToken):
    """It names a key that is not in the set, or not yet."""

    def __init__(self) -> None:
        super().__init__("the token's `kid` names no key of the set (CARILLON_TOKEN_JWKS_URL)")


class SigningKeys(Protocol):
    """The public keys of who signs tokens, each by one of KEY_ALGORITHMS."""

    def find(self, kid: str | None) -> jwt.PyJWK | None:
        """The key that a token names, or that of tokens that name none."""

    async def renew(self) -> bool:
        """A token names an unknown key: whether the keys are newer now, so that it is worth another look."""


@dataclass(frozen=True, kw_only=True)
class TokenVerifier:
    """What makes a token good: a secret, keys, or both."""

    secret: str | None = None
    keys: SigningKeys | None = None
    issuer: str | None = None
    """A token signed with a key has to name this one; None: whichever it names."""
    audience: str | None = None
    """A token that names an audience must name this one, and one signed with a key has to; None: it may name none."""
    leeway_seconds: int = 0
    """How far the clocks of who signs and who verifies may differ."""

    def verify(self, token: str) -> User:
        """Whose token it is; `expires_at` is when it is refused from. Raises InvalidToken, of that UnknownKey."""
        try:
            claims = self._claims(token)
            issued_at, expires_at = _seconds(claims, "iat"), _seconds(claims, "exp") + self.leeway_seconds
            if "nbf" in claims:
                _seconds(claims, "nbf")
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
            raise InvalidToken(self._reason(error)) from error
        user, tenant = claims["sub"], claims.get("tenant", "default")
        if not isinstance(user, str) or not user:
            raise InvalidToken("the token's `sub` is empty")
        if not isinstance(tenant, str) or not tenant:
            raise InvalidToken("the token's `tenant` is not a name")
        return User(tenant=tenant, id=user, expires_at=expires_at, issued_at=issued_at)

    def _claims(self, token: str) -> dict[str, object]:
        """Those of a token that is good. Which secret or key is asked follows from its header; how, does not."""
        if self.keys is None:
            return self._decode(token, self.secret or "", HMAC_ALGORITHM)
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        if algorithm == HMAC_ALGORITHM and self.secret:
            return self._decode(token, self.secret, HMAC_ALGORITHM)
        if algorithm not in KEY_ALGORITHMS:
            raise jwt.InvalidAlgorithmError
        key = self.keys.find(header.get("kid"))
        if key is None:
            raise UnknownKey
        if key.algorithm_name != algorithm:
            raise InvalidToken("the token's `alg` is not that of the key that it names")
        claims = self._decode(token, key, key.algorithm_name, self.issuer)
        if self.audience is not None:
            _check_audience(claims.get("aud"), self.audience)
        return claims

    def _decode(self, token: str, key: str | jwt.PyJWK, algorithm: str, issuer: str | None = None) -> dict[str, object]:
        claims = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            leeway=self.leeway_seconds,
            issuer=issuer,
            options={"require": ["exp", "iat", "sub"], "verify_aud": False},
        )
        if claims.get("aud"):
            _check_audience(claims["aud"], self.audience)
        return claims

    def _reason(self, error: Exception) -> str:
        if isinstance(error, jwt.MissingRequiredClaimError):
            return f"the token has no `{error.claim}`"
        if isinstance(error, jwt.InvalidAlgorithmError):
            by_secret = (HMAC_ALGORITHM,) if self.secret else ()
            return f"the token was not signed with {' or '.join(by_secret + (KEY_ALGORITHMS if self.keys else ()))}"
        if isinstance(error, jwt.PyJWTError):
            # PyJWT has one type for these; its texts are constant.
            by_text = (reason for sign, reason in _SIGNS.items() if sign in str(error))
            return _REASONS.get(type(error)) or next(by_text, "it is no JWT")
        return "the token's `exp` is not a number of seconds"


def mint(secret: str, *, tenant: str, user: str, now: int, ttl_seconds: int = 3600) -> str:
    """A token for `user`; `now` in seconds since the epoch."""
    claims = {"sub": user, "tenant": tenant, "iat": now, "exp": now + ttl_seconds}
    return jwt.encode(claims, secret, algorithm=HMAC_ALGORITHM)


def verify(secret: str, token: str) -> User:
    """Whose token it is, with no leeway and for no audience. Raises InvalidToken."""
    return TokenVerifier(secret=secret).verify(token)


def _seconds(claims: dict[str, object], claim: str) -> float:
    """A NumericDate is a number; PyJWT takes all that int() takes, text too."""
    found = claims[claim]
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise InvalidToken(f"the token's `{claim}` is not a number of seconds")
    return float(found)


def _check_audience(named: object, audience: str | None) -> None:
    if audience is None or audience not in (named if isinstance(named, list) else [named]):
        raise jwt.InvalidAudienceError
