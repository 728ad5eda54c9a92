"""What of a notification's data its inbox item has (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from shared.model.data_paths import names_of

NOTHING: Final = msgspec.Raw(b"null")
_decoder: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def chosen(data: msgspec.Raw, paths: Mapping[str, str] | None) -> msgspec.Raw:
    """An object of what stands at `paths`, by their names, each value as it was written; null where nothing stands.

    None: all of `data`.
    """
    if paths is None:
        return data
    return msgspec.Raw(msgspec.json.encode({name: _at(data, names_of(path)) for name, path in paths.items()}))


def _at(data: msgspec.Raw, names: tuple[str, ...]) -> msgspec.Raw:
    for name in names:
        try:
            data = _decoder.decode(data).get(name, NOTHING)
        except msgspec.ValidationError:  # no object: nothing stands below it
            return NOTHING
    return data
