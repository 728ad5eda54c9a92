"""The user id, or a topic, in a path, from the bytes that came."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from shared.model.errors import Invalid
from shared.model.identifiers import check_user_id


class NotUtf8(Exception):
    """The path is percent-encoded, but not from UTF-8."""


def user_of_path(raw_path: bytes, prefix: str) -> str:
    """The id behind `prefix/` in a path as it came on the wire. Raises NotUtf8, or Invalid for what is no user id.

    A slash at the end belongs to the path, an encoded one to the id. What a server decoded leniently would make one user of all bytes that are not UTF-8.
    """
    found = text_of_path(raw_path, prefix)
    if found is None:
        raise Invalid("invalid_user_id", "the path names no user", "")
    return check_user_id(found, "")


def text_of_path(raw_path: bytes, prefix: str) -> str | None:
    """What stands behind `prefix/`, decoded; None: nothing does. Raises NotUtf8."""
    _, found, rest = raw_path.partition(f"{prefix}/".encode())
    if not found:
        return None
    try:
        return unquote_to_bytes(rest.rstrip(b"/")).decode()
    except UnicodeDecodeError as error:
        raise NotUtf8 from error
