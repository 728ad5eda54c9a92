"""Bodies of `/v1/tenant`: a tenant's settings as the API reads and shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
import orjson
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StrictBool,
    StrictInt,
)
from pydantic_core import PydanticCustomError

from services.ingest.core.merge_patch import merge_patch
from services.ingest.models.body import Body, check_size, read
from services.ingest.models.fields import INVALID_KEY, Name, PreferenceName, WorkflowKey
from services.ingest.models.patches import check_patch
from services.ingest.models.profiles import MAX_VALUES, PreferenceSet
from services.ingest.models.staging import StagingBody
from shared.model.channels import Channel
from shared.model.tenants import Stop, TenantSettings
from shared.model.timestamps import DAY_MS, rfc3339

MAX_CAPS: Final = 20
MAX_BRAND: Final = 50
MAX_BRAND_KEY: Final = 64
MAX_BRAND_TEXT: Final = 1000
MAX_CAP: Final = 1_000
"""As of a throttle: so many are kept in one row for each user, and some more."""
MAX_CAP_SECONDS: Final = 31 * DAY_MS // 1000
EXAMPLE: Final[dict[str, JsonValue]] = {
    "name": "Acme",
    "preferences": {"categories": {"marketing": False}},
    "caps": [{"most": 5, "seconds": 86400, "category": "marketing"}],
    "limits": {"requests_per_second": 200},
    "brand": {"logo": "https://acme.example/logo.png", "signature": "Your Acme team"},
}


def _count_keys(value: object) -> object:
    if isinstance(value, dict) and len(value) > MAX_BRAND:
        detail = f"has {len(value)} entries, at most {MAX_BRAND} are taken"
        raise PydanticCustomError("invalid", "{detail}", {"detail": detail})
    return value


def _check_key(key: str) -> str:
    if len(key) > MAX_BRAND_KEY or not key.isascii() or not key.isidentifier():
        detail = f"a key has 1 to {MAX_BRAND_KEY} letters, digits and `_`, no digit first: templates name it"
        raise PydanticCustomError(INVALID_KEY, "{detail}", {"detail": detail})
    return key


def _check_text(text: str) -> str:
    if len(text) > MAX_BRAND_TEXT or "\0" in text:
        detail = f"must have at most {MAX_BRAND_TEXT} characters, none of them NUL"
        raise PydanticCustomError("invalid", "{detail}", {"detail": detail})
    return text


Brand = Annotated[
    dict[Annotated[str, AfterValidator(_check_key)], Annotated[str, AfterValidator(_check_text)]],
    Field(json_schema_extra={"maxProperties": MAX_BRAND}),
    BeforeValidator(_count_keys),
]


ProviderName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class CapBody(Body):
    """At most so many notifications in so many seconds for each user; critical ones pass, and do not count."""

    most: StrictInt = Field(ge=1, le=MAX_CAP)
    seconds: StrictInt = Field(ge=1, le=MAX_CAP_SECONDS)
    category: PreferenceName | None = Field(None, description="of this category alone")
    channels: list[Channel] = Field([], max_length=len(Channel), description="on these channels alone")


class LimitsBody(Body):
    """What its producers may do."""

    requests_per_second: StrictInt | None = Field(
        None, ge=1, le=1_000_000, description="of each ingest process; beyond it 429"
    )


class TenantBody(Body):
    """A tenant's settings. What is not set is the environment's."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    name: Name | None = None
    preferences: PreferenceSet | None = Field(None, description="what is allowed where a user has not chosen")
    caps: list[CapBody] = Field([], max_length=MAX_CAPS)
    limits: LimitsBody | None = None
    brand: Brand = Field({}, description="what templates see as tenant.brand: key to text or URL")
    providers: dict[Channel, list[ProviderName]] = Field(
        {}, description="by channel, which of the delivery workers' providers carry what is the tenant's, in this order"
    )
    staging: StagingBody | None = Field(None, description="where tests go; without it they are simulated")


class TenantPatch(Body):
    """A part of a tenant's settings (RFC 7386): null removes, objects merge, everything else replaces."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [{"brand": {"logo": None}, "caps": []}]})


class StopScope(Body):
    """A workflow, a channel, or a channel of a workflow; empty: everything."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"workflow": "orders.shipped"}]})

    workflow: WorkflowKey | None = None
    channel: Channel | None = None


class CancelScope(StopScope):
    """What is cancelled."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"channel": "email", "keep": True}]})

    keep: StrictBool = Field(False, description="true: the stops stay, what is accepted from now on is held")


class StopInPlace(StopScope):
    """A stop."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"channel": "email", "since": "2026-01-05T08:00:00.000Z"}]}
    )

    since: str = Field(json_schema_extra={"format": "date-time"})


_STOP: Final[dict[str, JsonValue]] = {"channel": "email", "since": "2026-01-05T08:00:00.000Z"}


class StopList(Body):
    """What is stopped, and how much of the tenant waits because of it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"stops": [_STOP], "environment_stops": [], "holds": 42}]}
    )

    stops: list[StopInPlace]
    environment_stops: list[StopInPlace] = Field(description="of all tenants, which only the platform's operator lifts")
    holds: int = Field(description="notifications, or channels of them, that are held")


class LiftedStops(Body):
    """What was released or cancelled, and what is still stopped."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"stops": [], "holds_released": 42, "holds_cancelled": 0, "complete": True}]}
    )

    stops: list[StopInPlace]
    holds_released: int
    holds_cancelled: int
    complete: bool = Field(description="false: it goes on with the rest")


class StoredTenant(TenantBody):
    """A tenant's settings as they are stored."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": "acme", "version": 3, **EXAMPLE, "stops": [_STOP]}]}
    )

    id: str
    version: int = Field(description="grows with every write; 0: nothing is stored")
    stops: list[StopInPlace]


def patched(stored: TenantSettings, patch: Mapping[str, JsonValue]) -> TenantSettings:
    """The settings with a merge patch that `check_tenant_patch` let pass. Raises InvalidFields with all that is wrong."""
    merged = merge_patch(body_of(stored), dict(patch))
    check_size(merged, MAX_VALUES)
    body = read(TenantBody, merged)
    whole = body.model_dump(exclude_none=True, exclude_defaults=True)
    return msgspec.convert({**whole, "tenant": stored.tenant, "stops": stored.stops}, TenantSettings)


def check_tenant_patch(value: object) -> dict[str, JsonValue]:
    """The patch of a decoded body, its names checked. Raises InvalidFields."""
    check_size(value, MAX_VALUES)
    read(TenantPatch, value)
    if not isinstance(value, dict):
        raise TypeError("a body is an object")
    check_patch(value, TenantBody)
    return value


def body_of(settings: TenantSettings) -> dict[str, JsonValue]:
    """The settings as PATCH merges into them."""
    whole = orjson.loads(msgspec.json.encode(settings))
    return {name: whole[name] for name in TenantBody.model_fields if whole.get(name)}


def shown(settings: TenantSettings) -> dict[str, object]:
    """What GET shows."""
    return {
        "id": settings.tenant,
        "version": settings.version,
        **body_of(settings),
        "stops": shown_stops(settings.stops),
    }


def shown_stops(stops: tuple[Stop, ...]) -> list[dict[str, str]]:
    """Stops as they are shown."""
    return [
        {**({"workflow": stop.workflow} if stop.workflow else {}),
         **({"channel": stop.channel} if stop.channel else {}),
         "since": rfc3339(stop.since)}
        for stop in stops
    ]  # fmt: skip
