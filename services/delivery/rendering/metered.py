"""Rendering that is strict and counted: each turn of a loop, each filter and all that is written takes its share of work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from io import StringIO
from typing import Any, Final, TextIO, cast

from liquid.builtin.tags.for_tag import ForLoop, ForNode, ForTag
from liquid.builtin.tags.tablerow_tag import TableRow, TablerowNode, TablerowTag
from liquid.context import RenderContext
from liquid.exceptions import FilterArgumentError
from liquid.output import LimitedStringIO
from liquid.stream import TokenStream
from liquid.template import BoundTemplate
from liquid.token import Token
from liquid.undefined import UNDEFINED

from services.delivery.rendering.work import MAX_VALUE, TextWork, TooMuchWork, weight

MAX_DATE: Final = 200
"""Characters of a date, and of its form."""
_OF_LISTS: Final = frozenset({"size", "first", "last"})
_EACH: Final = 8
"""What a filter or a turn of a loop takes, however small."""
_SHORT: Final = 64
"""Characters that count for nothing: the turn of the loop in which they stand counts."""
_LOOP: Final = 30
"""What beginning a loop takes."""
Filter = Callable[..., Any]


class Buffer(LimitedStringIO):
    """What is written, of which each character counts. A line break stays what it is: Python would make each a LF."""

    def __init__(self, limit: int, work: TextWork) -> None:
        super().__init__(limit, newline="")
        self.work = work

    def write(self, text: str) -> int:
        """Raises OutputStreamLimitError, TooMuchWork."""
        if len(text) > _SHORT:
            self.work.take(len(text) >> 4)
        return super().write(text)


class StrictContext(RenderContext):
    """An object has the fields that it has: `data.size`, where an event has none, is missing and not their number."""

    __slots__ = ("body", "locale", "work")

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.work = TextWork()
        self.body = 0
        self.locale: str | None = None

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        """What stands there."""
        value = super().get(path, token=token, default=default)
        kind = type(value)
        if kind is list or kind is dict or (kind is str and len(cast("str", value)) > _SHORT):
            self.work.look_at(value)
        return value

    def get_item(self, obj: Any, key: Any) -> Any:
        """One step of a path."""
        return obj[key] if key in _OF_LISTS and isinstance(obj, Mapping) else super().get_item(obj, key)

    def get_buffer(self, buf: TextIO | None = None) -> StringIO:
        """For what is captured."""
        return Buffer(cast("LimitedStringIO", super().get_buffer(buf)).limit, self.work)

    def filter(self, name: str, token: Token | None) -> Filter:
        """The filter, counted."""
        return partial(_filtered, self.work, name, super().filter(name, token))

    @contextmanager
    def loop(self, namespace: Mapping[str, object], forloop: ForLoop | TableRow) -> Iterator[RenderContext]:
        """The turns are taken as it begins."""
        self.work.take(_LOOP + forloop.length * (_EACH + (self.body >> 1)))
        with super().loop(namespace, forloop) as context:
            yield context


class StrictTemplate(BoundTemplate):
    """A template that is rendered so."""

    context_class = StrictContext


class _ForNode(ForNode):
    __slots__ = ("body",)
    body: int

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        cast("StrictContext", context).body = self.body
        return super().render_to_output(context, buffer)


class CountedForTag(ForTag):
    """`for`, which knows how long its block is."""

    node_class = _ForNode

    def parse(self, stream: TokenStream) -> ForNode:
        """The node."""
        begin = stream.current.start_index
        node = cast("_ForNode", super().parse(stream))
        node.body = stream.current.start_index - begin
        return node


class _TablerowNode(TablerowNode):
    __slots__ = ("body",)
    body: int

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        cast("StrictContext", context).body = self.body
        return super().render_to_output(context, buffer)


class CountedTablerowTag(TablerowTag):
    """`tablerow`, the same."""

    node_class = _TablerowNode

    def parse(self, stream: TokenStream) -> TablerowNode:
        """The node."""
        begin = stream.current.start_index
        node = cast("_TablerowNode", super().parse(stream))
        node.body = stream.current.start_index - begin
        return node


def _filtered(work: TextWork, name: str, apply: Filter, *given: Any, **named: Any) -> Any:
    """What the filter makes. Raises TooMuchWork, before it where it would make too much, and what the filter raises."""
    units = _EACH
    for value in given:
        units += weight(value)
    for value in named.values():
        units += weight(value)
    work.take(units)
    if (beyond := _BEYOND.get(name)) is not None:
        work.take(beyond(*given))
    made = apply(*given, **named)
    work.take(weight(made))
    return made


def _of_replace(value: object = "", wanted: object = "", instead: object = "", *_: object) -> int:
    text, found, put = str(value), str(wanted), str(instead)
    return _text(len(text) + text.count(found) * len(put))


def _of_join(value: object = (), separator: object = " ", *_: object) -> int:
    return _text(weight(value) * len(str(separator)))


def _text(length: int) -> int:
    if length > MAX_VALUE:
        raise TooMuchWork("a value would be too large", token=None)
    return length >> 2


def _of_uniq(value: object = (), *_: object) -> int:
    """Each entry is compared with all others."""
    return weight(value) * len(value) >> 3 if isinstance(value, list) else 0


def _of_sort(value: object = (), *_: object) -> int:
    return weight(value) * 8


def _of_date(*given: object) -> int:
    if any(isinstance(value, str) and len(value) > MAX_DATE for value in given):
        raise FilterArgumentError("no date is so long", token=None)
    return 100


def _of_tags(value: object = "", *_: object) -> int:
    """Its parser looks for the end of a tag from each beginning anew."""
    text = str(value)
    return len(text) + (len(text) * text.count("<") >> 3)


_BEYOND: Final[Mapping[str, Callable[..., int]]] = {
    "date": _of_date,
    "join": _of_join,
    "replace": _of_replace,
    "sort": _of_sort,
    "sort_natural": _of_sort,
    "strip_html": _of_tags,
    "uniq": _of_uniq,
}
"""What takes more than one pass over what it is given."""
