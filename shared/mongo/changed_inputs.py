"""What decisions are compared with, read from MongoDB."""

from __future__ import annotations

from functools import partial

from shared.deciding.changed_inputs import ChangedInputs, ReadVersions
from shared.model.tenants import ENVIRONMENT
from shared.mongo.address_owners import AddressOwners
from shared.mongo.cancellations import Cancellations
from shared.mongo.database import Database
from shared.mongo.profiles import versions
from shared.mongo.subscriptions import Subscriptions
from shared.mongo.suppressions import Suppressions
from shared.mongo.tenants import versions as stored_tenants


def changed_inputs(database: Database, tenant_versions: ReadVersions | None = None) -> ChangedInputs:
    """`tenant_versions`: who remembers them for a while; None: they are read each time."""
    return ChangedInputs(
        versions=partial(versions, database),
        tenant_versions=tenant_versions or partial(_tenant_versions, database),
        cancellations=Cancellations(database),
        suppressions=Suppressions(database),
        owners=AddressOwners(database),
        subscriptions=Subscriptions(database),
    )


async def _tenant_versions(database: Database, tenants: list[str]) -> dict[str, int]:
    """Of what counts for a tenant: its own settings and the environment's together."""
    stored = await stored_tenants(database, tenants)
    return {tenant: stored.get(tenant, 0) + stored.get(ENVIRONMENT, 0) for tenant in tenants}
