"""What an event type starts: by its exact type and by prefixes, against looking at every workflow."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.catalog.started import StartedByType
from shared.model.event_types import starting_types

TENANTS = ("acme", "other")
KEYS = ("one", "two", "three")
ON = ("a", "a.b", "a.b.c", "a.*", "a.b.*", "b.*")
TYPES = ("a", "a.b", "a.b.c", "a.b.c.d", "b", "b.x", "c.a.b")


def test_a_workflow_that_is_named_twice_is_started_once() -> None:
    started: StartedByType[int] = StartedByType()
    started.add("acme", "one", ("a.b", "a.*", "a.b"), 1)
    assert started.find("acme", "a.b") == {"one": 1}
    started.remove("acme", "one", ("a.b", "a.*", "a.b"))
    assert started.find("acme", "a.b") == {}


@given(
    st.lists(
        st.tuples(st.sampled_from(TENANTS), st.sampled_from(KEYS), st.lists(st.sampled_from(ON), max_size=3)),
        max_size=12,
    )
)
def test_it_finds_what_looking_at_each_finds(published: list[tuple[str, str, list[str]]]) -> None:
    started: StartedByType[int] = StartedByType()
    current: dict[tuple[str, str], tuple[list[str], int]] = {}
    for number, (tenant, key, types) in enumerate(published):
        if (tenant, key) in current:
            started.remove(tenant, key, current[tenant, key][0])
        started.add(tenant, key, types, number)
        current[tenant, key] = types, number
    for tenant in TENANTS:
        for event_type in TYPES:
            assert started.find(tenant, event_type) == {
                key: number
                for (owner, key), (types, number) in current.items()
                if owner == tenant and not set(starting_types(event_type)).isdisjoint(types)
            }
    for (tenant, key), (types, _) in current.items():
        started.remove(tenant, key, types)
    assert vars(started) == vars(StartedByType()), "nothing is left behind"
