"""Users' tokens: JWTs (RFC 7519), HS256, with `sub`, `iat`, `exp` and optionally `tenant`."""

from __future__ import annotations

import jwt

from shared.model.errors import CarillonError
from shared.model.users import User


class InvalidToken(CarillonError):
    """Not a token of ours, or no longer; the message says which and holds nothing of the token."""


def mint(secret: str, *, tenant: str, user: str, now: int, ttl_seconds: int = 3600) -> str:
    """A token for `user`; `now` in seconds since the epoch."""
    claims = {"sub": user, "tenant": tenant, "iat": now, "exp": now + ttl_seconds}
    return jwt.encode(claims, secret, algorithm="HS256")


def verify(secret: str, token: str) -> User:
    """Whose token it is. Raises InvalidToken."""
    try:
        claims = jwt.decode(token, secret, algorithms=["HS256"], options={"require": ["exp", "iat", "sub"]})
    except jwt.ExpiredSignatureError as error:
        raise InvalidToken("the token has expired") from error
    except jwt.PyJWTError as error:
        raise InvalidToken("the token is not valid") from error
    user, tenant = claims["sub"], claims.get("tenant", "default")
    if not isinstance(user, str) or not user or not isinstance(tenant, str) or not tenant:
        raise InvalidToken("the token names no user")
    return User(tenant=tenant, id=user, expires_at=float(claims["exp"]), issued_at=float(claims["iat"]))
