"""Tests and all else of the same user do not meet: none fills, counts against, or takes the place of the other."""

from __future__ import annotations

import pytest

from shared.deciding.caps import cap_id
from shared.deciding.facts import Facts, collapse_id
from shared.deciding.history import History
from shared.deciding.items import DigestChange
from shared.deciding.steps.throttle import throttle_id
from shared.model.steps import ThrottleStep
from shared.model.tenants import FrequencyCap
from tests.support import samples as a
from tests.unit.deciding.runs import MAIL, SHOW, asked
from tests.unit.deciding.test_digests import GATHER, gathered, opened


@pytest.mark.parametrize("test", [False, True])
def test_a_digest_has_tests_alone_or_none(test: bool) -> None:
    item, open_ = opened(n_test=test)
    history = History(digests={item.slot: open_})
    assert gathered(asked(GATHER, SHOW, history=history, n_test=test)).change is DigestChange.JOIN
    assert gathered(asked(GATHER, SHOW, history=history, n_test=not test)).change is DigestChange.OPEN


def test_counters_and_what_is_replaced_are_of_their_own() -> None:
    live, test = (a.notification(collapse_key="k", test=each) for each in (False, True))
    assert collapse_id(live, 0) != collapse_id(test, 0)
    assert cap_id(FrequencyCap(most=1, seconds=60), live) != cap_id(FrequencyCap(most=1, seconds=60), test)
    step = ThrottleStep(key="slow", most=1, seconds=60)
    counted = [asked(step, MAIL, n_test=each) for each in (False, True)]
    assert len({throttle_id(each, step, Facts(each)) for each in counted}) == len(counted)
