"""An event that is sent again is as old as it was: whoever has the id of somebody in it now is not meant."""

from __future__ import annotations

import pytest
import time_machine

from shared.model.dead_letters import redriven
from shared.model.lives import Life
from shared.model.outputs import KafkaRecord
from shared.model.reasons import Reason
from tests.support import samples as a
from tests.unit.router.expand_stores import ExpandStores, carry
from tests.unit.router.scenes import TOPICS, DecideStores
from tests.unit.router.scenes import carry as decide

pytestmark = pytest.mark.usefixtures("clock")
HOURS = 3_600
AGAIN = b'{"to":["ada"]}'


@pytest.fixture
def stores() -> ExpandStores:
    return ExpandStores()


def decided(stores: ExpandStores) -> list[KafkaRecord]:
    return [
        a.record(one.value, topic=TOPICS.notifications, partition=1, offset=n, headers=list(one.headers))
        for n, one in enumerate(stores.publisher.on(TOPICS.notifications))
    ]


def again(offset: int, at_ms: int, **header: bytes) -> KafkaRecord:
    """The same event, read an hour later at another place."""
    record = a.event_record("e-1", offset=offset, data=AGAIN)
    return record._replace(timestamp=at_ms, headers=[*record.headers, *header.items()])


async def reason_of(stores: ExpandStores, *, since: int) -> Reason | None:
    """What `decide` says of the last one, for a user whose life began at `since`."""
    deciding = DecideStores()
    deciding.profiles.put(a.profile(tenant="default", life=Life(number=1, since=since)))
    deciding.catalog.publish("default", a.workflow(version=1), a.workflow())
    await decide(deciding.decider(), decided(stores)[-1])
    (decision,) = deciding.decisions.rows.values()
    return decision.items[0].reason


@pytest.mark.parametrize("replays", [0, 1])
@pytest.mark.parametrize("how", ["redriven", "by its producer", "redriven twice"])
async def test_sent_again_it_is_of_the_life_in_which_it_was_accepted_first(
    stores: ExpandStores, clock: time_machine.Traveller, how: str, replays: int
) -> None:
    await carry(await stores.expander(), a.event_record("e-1", offset=1, data=b'{"to":[7.5]}'))
    assert stores.notifications == []
    clock.shift(2 * HOURS)
    header = {} if how == "by its producer" else {"carillon_generation": b"1"}
    wrong = a.event_record("e-1", offset=2, data=b'{"to":[7.5]}')
    if how == "redriven twice":
        await carry(await stores.expander(), wrong._replace(headers=[*wrong.headers, *header.items()]))
        header = {"carillon_generation": b"2"}
    came = again(3, a.NOON + 2 * HOURS * 1000, **header)
    for _ in range(replays + 1):
        await carry(await stores.expander(), came)
    (found, *_) = stores.notifications
    assert found.accepted_at == a.NOON + 2 * HOURS * 1000, "it does not expire at once"
    assert await reason_of(stores, since=a.NOON + HOURS * 1000) is Reason.USER_DELETED
    assert await reason_of(stores, since=a.NOON - HOURS * 1000) is None


async def test_what_is_sent_once_says_nothing_more(stores: ExpandStores) -> None:
    await carry(await stores.expander(), again(1, a.NOON))
    (output,) = stores.publisher.on(TOPICS.notifications)
    assert list(output.headers) == []


@pytest.mark.parametrize("said_by", ["itself", "its broker", "its dead letter", "the redrive before"])
async def test_where_nothing_is_stored_of_it_the_redrive_says_how_old_it_is(stores: ExpandStores, said_by: str) -> None:
    """It could not be read, or was of another tenant, until a setting was mended."""
    came = a.event_record("e-1", offset=1, data=AGAIN)._replace(timestamp=-1)
    old, failed_at = str(a.NOON - 2 * HOURS * 1000).encode(), None
    if said_by == "itself":
        came = came._replace(headers=[*came.headers, ("carillon_accepted_at", old)])
    elif said_by == "its broker":
        came = came._replace(timestamp=int(old))
    elif said_by == "its dead letter":
        failed_at = int(old)
    else:
        came = came._replace(timestamp=a.NOON, headers=[*came.headers, ("carillon_first_accepted", old)])
    again_ = redriven(came, 1, failed_at)
    record = came._replace(headers=list(again_.headers), timestamp=a.NOON, offset=2)
    for _ in range(2):
        await carry(await stores.expander(), record)
    assert stores.notifications[0].accepted_at == a.NOON
    assert await reason_of(stores, since=a.NOON - HOURS * 1000) is Reason.USER_DELETED
