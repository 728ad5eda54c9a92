"""The newest version of one workflow, read from MongoDB whenever it is asked for."""

from __future__ import annotations

import msgspec
import structlog

from shared.catalog.rows import WorkflowRow, from_row
from shared.model.workflows import Workflow
from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border

log = structlog.get_logger()


async def read_newest(database: Database, tenant: str, key: str) -> Workflow | None:
    """As it is published now; None where there is none that can be read. Raises NewerFormat and MongoUnavailable."""
    rows: Rows = database.workflows
    with mongo_border():
        row: WorkflowRow | None = await rows.find_one({"tenant": tenant, "key": key}, sort=[("version", -1)])
    try:
        return None if row is None else from_row(row)
    except msgspec.ValidationError as error:
        log.error("unreadable_workflow", tenant=tenant, key=key, error=str(error), next="publish it again")
        return None
