"""What comes after each step: in, behind and across branches; every step can be reached, and every way ends."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from shared.model.channels import Channel
from shared.model.step_order import StepOrder, walk
from shared.model.steps import Branch, BranchStep, ChannelStep, DelayStep, Step, ThrottleStep

IF = {"data.x": 1}


def send(key: str) -> ChannelStep:
    return ChannelStep(key=key, channels=(Channel.IN_APP,))


def wait(key: str) -> DelayStep:
    return DelayStep(key=key, seconds=1)


def branch(key: str, *ways: tuple[Step, ...], otherwise: tuple[Step, ...] = ()) -> BranchStep:
    return BranchStep(key=key, branches=tuple(Branch(when=IF, steps=way) for way in ways), otherwise=otherwise)


FLOW = (
    send("a"),
    branch("b", (send("c"), wait("d"), send("e")), (), otherwise=(wait("f"), send("g"), wait("h"), send("i"))),
    send("j"),
    wait("k"),
    send("l"),
)


def key_of(step: Step | None) -> str | None:
    return None if step is None else step.key


def test_what_comes_after_each() -> None:
    order = StepOrder(FLOW)
    after = {step.key: key_of(order.after(step.key)) for _, step in walk(FLOW)}
    assert after == {
        "a": "b", "b": "j", "c": "d", "d": "e", "e": "j", "f": "g", "g": "h", "h": "i", "i": "j", "j": "k", "k": "l",
        "l": None,
    }  # fmt: skip


def test_what_a_time_that_is_past_leaves_out() -> None:
    """Up to the next delay of the same way, else what stands behind the branch."""
    order = StepOrder(FLOW)
    section = {step.key: key_of(order.after_section(step.key)) for _, step in walk(FLOW)}
    assert (section["d"], section["f"], section["h"]) == ("j", "h", "j")
    assert (section["a"], section["b"], section["k"], section["l"]) == ("k", "k", None, None)


def test_a_pointer_leads_to_each() -> None:
    places = {step.key: pointer for pointer, step in walk(FLOW)}
    assert places["a"] == "/steps/0"
    assert places["e"] == "/steps/1/branches/0/steps/2"
    assert places["i"] == "/steps/1/otherwise/3"


def test_no_step_is_none() -> None:
    order = StepOrder(())
    assert (order.first, order.step("a"), order.after("a"), order.after_section("a")) == (None, None, None, None)


@st.composite
def flows(draw: st.DrawFn) -> tuple[Step, ...]:
    numbers = iter(range(10_000))

    def steps(depth: int, least: int) -> tuple[Step, ...]:
        return tuple(one(depth) for _ in range(draw(st.integers(least, 3))))

    def one(depth: int) -> Step:
        key, kind = f"s{next(numbers)}", draw(st.sampled_from(["send", "wait", "limit", "branch"]))
        if kind == "branch" and depth:
            ways = [steps(depth - 1, 0) for _ in range(draw(st.integers(1, 2)))]
            return branch(key, *ways, otherwise=steps(depth - 1, 0))
        if kind == "limit":
            return ThrottleStep(key=key, most=1, seconds=1)
        return wait(key) if kind == "wait" else send(key)

    return steps(2, 1)


def reached(order: StepOrder) -> Iterator[str]:
    """Every step that some way through it comes to."""
    pending, seen = [order.first], set()
    while pending:
        step = pending.pop()
        if step is None or step.key in seen:
            continue
        seen.add(step.key)
        yield step.key
        pending.append(order.after(step.key))
        if isinstance(step, BranchStep):
            pending += [way[0] for way in (*(each.steps for each in step.branches), step.otherwise) if way]


@given(flows())
def test_every_step_is_reached_and_every_way_ends(flow: tuple[Step, ...]) -> None:
    order = StepOrder(flow)
    keys = [step.key for _, step in walk(flow)]
    assert sorted(reached(order)) == sorted(keys)
    place = {key: number for number, key in enumerate(keys)}
    for key in keys:
        assert order.step(key) is not None
        for following in (order.after(key), order.after_section(key)):
            assert following is None or place[following.key] > place[key], "it only goes on, never back"


@given(flows())
def test_a_section_ends_where_the_same_way_waits_again_or_behind_it(flow: tuple[Step, ...]) -> None:
    order = StepOrder(flow)

    def check(steps: tuple[Step, ...], behind: Step | None) -> None:
        for position, step in enumerate(steps):
            waits = [each for each in steps[position + 1 :] if isinstance(each, DelayStep)]
            assert order.after_section(step.key) == (waits[0] if waits else behind)
            following = steps[position + 1] if position + 1 < len(steps) else behind
            assert order.after(step.key) == following
            if isinstance(step, BranchStep):
                for way in (*(each.steps for each in step.branches), step.otherwise):
                    check(way, following)

    check(flow, None)
