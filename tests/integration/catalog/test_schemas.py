"""A JSON Schema that refers to something elsewhere is refused, and nobody is asked for it: a listener counts."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from shared.model.data_schemas import check_schema, compile_schema, faults
from shared.model.errors import InvalidWorkflow


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port that counts who connects."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        found.listen()
        found.setblocking(False)
        yield found


def connections(listener: socket.socket) -> int:
    count = 0
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"$ref": "URL"}, "/schema/$ref"),
        ({"properties": {"a": {"$ref": "URL#/x"}}}, "/schema/properties/a/$ref"),
        ({"allOf": [{"$dynamicRef": "URL"}]}, "/schema/allOf/0/$dynamicRef"),
        ({"$schema": "URL"}, "/schema/$schema"),
        ({"properties": {"a": {"$schema": "URL"}}}, "/schema/properties/a/$schema"),
        ({"properties": {"const": {"$ref": "URL"}}}, "/schema"),
        ({"$id": "URL", "$ref": "other.json"}, "/schema/$ref"),
        ({"$ref": "file:///etc/passwd"}, "/schema/$ref"),
        ({"properties": {"enum": {"$ref": "file:///etc/passwd"}}}, "/schema"),
        ({"$ref": "other.json"}, "/schema/$ref"),
        ({"$ref": "//127.0.0.1/x"}, "/schema/$ref"),
    ],
)
def test_nothing_is_fetched(schema: dict[str, Any], pointer: str, listener: socket.socket) -> None:
    host, port = listener.getsockname()
    text = repr(schema).replace("URL", f"http://{host}:{port}/schema")
    with pytest.raises(InvalidWorkflow) as refused:
        check_schema(eval(text))
    assert (refused.value.code, refused.value.pointer) == ("invalid_schema", pointer)
    # A row that nobody checked is compiled the same way.
    with suppress(InvalidWorkflow):
        faults(compile_schema(eval(text)), {})
    assert connections(listener) == 0


def test_the_port_would_have_been_asked(listener: socket.socket) -> None:
    with socket.create_connection(listener.getsockname()):
        assert connections(listener) == 1
