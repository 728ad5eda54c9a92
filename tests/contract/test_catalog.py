"""Published workflows: the newest are started, an older or newer version is known once it was fetched."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from shared.catalog import publishing
from shared.catalog.cache import Catalog
from shared.catalog.rows import to_row
from shared.model.formats import NewerFormat
from shared.model.topics import Topics
from shared.model.workflows import Workflow
from shared.mongo.indexes import INDEXES
from tests.support import samples as a
from tests.support.twins.catalog import MemoryCatalog
from tests.support.twins.publisher import MemoryPublisher

SHIPPED = a.workflow(key="order.shipped", version=0, on=("shipped", "sent"), recipients="data.to")
AUDIT = a.workflow(key="order.audit", version=0, on=("shipped",), recipients="data.to")
Publish = Callable[[Workflow], Awaitable[None]]


def at(workflow: Workflow, version: int) -> Workflow:
    return msgspec.structs.replace(workflow, version=version)


@pytest.fixture
def catalog(implementation: str, request: pytest.FixtureRequest) -> Any:
    return MemoryCatalog() if implementation == "twin" else Catalog(request.getfixturevalue("database"))


@pytest.fixture
def publish(implementation: str, catalog: Any, request: pytest.FixtureRequest) -> Publish:
    """Publishes one version of a workflow for `acme`; versions come in their order."""
    database = request.getfixturevalue("database") if implementation == "real" else None

    async def make(workflow: Workflow) -> None:
        if database is None:
            catalog.publish("acme", workflow)
            return
        file = at(workflow, 0)
        (made,) = await publishing.publish(database, MemoryPublisher(), Topics(), "acme", [file])
        assert made == workflow

    return make


async def test_an_event_starts_the_newest_of_each(catalog: Any, publish: Publish) -> None:
    newest = at(msgspec.structs.replace(SHIPPED, category="other"), 2)
    for workflow in (at(SHIPPED, 1), newest, at(AUDIT, 1)):
        await publish(workflow)
    await catalog.load()
    started = catalog.started_by("acme", "shipped")
    assert sorted(started, key=lambda workflow: workflow.key) == [at(AUDIT, 1), newest]
    assert catalog.started_by("acme", "sent") == [newest]
    assert list(catalog.started_by("acme", "unknown")) == []
    assert list(catalog.started_by("other", "shipped")) == []
    assert catalog.version("acme", "order.shipped", 2) == newest
    await catalog.fetch([("acme", "order.shipped", 1), ("acme", "order.shipped", 2)])
    assert catalog.version("acme", "order.shipped", 1) == at(SHIPPED, 1)


async def test_an_inactive_one_is_not_started(catalog: Any, publish: Publish) -> None:
    await publish(at(SHIPPED, 1))
    await publish(at(msgspec.structs.replace(SHIPPED, active=False), 2))
    await catalog.load()
    assert list(catalog.started_by("acme", "shipped")) == []


async def test_what_was_published_since_is_known_once_it_was_fetched(catalog: Any, publish: Publish) -> None:
    await publish(at(AUDIT, 1))
    await catalog.load()
    await publish(at(SHIPPED, 1))
    assert catalog.version("acme", "order.shipped", 1) is None
    await catalog.fetch([("acme", "order.shipped", 1), ("acme", "order.shipped", 2), ("other", "order.shipped", 1)])
    assert catalog.version("acme", "order.shipped", 1) == at(SHIPPED, 1)
    assert catalog.version("acme", "order.shipped", 2) is None
    assert catalog.version("other", "order.shipped", 1) is None
    await catalog.fetch([])


async def test_the_newest_of_each_is_found_by_its_key(catalog: Any, publish: Publish) -> None:
    for workflow in (at(SHIPPED, 1), at(AUDIT, 1), at(msgspec.structs.replace(SHIPPED, category="other"), 2)):
        await publish(workflow)
    assert (catalog.newest("acme", SHIPPED.key), catalog.keys("acme")) == (None, [])
    await catalog.load()
    assert catalog.newest("acme", SHIPPED.key).version == 2
    assert catalog.newest("other", SHIPPED.key) is None
    assert catalog.newest("acme", "order.unknown") is None
    assert (catalog.keys("acme"), catalog.keys("other")) == ([AUDIT.key, SHIPPED.key], [])


@pytest.fixture
def publish_newer(implementation: str, catalog: Any, request: pytest.FixtureRequest) -> Callable[..., Awaitable[None]]:
    """Publishes one version of a workflow for `acme`, in a format to come."""
    database = request.getfixturevalue("database") if implementation == "real" else None

    async def make(key: str, version: int, body: Any) -> None:
        if database is None:
            catalog.publish_newer("acme", key, version, body)
            return
        row = to_row("acme", a.workflow(key=key, version=version), 0) | {"body": body, "format": a.NEWER}
        await database.workflows.insert_one(row)

    return make


async def test_a_workflow_of_a_newer_version_is_not_unknown(
    catalog: Any, publish: Publish, publish_newer: Callable[..., Awaitable[None]]
) -> None:
    await publish(at(SHIPPED, 1))
    await publish_newer("order.shipped", 2, {"on": ["shipped"], "novelty": 1})
    await publish(at(AUDIT, 1))
    await catalog.load()
    for ask in (
        lambda: catalog.newest("acme", "order.shipped"),
        lambda: catalog.started_by("acme", "shipped"),
        lambda: catalog.version("acme", "order.shipped", 2),
    ):
        with pytest.raises(NewerFormat):
            ask()
    await catalog.fetch([("acme", "order.shipped", 1)])
    assert catalog.version("acme", "order.shipped", 1) == at(SHIPPED, 1)
    assert catalog.newest("acme", "order.audit") == at(AUDIT, 1)
    assert list(catalog.started_by("acme", "other")) == []
    assert list(catalog.started_by("other", "shipped")) == []


async def test_what_a_newer_version_replaced_is_not_started_in_its_place(
    catalog: Any, publish: Publish, publish_newer: Callable[..., Awaitable[None]]
) -> None:
    await publish(at(SHIPPED, 1))
    await catalog.load()
    await publish_newer("order.shipped", 2, {"on": ["sent"]})
    await catalog.read("acme", "order.shipped")
    assert list(catalog.started_by("acme", "shipped")) == [], "it does not start on this any more"
    with pytest.raises(NewerFormat):
        catalog.started_by("acme", "sent")
    assert catalog.keys("acme") == ["order.shipped"]


async def test_a_newer_version_that_is_fetched_is_not_taken_for_the_newest(
    catalog: Any, publish: Publish, publish_newer: Callable[..., Awaitable[None]]
) -> None:
    await catalog.load()
    await publish_newer("order.shipped", 1, {"on": ["shipped"]})
    await catalog.fetch([("acme", "order.shipped", 1)])
    with pytest.raises(NewerFormat):
        catalog.version("acme", "order.shipped", 1)
    await publish(at(SHIPPED, 2))
    await catalog.load()
    assert catalog.newest("acme", "order.shipped") == at(SHIPPED, 2)
    assert catalog.started_by("acme", "shipped") == [at(SHIPPED, 2)]


async def test_one_that_is_read_again_starts_what_it_says_now(catalog: Any, publish: Publish) -> None:
    for workflow in (at(SHIPPED, 1), at(AUDIT, 1)):
        await publish(workflow)
    await catalog.load()
    newest = at(msgspec.structs.replace(SHIPPED, on=("sent", "packed")), 2)
    await publish(newest)
    await publish(at(msgspec.structs.replace(AUDIT, on=("audited",)), 2))
    await catalog.read("acme", SHIPPED.key)
    await catalog.read("acme", "order.unknown")
    assert catalog.newest("acme", SHIPPED.key) == newest
    assert catalog.started_by("acme", "shipped") == [at(AUDIT, 1)], "only the one that was named is read"
    assert catalog.started_by("acme", "packed") == [newest]
    assert catalog.keys("acme") == [AUDIT.key, SHIPPED.key]
    assert catalog.version("acme", SHIPPED.key, 2) == newest


async def test_a_prefix_starts_what_begins_so(catalog: Any, publish: Publish) -> None:
    prefixed = at(msgspec.structs.replace(AUDIT, on=("com.order.*", "com.order.shipped", "com.order.shipped")), 1)
    exact = at(msgspec.structs.replace(SHIPPED, on=("com.order.shipped",)), 1)
    await publish(prefixed)
    await publish(exact)
    await catalog.load()
    started = catalog.started_by("acme", "com.order.shipped")
    assert sorted(started, key=lambda workflow: workflow.key) == [prefixed, exact], "several may be started, each once"
    assert catalog.started_by("acme", "com.order.delayed.again") == [prefixed]
    for other in ("com.order", "com.orders.shipped", "com"):
        assert list(catalog.started_by("acme", other)) == []
    assert list(catalog.started_by("other", "com.order.shipped")) == []
    await publish(at(msgspec.structs.replace(AUDIT, on=("com.user.*",)), 2))
    await catalog.read("acme", AUDIT.key)
    assert catalog.started_by("acme", "com.order.shipped") == [exact]
    assert [workflow.version for workflow in catalog.started_by("acme", "com.user.created")] == [2]


@pytest.mark.parametrize("on", [["com.order.*"], [{"prefix": "com.order.*"}], [{"unheard": "of"}], ["com.*.shipped"]])
async def test_an_event_that_may_start_a_newer_one_by_a_prefix_waits(
    catalog: Any, publish: Publish, publish_newer: Callable[..., Awaitable[None]], on: Any
) -> None:
    await publish(at(SHIPPED, 1))
    await publish_newer("order.audit", 1, {"on": on})
    await publish_newer("order.elsewhere", 1, {"on": ["elsewhere"]})
    await catalog.load()
    with pytest.raises(NewerFormat):
        catalog.started_by("acme", "com.order.shipped")
    assert list(catalog.started_by("other", "com.order.shipped")) == []
    if "order" in str(on):
        assert catalog.started_by("acme", "shipped") == [at(SHIPPED, 1)]
    await publish(at(msgspec.structs.replace(AUDIT, on=("audited",)), 2))
    await catalog.load()
    assert list(catalog.started_by("acme", "com.order.shipped")) == [], "what follows it says what starts it"


@pytest.mark.real
async def test_a_publication_makes_nobody_read_the_other_workflows(database: Any) -> None:
    """Of all versions of all tenants, one is read: counted by MongoDB itself."""
    await database.workflows.create_indexes(INDEXES["workflows"])
    for tenant in ("acme", "other"):
        for number in range(3):
            files = [msgspec.structs.replace(SHIPPED, key=f"w.{i}", category=f"c{number}") for i in range(20)]
            await publishing.publish(database, MemoryPublisher(), Topics(), tenant, files)
    catalog = Catalog(database)
    await database.command("profile", 2)
    await catalog.load()
    after_load = await documents_read(database)
    assert after_load == 40, "the newest of each"
    await publishing.publish(database, MemoryPublisher(), Topics(), "acme", [at(AUDIT, 0)])
    before = await documents_read(database)
    await catalog.read("acme", AUDIT.key)
    await catalog.load()
    assert await documents_read(database) - before == 1
    assert catalog.newest("acme", AUDIT.key) == at(AUDIT, 1)


async def documents_read(database: Any) -> int:
    """Of the workflows, by everybody so far."""
    found = database["system.profile"].find({"ns": f"{database.name}.workflows"})
    return sum([row.get("docsExamined", 0) async for row in found])
