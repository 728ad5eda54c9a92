"""What callers of the client give, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from yarl import URL


def checked_address(url: str) -> str:
    """`url` as paths are appended to it. Raises ValueError."""
    parsed = URL(url.strip())
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query_string or parsed.fragment:
        raise ValueError(f"{url!r} is no address of a platform; write it as https://carillon.example.com")
    return str(parsed).rstrip("/")


def checked_socket_address(url: str) -> str:
    """Raises ValueError for what is no address of sockets, also for a query: a token does not belong in a URL."""
    parsed = URL(url.strip())
    if parsed.scheme not in ("ws", "wss") or not parsed.host or parsed.query_string or parsed.fragment:
        raise ValueError(
            f"{url!r} is no address of a gateway's sockets; write it as wss://carillon.example.com/sockets"
        )
    return str(parsed)


def checked_callback(token: Any) -> Any:
    """Raises TypeError for a token in place of what gives one, and does not tell it."""
    if not callable(token):
        raise TypeError(f"token is a function that returns the user's JWT, not a {type(token).__name__}: lambda: …")
    return token


def checked_cursor(cursor: str | None) -> str | None:
    """Raises TypeError for what no event had."""
    if not (cursor is None or isinstance(cursor, str)):
        raise TypeError(f"cursor is the text that an earlier socket had as its cursor, not a {type(cursor).__name__}")
    return cursor


def checked_token(token: object) -> str:
    """Without the line end that a file leaves. Raises ValueError or TypeError, which do not tell the token."""
    if not isinstance(token, str):
        raise TypeError(f"the token callback returned {type(token).__name__}; it returns the user's JWT as a string")
    if not (stripped := token.strip()):
        raise ValueError("the token callback returned an empty token; it returns the user's JWT")
    return stripped


def checked_key(key: str) -> str:
    """Without the line end that a file of secrets leaves. Raises ValueError, which does not tell the key."""
    stripped = key.strip()
    if not stripped or not stripped.isascii() or not stripped.isprintable():
        raise ValueError("the API key is empty or has characters that no key has; it looks like ck_…")
    return stripped


def listed(name: str, given: Sequence[Any]) -> list[Any]:
    """Raises TypeError for what is one and not several: the letters of a user id would be users."""
    if isinstance(given, str | bytes | Mapping):
        raise TypeError(f"{name} is a list: write [{given!r}]")
    return list(given)


def check_members(name: str, given: Mapping[str, Any], wanted: Sequence[str]) -> None:
    """Raises ValueError that names those of the `wanted` members which are missing or None, TypeError for no mapping."""
    if not isinstance(given, Mapping):
        raise TypeError(f"{name} is a {type(given).__name__}; give a mapping with {', '.join(wanted)}")
    if missing := [each for each in wanted if given.get(each) is None]:
        raise ValueError(f"{name} lacks {', '.join(missing)}")


def audience_or_list(recipients: Sequence[Any] | Mapping[str, Any]) -> Any:
    """An audience as it is, recipients as a list. Raises TypeError for one recipient."""
    if isinstance(recipients, Mapping) and not recipients.keys().isdisjoint(("topic", "users")):
        return dict(recipients)
    return listed("recipients", recipients)  # type: ignore[arg-type]  # which says what is wrong with any other mapping


def segment(name: str, value: str) -> str:
    """`value` as one segment of a path. Raises ValueError for an empty one, which names something else."""
    if not value:
        raise ValueError(f"the {name} is empty")
    return quote(value, safe="")
