"""Endpoints for statuses in MongoDB."""

from __future__ import annotations

from collections.abc import Collection

from pymongo import ReturnDocument

from shared.model.status_endpoints import MAX_ENDPOINTS, StatusEndpoint
from shared.model.timestamps import from_datetime, to_datetime
from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.provider_accounts import enable


class StatusEndpoints:
    """The `status_endpoints` collection. All methods raise MongoUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows: Rows = database.status_endpoints

    async def put(self, endpoint: StatusEndpoint) -> StatusEndpoint | None:
        """Stores or replaces one, and calls it again if it was disabled; None when the tenant has too many already."""
        place = {"_id": f"{endpoint.tenant}:{endpoint.id}", "tenant": endpoint.tenant}
        values = {"endpoint": endpoint.id, "url": endpoint.url, "events": list(endpoint.events)}
        with mongo_border():
            others = await self._rows.count_documents({"tenant": endpoint.tenant, "_id": {"$ne": place["_id"]}})
            if others >= MAX_ENDPOINTS:
                return None
            row = await self._rows.find_one_and_update(
                place,
                {"$set": values, "$setOnInsert": {"created_at": to_datetime(endpoint.created_at)}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        await enable(self._database, endpoint.tenant, endpoint.url)
        return _endpoint(row)

    async def of(self, tenant: str) -> list[StatusEndpoint]:
        """A tenant's, by id."""
        with mongo_border():
            rows = await self._rows.find({"tenant": tenant}).sort("endpoint", 1).to_list(MAX_ENDPOINTS)
        return [_endpoint(row) for row in rows]

    async def of_all(self, tenants: Collection[str]) -> dict[str, list[StatusEndpoint]]:
        """Those of all these tenants that have any."""
        found: dict[str, list[StatusEndpoint]] = {}
        with mongo_border():
            async for row in self._rows.find({"tenant": {"$in": sorted(tenants)}}):
                found.setdefault(row["tenant"], []).append(_endpoint(row))
        return found

    async def remove(self, tenant: str, endpoint: str) -> bool:
        """Forgets one; False when there is none."""
        with mongo_border():
            gone = await self._rows.delete_one({"_id": f"{tenant}:{endpoint}", "tenant": tenant})
        return bool(gone.deleted_count)


def _endpoint(row: dict[str, object]) -> StatusEndpoint:
    events, created_at = row["events"], row["created_at"]
    return StatusEndpoint(
        tenant=str(row["tenant"]),
        id=str(row["endpoint"]),
        url=str(row["url"]),
        events=tuple(map(str, events)) if isinstance(events, list) else (),
        created_at=from_datetime(created_at),  # type: ignore[arg-type]  # a datetime
    )
