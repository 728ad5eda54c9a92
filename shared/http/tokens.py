"""Users' tokens: JWTs (RFC 7519), HS256, with `sub`, `iat`, `exp` and optionally `tenant` and `aud`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import jwt

from shared.model.errors import CarillonError
from shared.model.users import User

_ALGORITHM: Final = "HS256"
_REASONS: Final[dict[type[jwt.PyJWTError], str]] = {
    jwt.ExpiredSignatureError: "the token has expired: `exp` is in the past",
    jwt.ImmatureSignatureError: "the token is not valid yet: `iat` or `nbf` is further ahead than the clocks may differ",
    jwt.InvalidIssuedAtError: "the token's `iat` is not a number of seconds",
    jwt.InvalidAudienceError: "the token's `aud` names another audience (CARILLON_TOKEN_AUDIENCE)",
    jwt.exceptions.InvalidSubjectError: "the token's `sub` is not a string",
    jwt.exceptions.InvalidJTIError: "the token's `jti` is not a string",
    jwt.InvalidSignatureError: "the token was signed with another secret",
    jwt.InvalidAlgorithmError: f"the token was not signed with {_ALGORITHM}",
}
"""What is wrong, by the claim; nothing of the token itself."""
_SIGNS: Final = {
    "(exp) must be": "the token's `exp` is not a number of seconds",
    "(nbf) must be": "the token's `nbf` is not a number of seconds",
    "critical extension": "the token's header says `crit`: no extension is understood here",
}


class InvalidToken(CarillonError):
    """Not a token of ours, or no longer; the message says which and holds nothing of the token."""


@dataclass(frozen=True, kw_only=True)
class TokenVerifier:
    """What makes a token good."""

    secret: str
    audience: str | None = None
    """A token that names an audience must name this one; None: it may name none."""
    leeway_seconds: int = 0
    """How far the clocks of who signs and who verifies may differ."""

    def verify(self, token: str) -> User:
        """Whose token it is; `expires_at` is when it is refused from. Raises InvalidToken."""
        try:
            claims = jwt.decode(
                token,
                self.secret,
                algorithms=[_ALGORITHM],
                leeway=self.leeway_seconds,
                options={"require": ["exp", "iat", "sub"], "verify_aud": False},
            )
            if claims.get("aud"):
                _check_audience(claims["aud"], self.audience)
            expires_at = float(claims["exp"]) + self.leeway_seconds
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
            raise InvalidToken(_reason(error)) from error
        user, tenant = claims["sub"], claims.get("tenant", "default")
        if not user:
            raise InvalidToken("the token's `sub` is empty")
        if not isinstance(tenant, str) or not tenant:
            raise InvalidToken("the token's `tenant` is not a name")
        return User(tenant=tenant, id=user, expires_at=expires_at, issued_at=float(claims["iat"]))


def mint(secret: str, *, tenant: str, user: str, now: int, ttl_seconds: int = 3600) -> str:
    """A token for `user`; `now` in seconds since the epoch."""
    claims = {"sub": user, "tenant": tenant, "iat": now, "exp": now + ttl_seconds}
    return jwt.encode(claims, secret, algorithm=_ALGORITHM)


def verify(secret: str, token: str) -> User:
    """Whose token it is, with no leeway and for no audience. Raises InvalidToken."""
    return TokenVerifier(secret=secret).verify(token)


def _check_audience(named: object, audience: str | None) -> None:
    if audience is None or audience not in (named if isinstance(named, list) else [named]):
        raise jwt.InvalidAudienceError


def _reason(error: Exception) -> str:
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"the token has no `{error.claim}`"
    if isinstance(error, jwt.PyJWTError):
        # PyJWT has one type for these; its texts are constant.
        by_text = (reason for sign, reason in _SIGNS.items() if sign in str(error))
        return _REASONS.get(type(error)) or next(by_text, "it is no JWT")
    return "the token's `exp` is not a number of seconds"
