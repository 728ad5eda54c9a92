"""Bodies of `/v1/status-endpoints`."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from services.ingest.models.body import Body
from services.ingest.models.fields import checked
from shared.model.addresses import MAX_URL, check_webhook
from shared.model.status_endpoints import FILTER, MAX_ENDPOINTS, MAX_FILTERS, StatusEndpoint
from shared.model.timestamps import rfc3339
from shared.model.webhook_secrets import secret

EXAMPLE: Final[JsonDict] = {"url": "https://example.com/statuses", "events": ["carillon.delivery.*"]}
_STORED: Final[JsonDict] = {
    **EXAMPLE, "id": "billing", "secret": "whsec_c2VjcmV0IG9mIHRoaXMgZW5kcG9pbnQ=", "created_at": "2026-01-05T08:00:00.000Z",
}  # fmt: skip
EventFilter = Annotated[str, Field(max_length=100, pattern=f"^{FILTER}$")]


class StatusEndpointBody(Body):
    """Where statuses are pushed, and which."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    url: Annotated[str, checked(check_webhook), Field(max_length=MAX_URL, description="an http or https URL")]
    events: list[EventFilter] = Field(
        min_length=1,
        max_length=MAX_FILTERS,
        description="types of statuses, as carillon.delivery.dead, or all below a name, as carillon.delivery.*",
    )


class StoredStatusEndpoint(StatusEndpointBody):
    """An endpoint, and what verifies the signatures of what comes to it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_STORED]})

    id: str
    secret: str = Field(description="of Standard Webhooks, `whsec_…`")
    created_at: str = Field(description="RFC 3339")


class StatusEndpointList(Body):
    """All of a tenant's."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"endpoints": [_STORED]}]})

    endpoints: list[StoredStatusEndpoint] = Field(max_length=MAX_ENDPOINTS)


def shown(endpoint: StatusEndpoint, master: str) -> StoredStatusEndpoint:
    """The endpoint as the API shows it; `master` signs webhooks."""
    return StoredStatusEndpoint(
        id=endpoint.id,
        url=endpoint.url,
        events=list(endpoint.events),
        secret=secret(master, endpoint.tenant, endpoint.url),
        created_at=rfc3339(endpoint.created_at),
    )
