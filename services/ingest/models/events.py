"""Bodies of `POST /v1/events`. Events themselves are read by `shared.model.event_codecs`: here is their schema."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import AwareDatetime, ConfigDict, Field, RootModel

from services.ingest.core.durability import Durability
from services.ingest.models.body import Body
from services.ingest.models.notifications import DURABLE_IN, EVENT_ID
from shared.model.events import MAX_ATTRIBUTE

MAX_EVENTS: Final = 1000
"""In one batch."""
EXAMPLE: Final[dict[str, Any]] = {
    "specversion": "1.0",
    "id": "1001",
    "source": "/shop",
    "type": "order.shipped",
    "subject": "order-7",
    "time": "2026-01-05T10:11:12Z",
    "data": {"order": 7},
}


class CloudEvent(Body):
    """CloudEvents 1.0 in the JSON format; further attributes are extensions."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [EXAMPLE]})

    specversion: Literal["1.0"]
    id: str = Field(min_length=1, max_length=MAX_ATTRIBUTE, description="unique within its source")
    source: str = Field(
        min_length=1,
        max_length=MAX_ATTRIBUTE,
        json_schema_extra={"format": "uri-reference"},
        description="who sends it",
    )
    type: str = Field(min_length=1, max_length=MAX_ATTRIBUTE, description="what happened, as order.shipped")
    subject: str | None = None
    time: AwareDatetime | None = None
    datacontenttype: str | None = Field(None, description="a JSON type; application/json if it is left out")
    partitionkey: str | None = Field(None, description="events with equal keys keep their order")
    data: Any = Field(None, description="any JSON")
    data_base64: str | None = Field(None, json_schema_extra={"contentEncoding": "base64"})


class CloudEventBatch(RootModel[list[CloudEvent]]):
    """Taken whole or not at all."""

    model_config = ConfigDict(json_schema_extra={"maxItems": MAX_EVENTS, "examples": [[EXAMPLE]]})


class AcceptedEvents(Body):
    """Every event is durable."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"accepted": 1, "ids": [EVENT_ID], "durability": Durability.LOG}]}
    )

    accepted: int
    ids: list[str]
    durability: Durability = Field(description=DURABLE_IN)
