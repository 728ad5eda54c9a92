"""What makes two calls the same call: the same JSON value to the same place, however it is written."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import orjson


def fingerprint(method: str, path: str, media: str, headers: Iterable[tuple[bytes, bytes]], value: object) -> str:
    """Equal for equal calls: order of keys, spaces, escapes and a charset make no other one.

    `media` is the media type without parameters, `headers` those that say something (CloudEvents attributes), `value` the
    decoded body.
    """
    digest = sha256(f"{method} {path}\n{media}\n".encode())
    for name, text in sorted(headers):
        digest.update(name + b":" + text + b"\n")
    digest.update(b"\n" + orjson.dumps(value, option=orjson.OPT_SORT_KEYS))
    return digest.hexdigest()
