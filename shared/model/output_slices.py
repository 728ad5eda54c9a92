"""Many outputs in slices, so that what is made for the log is never in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from shared.model.outputs import Output

SLICE_BYTES: Final = 4 * 1_048_576
"""Of keys and values: what is made, and written, at once."""


def in_slices(outputs: Iterable[Output], most_bytes: int = SLICE_BYTES) -> Iterator[list[Output]]:
    """The outputs in order, each made only when its slice is. A single one may be larger than `most_bytes`."""
    current: list[Output] = []
    held = 0
    for output in outputs:
        size = len(output.key or b"") + len(output.value or b"")
        if current and held + size > most_bytes:
            yield current
            current, held = [], 0
        current.append(output)
        held += size
        del output  # the slice alone keeps it
    if current:
        yield current
