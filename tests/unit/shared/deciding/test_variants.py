"""Variants: each as often as its weight says, the same notification always the same one."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.deciding.variants import variant_of
from shared.model import ids
from shared.model.channel_templates import Variant
from tests.support import samples as a

WEIGHTS = st.lists(st.integers(1, 20), min_size=1, max_size=6)
MANY = 4000


def flow(weights: list[int]):
    return a.workflow(variants=tuple(Variant(key=f"v{n}", weight=weight) for n, weight in enumerate(weights)))


def test_a_workflow_without_variants_has_none() -> None:
    assert variant_of(a.workflow(), a.ID) is None


@given(st.lists(st.integers(1, 1_000_000), min_size=1, max_size=6), st.uuids())
def test_the_same_notification_always_gets_the_same(weights: list[int], notification: UUID) -> None:
    found = variant_of(flow(weights), str(notification))
    assert found in {f"v{n}" for n in range(len(weights))}
    assert found == variant_of(flow(weights), str(notification))


@given(WEIGHTS, st.integers(0, 2**32))
def test_each_has_its_share(weights: list[int], seed: int) -> None:
    workflow = flow(weights)
    found = [variant_of(workflow, ids.notification_id(f"e-{seed}-{n}", "w", "ada")) for n in range(MANY)]
    for number, weight in enumerate(weights):
        share = weight / sum(weights)
        allowed = 6 * (MANY * share * (1 - share)) ** 0.5 + 1  # six deviations: never by chance
        assert abs(found.count(f"v{number}") - MANY * share) <= allowed
