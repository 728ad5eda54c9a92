"""The states that decisions come to are those of the transition table, which the reference draws."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.console.timeline.core.channel_states import ENDS
from services.router.core.effects import state
from shared.deciding.items import RoutingItem
from shared.deciding.routing import route
from shared.model.deliveries import TERMINAL
from shared.model.notification_states import ENDED, NOTIFICATION_TRANSITIONS, NotificationState
from shared.model.receipts import ReceiptState
from tests.support.rerun import wrong_transitions
from tests.unit.console.test_timeline import IN_APP, QUIET
from tests.unit.deciding.test_rerun import TABLE


def test_the_words_are_the_routers() -> None:
    assert NOTIFICATION_TRANSITIONS.keys() == {*NotificationState}
    assert set(ENDS) == {str(one) for one in (*ENDED, *TERMINAL, *ReceiptState)}


@pytest.mark.parametrize("inputs", TABLE.values(), ids=TABLE.keys())
def test_every_decision_comes_to_one_of_them(inputs: Any) -> None:
    assert NotificationState(state(route(inputs))) in NOTIFICATION_TRANSITIONS[NotificationState.ACCEPTED]


def row(pass_: int, item: RoutingItem, subject: str = "n", generation: int = 0) -> Any:
    return {
        "subject": subject,
        "generation": generation,
        "pass": pass_,
        "kind": "release",
        "items": [msgspec.to_builtins(item)],
    }


def test_what_goes_on_after_its_end_is_seen() -> None:
    ended = {"type": "suppress", "reason": "cancelled", "rule": "cancel"}
    over = row(0, IN_APP) | {"items": [ended]}
    assert wrong_transitions([row(0, QUIET), row(1, IN_APP), row(2, QUIET)]) == []
    assert wrong_transitions([over, row(0, IN_APP, "other"), row(0, IN_APP, generation=1)]) == []
    assert wrong_transitions([row(1, IN_APP), over]) == ["n pass 1 (release): cancelled -> routed"]
