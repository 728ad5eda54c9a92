"""What the client sends is what the platform can carry; the rest is refused with the place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, IntEnum
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import orjson
import pytest

from carillon import json_values
from carillon.json_values import encode
from shared.model import strict_json

NAN = float("nan")


class Size(IntEnum):
    LARGE = 3


class Ratio(Enum):
    NONE = NAN


@dataclass
class Order:
    total: float
    lines: tuple[Any, ...] = ()


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (2**63, "the value: the integer does not fit 64 bits"),
        ({"a/b": [0, {"c~": -(2**63) - 1}]}, "/a~1b/1/c~0: the integer does not fit 64 bits"),
        ({"a": [NAN]}, "/a/0: JSON has no nan"),
        ({"a": float("-inf")}, "/a: JSON has no -inf"),
        ({"a": {"b\0": 1}}, r"/a: the key 'b\\x00' has a NUL"),
        ({"a": {"b\ud800": 1}}, r"/a: the key 'b\\ud800' has a NUL or a lone surrogate"),
        ({"a": "\udfff"}, "/a: a lone surrogate"),
        (nested(33), "(/a){32}: more than 32 levels"),
        ({"order": Order(NAN)}, "/order/total: JSON has no nan"),
        ({"order": Order(1.0, (1, 2**63))}, "/order/lines/1: the integer"),
        ([Ratio.NONE], "/0: JSON has no nan"),
        (orjson.Fragment(b'{"a":18446744073709551615}'), "/a: the integer"),
    ],
)
def test_what_the_platform_does_not_take_is_refused_with_its_place(value, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        encode(value)


def test_a_value_that_holds_itself_is_refused():
    value: dict[str, Any] = {}
    value["again"] = [value, value]
    with pytest.raises(ValueError, match="more than 32 levels"):
        encode(value)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ([2**63 - 1, -(2**63), 1.5, True, None, "é\0"], [2**63 - 1, -(2**63), 1.5, True, None, "é\0"]),
        (nested(32), nested(32)),
        ({"at": datetime(2026, 1, 5, tzinfo=UTC)}, {"at": "2026-01-05T00:00:00+00:00"}),
        ([UUID(int=1), Size.LARGE, Order(1.5, (1,))], [str(UUID(int=1)), 3, {"total": 1.5, "lines": [1]}]),
    ],
)
def test_the_rest_is_sent_as_orjson_writes_it_and_the_platform_reads_it(value, read):
    assert strict_json.loads(encode(value)) == read


@pytest.mark.parametrize("value", [{1: 2}, {"a": {1}}, SimpleNamespace(a=1), Order])
def test_what_is_no_json_is_refused(value):
    with pytest.raises(TypeError):
        encode(value)


def test_the_limits_are_the_platforms():
    assert json_values.MAX_DEPTH == strict_json.MAX_DEPTH
    assert range(json_values.INT64_MIN, json_values.INT64_MAX + 1) == strict_json.INT64
