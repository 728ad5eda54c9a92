"""What a text needs and the data have not: the message fails and says which field, instead of having a hole.

Only what is rendered counts: a field that is asked for with `if`, `for` or `default` may be missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Final

from liquid.exceptions import UndefinedError
from liquid.undefined import Undefined

NUMERIC: Final = (
    "abs", "at_least", "at_most", "ceil", "date", "divided_by", "floor", "minus", "modulo", "plus", "round", "times",
)  # fmt: skip
"""Filters that would take what is missing for a 0, or for no date."""
MAX_NAME: Final = 100
_VARIABLE: Final = re.compile(r"[\w-]++(?:\.[\w-]++|\[[^\[\]]*+(?:\[[^\[\]]*+\][^\[\]]*+)*+\])*+")


class MissingField(Undefined):
    """What is not in the data: false, nothing, an empty list; but no text and no number."""

    __slots__ = ()

    def __str__(self) -> str:
        raise UndefinedError(self.name, token=self.token)

    def __int__(self) -> int:
        raise UndefinedError(self.name, token=self.token)


def needs_values(numeric: Callable[..., object]) -> Callable[..., object]:
    """The filter, for which what is missing is an error."""

    @wraps(numeric)
    def checked(*values: object, **named: object) -> object:
        for value in (*values, *named.values()):
            if isinstance(value, MissingField):
                raise UndefinedError(value.name, token=value.token)
        return numeric(*values, **named)

    return checked


def name_of(error: UndefinedError) -> str:
    """The variable as the template writes it: data are no part of it, whatever they are indexed with."""
    token = error.token
    written = _VARIABLE.match(token.source, token.start_index) if token is not None else None
    return written[0][:MAX_NAME] if written else "a field"
