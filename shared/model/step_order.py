"""The order of a workflow's steps: what comes after each, in and behind branches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.model.steps import BranchStep, DelayStep, Step


def walk(steps: Sequence[Step], pointer: str = "/steps") -> Iterator[tuple[str, Step]]:
    """Every step with its JSON pointer, in the order of the file."""
    for position, step in enumerate(steps):
        here = f"{pointer}/{position}"
        yield here, step
        if isinstance(step, BranchStep):
            for number, branch in enumerate(step.branches):
                yield from walk(branch.steps, f"{here}/branches/{number}/steps")
            yield from walk(step.otherwise, f"{here}/otherwise")


class StepOrder:
    """The steps of one workflow version by key, and what follows each."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.first = steps[0] if steps else None
        self._steps: dict[str, Step] = {}
        self._next: dict[str, Step | None] = {}
        self._sections: dict[str, Step | None] = {}
        self._add(steps, None)

    def step(self, key: str) -> Step | None:
        """The step of a key."""
        return self._steps.get(key)

    def after(self, key: str) -> Step | None:
        """What comes after the step; behind the last one of a branch, what comes after the branch."""
        return self._next.get(key)

    def after_section(self, key: str) -> Step | None:
        """The next delay after the step, or what comes behind its branch: what a time that is past leaves out."""
        return self._sections.get(key)

    def _add(self, steps: Sequence[Step], behind: Step | None) -> None:
        section = behind
        for step in reversed(steps):
            self._sections[step.key] = section
            section = step if isinstance(step, DelayStep) else section
        for position, step in enumerate(steps):
            following = steps[position + 1] if position + 1 < len(steps) else behind
            self._steps[step.key] = step
            self._next[step.key] = following
            if isinstance(step, BranchStep):
                for ways in (*(branch.steps for branch in step.branches), step.otherwise):
                    self._add(ways, following)
