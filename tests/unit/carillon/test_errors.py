"""The client's errors: read, copied, and sent to another process."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

import carillon
from carillon.errors import (
    ClientError,
    CommandRejectedError,
    KafkaRejectedError,
    ProblemError,
    SocketEndedError,
    UnexpectedAnswerError,
    UnreachableError,
)

PROBLEM = {"code": "c", "detail": "d", "fix": "f", "errors": [{"pointer": "/a", "detail": "e"}]}
SAMPLES: list[ClientError] = [
    ClientError("x"),
    UnreachableError("no answer"),
    KafkaRejectedError("too large", fix="send less"),
    UnexpectedAnswerError("a login page", fix="name another url"),
    ProblemError(422, PROBLEM, retry_after=3.0),
    SocketEndedError("not JSON", fix="mend it", code=4400),
    CommandRejectedError("too long", fix="shorten it", code="bad_command"),
]


def below(kind: type[ClientError]) -> Iterator[type[ClientError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from below(each)


def test_there_is_a_sample_of_every_error_and_every_one_can_be_imported():
    _ = carillon.AsyncClient, carillon.KafkaClient  # whatever they define is there
    kinds = {
        kind
        for kind in below(ClientError)
        if kind.__module__.startswith("carillon.") and not kind.__name__.startswith("_")
    }
    assert kinds == {type(error) for error in SAMPLES}
    assert {kind.__name__ for kind in kinds} <= set(carillon.__all__)


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_a_copy_says_the_same(error, again):
    noted: ClientError = copy.copy(error)
    noted.add_note("while sending order A-1")
    copied = again(noted)
    assert type(copied) is type(error)
    assert str(copied) == str(error)
    assert vars(copied) == vars(noted)


def test_a_problem_reads_its_document():
    error = ProblemError(422, PROBLEM)
    assert (error.code, error.detail, error.fix, error.errors) == ("c", "d", "f", [("/a", "e")])
    assert str(ProblemError(502, {})) == "502 unknown: the answer says no more"


@pytest.mark.parametrize(
    ("errors", "read"),
    [
        (None, []),
        ("x", []),
        ({"pointer": "/a"}, []),
        (["x", None, {"pointer": "/a", "detail": "e"}], [("/a", "e")]),
        ([{"pointer": None, "detail": 1}], [("", "1")]),
    ],
)
def test_what_a_proxy_says_instead_breaks_nothing(errors: Any, read):
    error = ProblemError(502, {"code": None, "detail": None, "fix": None, "errors": errors})
    assert (error.code, error.detail, error.fix, error.errors) == ("unknown", "the answer says no more", "", read)
