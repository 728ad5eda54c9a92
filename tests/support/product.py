"""A running product that many tests use, each with users and keys of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sandbox.child import settle
from tests.support.brokers import Brokers
from tests.support.env import SERVICES, Harness, lay
from tests.support.rerun import check_decisions


@contextmanager
def serving(
    brokers: Brokers, folder: Path, *, names: tuple[str, ...] = SERVICES, settings: Mapping[str, str] | None = None
) -> Iterator[Harness]:
    """Services that are ready; at the end every decision that they have made is asked for again. Blocks.

    Without a loop, since what lives longer than a test may belong to none.
    """
    made = Harness(settle(lay(brokers)), folder)
    made.more |= settings or {}
    for name in names:
        made.spawn(name)
    try:
        for service in made.services.values():
            settle(service.ready(120))
        yield made
    finally:
        made.kill()
    settle(check_decisions(made.names))
