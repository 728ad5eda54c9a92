"""What MongoDB's errors become at the border: trouble to wait for, or a bug that names no contents."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.errors import AutoReconnect, BulkWriteError, WriteConcernError

from shared.model.errors import MongoUnavailable
from shared.mongo.errors import duplicates, mongo_border

NO_MAJORITY = {"writeConcernErrors": [{"code": 64, "errmsg": "waiting for replication timed out"}]}


def failed(*codes: int, **more: Any) -> BulkWriteError:
    failures = [{"index": n, "code": code, "op": {"body": "secret"}} for n, code in enumerate(codes)]
    return BulkWriteError({"writeErrors": failures} | more)


@pytest.mark.parametrize(
    "error",
    [AutoReconnect("gone"), WriteConcernError("no", 91), failed(**NO_MAJORITY), failed(10107), failed(11000, 189)],
)
def test_a_primary_that_goes_or_no_majority_is_waited_for(error: Exception) -> None:
    with pytest.raises(MongoUnavailable), mongo_border():
        raise error


def test_a_bulk_refused_for_another_reason_tells_its_codes_and_no_contents() -> None:
    with pytest.raises(RuntimeError, match="121") as refused, mongo_border():
        raise failed(121)
    assert "secret" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_duplicates_are_positions_and_anything_beside_them_is_not_hidden() -> None:
    assert duplicates(failed(11000, 11000)) == {0, 1}
    with pytest.raises(MongoUnavailable):
        duplicates(failed(11000, **NO_MAJORITY))
    with pytest.raises(RuntimeError, match="121"):
        duplicates(failed(11000, 121))
