"""MongoDB that does not let us in is waited for, as one that does not answer; what is our fault is not."""

from __future__ import annotations

import pytest
from pymongo.errors import OperationFailure

from shared.model.errors import MongoUnavailable
from shared.mongo.errors import mongo_border


@pytest.mark.parametrize("code", [13, 18])
def test_a_password_that_was_changed_or_a_role_that_is_missing_is_waited_for_and_named(code: int) -> None:
    with pytest.raises(MongoUnavailable, match="does not let us in"), mongo_border():
        raise OperationFailure("Authentication failed., full error: {'$clusterTime': {}}", code)


def test_another_refusal_passes_as_it_is() -> None:
    with pytest.raises(OperationFailure), mongo_border():
        raise OperationFailure("unknown operator: $foo", 2)
