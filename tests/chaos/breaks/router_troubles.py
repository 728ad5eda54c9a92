"""What the router meets in some scenes, whether it is broken or not."""

from __future__ import annotations

from typing import Any, Final

from services.router.faust.transport import Consumer
from tests.chaos.breaks.breaking import Break, replace


def without_commits() -> None:
    async def commit(self: Consumer, topics: Any = None, start_new_transaction: bool = True) -> bool:
        return False

    replace(Consumer, "commit", commit)


BREAKS: Final = (Break(name="nothing is committed", apply=without_commits, services=("router",), shows=frozenset()),)
