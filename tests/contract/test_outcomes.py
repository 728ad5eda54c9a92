"""What became of a run's earlier steps, as decisions, ledger and inbox say it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.router.core.decision import Decision
from services.router.decisions import Decisions
from shared.deciding.history import StepOutcome
from shared.deciding.items import Deliver, HoldUntil, RoutingItem, Suppress
from shared.model.channels import Channel
from shared.model.claims import Closing
from shared.model.deliveries import DeliveryResult, DeliveryState
from shared.model.holds import Cause
from shared.model.inbox import InboxItem
from shared.model.notifications import Notification
from shared.model.reasons import Reason
from shared.model.rules import Rule
from shared.mongo.inbox_writing import NewInboxRow
from shared.mongo.ledger import Ledger
from shared.mongo.outcomes import Outcomes
from tests.contract.test_inbox_replacing import by
from tests.contract.test_inbox_rows import RealInboxRows
from tests.support import samples as a
from tests.support.twins.decisions import MemoryDecisions
from tests.support.twins.inbox_rows import MemoryInboxRows
from tests.support.twins.ledger import MemoryLedger
from tests.support.twins.outcomes import MemoryOutcomes

UNKNOWN = StepOutcome()


class Scene:
    """The stores that are read, and how each of them comes by what it says."""

    def __init__(self, decisions: Any, ledger: Any, inbox: Any, reader: Any) -> None:
        self.decisions, self.ledger, self.inbox, self.reader = decisions, ledger, inbox, reader
        self._passes = 0
        self.had_by: dict[str, tuple[str, ...]] = {}

    async def decided(self, *items: RoutingItem, about: Notification | None = None, generation: int = 0) -> None:
        found: Decision = a.decision(a.routing_input(notification=about or a.notification()), offset=self._passes)
        record = msgspec.structs.replace(found.record, pass_=self._passes, generation=generation)
        self._passes += 1
        await self.decisions.insert([msgspec.structs.replace(found, record=record, items=items)])

    async def ended(self, state: DeliveryState, channel: Channel = Channel.EMAIL, **about: Any) -> None:
        received = a.received(**{"id": f"d-{channel}", "channel": channel, "step": "tell", **about})
        await self.ledger.claim([received])
        result = DeliveryResult(state=state, at=a.NOON, attempts=1, reason=Reason.REJECTED)
        await self.ledger.record([(received.delivery, result)])

    async def shown(self, name: str = "a", offset: int = 1, **changes: Any) -> None:
        item = InboxItem(id=f"n-{name}", workflow="order.shipped", offset=offset, created_at=a.NOON)
        row = NewInboxRow(f"ada-{name}", "acme", "ada", item, 0, "show")
        await self.inbox.insert([row._replace(**changes)])

    async def of(self, about: Notification | None = None) -> dict[str, StepOutcome]:
        asked = about or a.notification()
        found: dict[str, dict[str, StepOutcome]] = await self.reader.outcomes([asked, a.notification(id="n-other")])
        assert found["n-other"] == {}
        self.had_by = {step: outcome.had_by for step, outcome in found[asked.id].items()}
        return {step: msgspec.structs.replace(outcome, had_by=()) for step, outcome in found[asked.id].items()}


@pytest.fixture
def scene(implementation: str, request: pytest.FixtureRequest) -> Scene:
    if implementation == "twin":
        twins = MemoryDecisions(), MemoryLedger(), MemoryInboxRows()
        return Scene(*twins, MemoryOutcomes(*twins))
    database = request.getfixturevalue("database")
    return Scene(Decisions(database), Ledger(database), RealInboxRows(database), Outcomes(database))


def sends(channel: Channel = Channel.EMAIL, step: str = "tell") -> Deliver:
    return Deliver(channel=channel, step=step, address="x")


def ends(reason: Reason, channel: Channel | None = Channel.EMAIL, step: str = "tell") -> Suppress:
    return Suppress(reason=reason, rule=Rule.CHANNEL_PREFERENCE, channel=channel, step=step)


async def test_nothing_is_known_of_what_nobody_decided(scene: Scene) -> None:
    assert await scene.of() == {}
    assert await scene.reader.outcomes([]) == {}


async def test_what_is_in_its_lane_is_nothing_yet(scene: Scene) -> None:
    await scene.decided(sends())
    assert await scene.of() == {"tell": UNKNOWN}


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (DeliveryState.SENT, StepOutcome(sent=True)),
        (DeliveryState.DEAD, StepOutcome(failed=True)),
        (DeliveryState.EXPIRED, StepOutcome(failed=True)),
        (DeliveryState.SUPPRESSED, StepOutcome(suppressed=True)),
        (DeliveryState.CANCELLED, StepOutcome(suppressed=True)),
        (DeliveryState.RETRYING, UNKNOWN),
        (DeliveryState.PARKED, UNKNOWN),
        (DeliveryState.UNCONFIRMED, UNKNOWN),
    ],
)
async def test_the_ledger_says_how_it_ended(scene: Scene, state: DeliveryState, outcome: StepOutcome) -> None:
    await scene.decided(sends())
    await scene.ended(state)
    assert await scene.of() == {"tell": outcome}


async def test_a_step_fails_with_the_last_of_its_channels(scene: Scene) -> None:
    await scene.decided(sends(), sends(Channel.WEBHOOK), ends(Reason.NOT_NEEDED, Channel.IN_APP))
    await scene.ended(DeliveryState.DEAD)
    assert await scene.of() == {"tell": UNKNOWN}, "the other is under way"
    await scene.ended(DeliveryState.DEAD, Channel.WEBHOOK)
    assert await scene.of() == {"tell": StepOutcome(failed=True)}


async def test_one_channel_that_worked_is_enough(scene: Scene) -> None:
    await scene.decided(sends(), sends(Channel.WEBHOOK))
    await scene.ended(DeliveryState.SENT)
    assert await scene.of() == {"tell": StepOutcome(sent=True)}


async def test_what_is_redriven_is_under_way_until_its_channel_says_otherwise(scene: Scene) -> None:
    await scene.decided(sends(), sends(Channel.WEBHOOK))
    await scene.ended(DeliveryState.DEAD)
    await scene.ended(DeliveryState.DEAD, Channel.WEBHOOK)
    assert (await scene.of(), scene.had_by) == ({"tell": StepOutcome(failed=True)}, {"tell": ()})
    await scene.decided(sends(), generation=1)
    assert (await scene.of(), scene.had_by) == ({"tell": UNKNOWN}, {"tell": ("email",)})
    await scene.ended(DeliveryState.DEAD, generation=1)
    assert (await scene.of(), scene.had_by) == ({"tell": StepOutcome(failed=True)}, {"tell": ()})
    await scene.decided(sends(Channel.WEBHOOK), generation=1)
    await scene.ended(DeliveryState.SENT, Channel.WEBHOOK, generation=1)
    assert (await scene.of(), scene.had_by) == ({"tell": StepOutcome(sent=True)}, {"tell": ("webhook",)})


async def test_what_is_suppressed_has_no_row(scene: Scene) -> None:
    await scene.decided(ends(Reason.NO_ADDRESS), ends(Reason.STEP_CONDITION, None, "later"))
    assert await scene.of() == {"tell": StepOutcome(suppressed=True), "later": StepOutcome(suppressed=True)}


async def test_the_last_decision_counts(scene: Scene) -> None:
    held = HoldUntil(
        reason=Reason.QUIET_HOURS, rule=Rule.QUIET_HOURS, cause=Cause.QUIET_HOURS, due=a.NOON,
        channel=Channel.EMAIL, step="tell",
    )  # fmt: skip
    await scene.decided(held)
    assert await scene.of() == {"tell": UNKNOWN}
    await scene.decided(ends(Reason.CHANNEL_OPTED_OUT))
    assert await scene.of() == {"tell": StepOutcome(suppressed=True)}


async def test_one_that_fell_back_has_failed_unless_the_next_one_works(scene: Scene) -> None:
    await scene.decided(sends())
    await scene.ended(DeliveryState.PARKED)
    result = DeliveryResult(state=DeliveryState.SUPPRESSED, at=a.NOON, attempts=0, reason=Reason.FELL_BACK)
    await scene.ledger.close([Closing(delivery="d-email", generation=0, pass_=1, result=result)])
    assert await scene.of() == {"tell": StepOutcome(failed=True)}
    await scene.decided(sends(Channel.WEBHOOK))
    assert await scene.of() == {"tell": UNKNOWN}
    await scene.ended(DeliveryState.SENT, Channel.WEBHOOK)
    assert await scene.of() == {"tell": StepOutcome(sent=True)}


async def test_an_inbox_item_is_sent_then_read(scene: Scene) -> None:
    about = a.notification(id="n-a")
    await scene.decided(sends(Channel.IN_APP, "show"), about=about)
    await scene.shown()
    assert await scene.of(about) == {"show": StepOutcome(sent=True)}
    await scene.inbox.mark_read("ada-a", a.NOON)
    assert await scene.of(about) == {"show": StepOutcome(sent=True, read=True, seen=True)}


async def test_what_gave_way_was_not_read(scene: Scene) -> None:
    await scene.shown("a", 1)
    await scene.shown("b", 2)
    await scene.inbox.replace([by("b", "a")])
    assert await scene.of(a.notification(id="n-a")) == {"show": StepOutcome(sent=True)}


async def test_others_are_not_asked(scene: Scene) -> None:
    """Neither another tenant nor another user or life, whatever their ids are."""
    await scene.decided(sends())
    await scene.ended(DeliveryState.SENT)
    await scene.shown(life=1)
    for change in ({"tenant": "other"}, {"user": "bob"}):
        assert await scene.of(a.notification(**change)) == {}
    assert await scene.of(a.notification(id="n-a")) == {}
    assert await scene.of(a.notification(id="n-a", life=1)) == {"show": StepOutcome(sent=True)}
