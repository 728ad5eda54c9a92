"""MongoDB's errors, mapped to ours once, at this border."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    ExecutionTimeout,
    OperationFailure,
    WriteConcernError,
)

from shared.model.errors import MongoUnavailable

UNAVAILABLE: Final = (ConnectionFailure, ExecutionTimeout, WriteConcernError)


DUPLICATE_KEY: Final = 11000


NO_PRIMARY: Final = frozenset({50, 91, 189, 10107, 11600, 11602, 13435, 13436})
"""Codes of writes that ran out of time, or met a primary that was stepping down or shutting down."""


NOT_LET_IN: Final = frozenset({13, 18})
"""Unauthorized, AuthenticationFailed: a password that is being changed, a role that is missing."""


@contextmanager
def mongo_border() -> Iterator[None]:
    """Maps MongoDB's infrastructure errors to MongoUnavailable.

    A bulk that was refused for another reason is a RuntimeError with its codes alone: its text holds documents.
    """
    try:
        yield
    except UNAVAILABLE as error:
        raise MongoUnavailable(type(error).__name__) from error
    except BulkWriteError as error:
        raise _refused(error) from None
    except OperationFailure as error:
        if error.code in NOT_LET_IN:
            raise MongoUnavailable("MongoDB does not let us in: look at the name, password and roles") from error
        raise


def duplicates(error: BulkWriteError) -> set[int]:
    """Positions of an unordered insert that were there already; raises what `mongo_border` does for the rest."""
    details = error.details or {}
    failures = details.get("writeErrors", [])
    if details.get("writeConcernErrors") or any(failure["code"] != DUPLICATE_KEY for failure in failures):
        raise _refused(error) from None
    return {failure["index"] for failure in failures}


def _refused(error: BulkWriteError) -> MongoUnavailable | RuntimeError:
    details = error.details or {}
    codes = {failure["code"] for failure in details.get("writeErrors", [])} - {DUPLICATE_KEY}
    if details.get("writeConcernErrors") or codes & NO_PRIMARY:
        return MongoUnavailable("the primary stepped down under a write")
    return RuntimeError(f"MongoDB refused a bulk, codes {sorted(codes)}")
