"""`carillon catalog` against Kafka and MongoDB: a running process takes up what is pushed, and what is rolled back."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.process import ROOT
from shared.catalog.cache import Catalog
from shared.model.steps import StepKind
from shared.mongo.database import Database, open_database
from tests.integration.catalog.test_follow import followed
from tests.support.env import Names
from tests.support.wait import until

FLOW = """\
key: order.follow_up
category: orders
on: [com.example.follow.*]
when: {data.total: {gte: 100}}
recipients: data.members[*].id
schema: {type: object, required: [members]}
steps:
  - {key: gather, kind: digest, seconds: 60}
  - {key: inbox, channels: [in_app]}
  - {key: read, kind: wait_for_read, seconds: 600}
  - key: ways
    kind: branch
    branches: [{when: {profile.locale: de}, steps: [{key: hook, channels: [webhook]}]}]
    otherwise: [{key: mail, channels: [email, webhook], deliver: first}]
templates:
  in_app: {title: "{{ digest.count }} orders"}
  email: {subject: "{{ digest.count }} orders", text: Look}
"""


@pytest.fixture
async def database(names: Names) -> AsyncIterator[Database]:
    async with open_database(names.brokers.mongo, names.database) as found:
        yield found


async def carillon(names: Names, *arguments: str, code: int = 0) -> str:
    """What the command says; it ends with `code`."""
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "carillon", "catalog", *arguments],
        cwd=ROOT,
        env=dict(os.environ) | names.env() | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


async def known(catalog: Catalog, version: int) -> None:
    async def newest() -> bool:
        found = catalog.newest("default", "order.follow_up")
        return found is not None and found.version == version

    await until(newest, what=f"version {version}")


async def test_versions_are_pushed_taken_up_looked_at_and_rolled_back(
    names: Names, database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "flow.yaml"
    file.write_text(FLOW)
    async with followed(names, database) as catalog:
        assert "published  order.follow_up  version 1" in await carillon(names, "push", str(file))
        await known(catalog, 1)
        (started,) = catalog.started_by("default", "com.example.follow.up")
        assert [step.kind for step in started.steps] == [
            StepKind.DIGEST, StepKind.CHANNEL, StepKind.WAIT_FOR_READ, StepKind.BRANCH,
        ]  # fmt: skip
        assert "unchanged  order.follow_up  version 1" in await carillon(names, "publish", str(file))

        (tmp_path / "bad.yaml").write_text(
            FLOW.replace("order.follow_up", "order.other").replace("seconds: 60", "seconds: 0")
        )
        file.write_text(FLOW.replace("seconds: 600", "seconds: 900").replace("category: orders", "category: news"))
        said = await carillon(names, "push", str(tmp_path), code=1)
        assert "bad.yaml:8: " in said
        assert "Nothing was published" in said
        (tmp_path / "bad.yaml").unlink()
        assert "version 2" in await carillon(names, "push", str(tmp_path))
        await known(catalog, 2)

        history = await carillon(names, "history", "order.follow_up")
        assert "category: orders → news; step read" in history
        assert "the first one" in history
        assert "order.follow_up" in await carillon(names, "list")
        drawn = await carillon(names, "draw", "order.follow_up")
        assert drawn == await carillon(names, "draw", str(file))

        said = await carillon(names, "rollback", "order.follow_up", "--to", "1")
        assert "version 3, with the content of version 1" in said
        await known(catalog, 3)
        (now,) = catalog.started_by("default", "com.example.follow.up")
        assert (now.category, now.steps) == (started.category, started.steps)
        assert "unchanged" in await carillon(names, "rollback", "order.follow_up", "--to", "1")
        assert "no version 9" in await carillon(names, "rollback", "order.follow_up", "--to", "9", code=1)
        assert "no workflow order.none" in await carillon(names, "history", "order.none", code=1)


async def test_a_version_that_a_process_lacks_is_fetched_whatever_its_steps(
    names: Names, database: Database, tmp_path: Path
) -> None:
    """As a router or a delivery worker does with the version that a notification was accepted under."""
    late = Catalog(database)
    await late.load()
    file = tmp_path / "flow.yaml"
    file.write_text(FLOW)
    await carillon(names, "push", str(file))
    assert late.version("default", "order.follow_up", 1) is None
    await late.fetch([("default", "order.follow_up", 1)])
    found = late.version("default", "order.follow_up", 1)
    assert found is not None
    assert [step.key for step in found.steps] == ["gather", "inbox", "read", "ways"]
    assert found.validator is not None
    assert found.order.step("mail") is not None
