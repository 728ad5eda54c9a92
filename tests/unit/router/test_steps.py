"""Steps have a key and a kind: what is available can be advanced, and inserting one changes no other's identity."""

from __future__ import annotations

from services.router.core.effects import derive_effects
from shared.deciding.facts import Facts
from shared.deciding.routing import route
from shared.deciding.steps.advance import advance
from shared.deciding.steps.run import StepRun
from shared.model.channels import Channel
from shared.model.records import Kind, decode_delivery
from shared.model.steps import ChannelStep
from shared.model.topics import Topics
from tests.support import samples as a

TOPICS = Topics()
FIRST, LAST = ChannelStep(key="first", channels=(Channel.IN_APP,)), ChannelStep(key="last", channels=(Channel.EMAIL,))
INSERTED = ChannelStep(key="between", channels=(Channel.EMAIL, Channel.IN_APP))


def test_a_step_is_advanced_to_what_the_route_says_of_it() -> None:
    inputs = a.routing_input(workflow=a.workflow(steps=(FIRST, LAST)))
    assert inputs.workflow is not None
    found = [
        advance(
            StepRun(inputs=inputs, workflow=inputs.workflow, step=step, facts=Facts(inputs)), Kind.NOTIFY, inputs.now
        )
        for step in (FIRST, LAST)
    ]
    assert found[0].items + found[1].items == route(inputs)


def ids_of(*steps: ChannelStep) -> dict[tuple[str, str], str]:
    """The delivery id of each step and channel."""
    effects = derive_effects(TOPICS, [a.decision(a.routing_input(workflow=a.workflow(steps=steps)))])
    lanes = [output for output in effects.outputs if output.topic != TOPICS.statuses]
    deliveries = [decode_delivery(output.value) for output in lanes]
    return {(delivery.step, delivery.channel): delivery.id for delivery in deliveries}


def test_inserting_a_step_changes_no_other_ids() -> None:
    before, after = ids_of(FIRST, LAST), ids_of(FIRST, INSERTED, LAST)
    assert len(set(after.values())) == 4
    assert before.items() < after.items()
