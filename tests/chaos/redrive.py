"""Events that are dead until their workflow is mended, then sent again by the operator's command."""

from __future__ import annotations

import asyncio
import os
import sys

from shared.catalog.publishing import publish
from shared.kafka.producer import Publisher
from shared.model import ids, workflows
from shared.model.workflows import Workflow
from tests.chaos.calls import Calls
from tests.chaos.evidence import read_topic
from tests.chaos.load import data, mark
from tests.chaos.run import Run
from tests.chaos.tables import Accepted
from tests.support.env import Harness
from tests.support.wait import until

TYPE = "com.example.chaos.redriven.v1"
KEY = "chaos.redriven"
FIRST_NUMBER = 1_000_000
"""Their marks are not those of the load."""


class DeadEvents:
    """Some events that could not be expanded."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._numbers: list[int] = []

    async def send(self, count: int) -> None:
        """Sends them, and waits until all are dead letters."""
        self._numbers = [FIRST_NUMBER + number for number in range(count)]
        harness = self._run.harness
        async with Calls(harness=harness, keys=self._run.load.people.keys) as calls:
            for number in self._numbers:
                event = {
                    "specversion": "1.0",
                    "id": f"e-{number}",
                    "source": "/chaos",
                    "type": TYPE,
                    "data": data(number) | {"customer_ids": [_user(number)]},
                }
                await calls.insist(
                    "POST", "/v1/events", event, headers={"content-type": "application/cloudevents+json"}
                )

        async def dead() -> bool:
            names = harness.names
            return len(await read_topic(names.brokers.kafka, names.topics.events_dlq)) >= count

        await until(dead, what=f"{count} events that could not be expanded")

    async def redrive(self) -> int:
        """Mends the workflow and sends again until each event was expanded; returns how often that took."""
        await publish_workflow(self._run.harness, "data.customer_ids")
        expected = {ids.notification_id(_event(number), KEY, _user(number)): number for number in self._numbers}
        times = 0

        async def expanded() -> bool:
            nonlocal times
            times += 1
            await self._command("events", "redrive", "--all")
            async with self._run.harness.database() as database:
                found = await database.decisions.distinct("notification", {"notification": {"$in": list(expected)}})
                return len(found) == len(expected)

        await until(expanded, what="every redriven event expanded", timeout=180, every=1)
        for notification, number in expected.items():
            self._run.load.accepted[notification] = Accepted(owner=f"default:{_user(number)}#0", mark=mark(number))
        return times

    async def _command(self, *arguments: str) -> None:
        """Runs `carillon`; it may fail while a broker is gone, then it is run again."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "carillon", *arguments, env={**os.environ, **self._run.harness.env()},
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await process.wait()


async def publish_workflow(harness: Harness, recipients: str) -> None:
    """The workflow of the dead events: with a path that names nobody at first, later with the right one."""
    publisher = Publisher(harness.names.brokers.kafka, client_id="tests")
    async with harness.database() as database:
        await publish(database, publisher, harness.names.topics, "default", [_workflow(recipients)])
    await publisher.stop()


def _workflow(recipients: str) -> Workflow:
    return workflows.parse(
        {
            "key": KEY,
            "on": [TYPE],
            "recipients": recipients,
            "category": "orders",
            "steps": [{"key": "notify", "channels": ["in_app", "email"]}],
            "templates": {
                "in_app": {"title": "Order {{ data.order }}", "body": "on its way"},
                "email": {"subject": "Order {{ data.order }}", "text": "on its way"},
            },
        }
    )


def _user(number: int) -> str:
    return f"u{number % 10 + 30}" if number % 10 not in (1, 2) else "u0"


def _event(number: int) -> str:
    return ids.event_id("default", "/chaos", f"e-{number}")
