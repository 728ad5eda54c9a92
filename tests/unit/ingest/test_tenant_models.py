"""A tenant's settings as the API reads and shows them."""

from __future__ import annotations

from typing import Any

import pytest

from services.ingest.models.body import InvalidFields
from services.ingest.models.tenants import EXAMPLE, MAX_BRAND, MAX_CAP, MAX_CAPS, check_tenant_patch, patched, shown
from shared.model.channels import Channel
from shared.model.tenants import FrequencyCap, Stop, TenantLimits, TenantSettings

EMPTY = TenantSettings(tenant="acme", version=3, stops=(Stop(channel=Channel.EMAIL, since=5),))


def patch(stored: TenantSettings, value: Any) -> TenantSettings:
    return patched(stored, check_tenant_patch(value))


def test_a_patch_sets_what_it_names_and_leaves_the_rest() -> None:
    settings = patch(EMPTY, EXAMPLE)
    assert settings.stops == EMPTY.stops
    assert settings.caps == (FrequencyCap(most=5, seconds=86400, category="marketing"),)
    assert settings.limits == TenantLimits(requests_per_second=200)
    assert settings.preferences.categories == {"marketing": False}
    changed = patch(settings, {"brand": {"logo": None, "color": "#0a0"}, "limits": None})
    assert changed.brand == {"signature": "Your Acme team", "color": "#0a0"}
    assert (changed.limits, changed.name, changed.caps) == (TenantLimits(), "Acme", settings.caps)


def test_what_is_shown_is_what_was_set() -> None:
    assert shown(patch(EMPTY, EXAMPLE)) == {
        "id": "acme", "version": 0, **EXAMPLE, "stops": [{"channel": "email", "since": "1970-01-01T00:00:00.005Z"}],
    }  # fmt: skip
    assert shown(TenantSettings(tenant="acme")) == {"id": "acme", "version": 0, "stops": []}


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ({"brand": {"a key": "x"}}, "/brand/a key"),
        ({"brand": {"1st": "x"}}, "/brand/1st"),
        ({"brand": {"logo": 5}}, "/brand/logo"),
        ({"brand": {"logo": "x" * 1001}}, "/brand/logo"),
        ({"brand": {f"k{number}": "x" for number in range(MAX_BRAND + 1)}}, "/brand"),
        ({"caps": [{"most": 0, "seconds": 60}]}, "/caps/0/most"),
        ({"caps": [{"most": MAX_CAP + 1, "seconds": 60}]}, "/caps/0/most"),
        ({"caps": [{"most": 1}]}, "/caps/0/seconds"),
        ({"caps": [{"most": 1, "seconds": 60, "channels": ["fax"]}]}, "/caps/0/channels/0"),
        ({"caps": [{"most": 1, "seconds": 60}] * (MAX_CAPS + 1)}, "/caps"),
        ({"limits": {"requests_per_second": 0}}, "/limits/requests_per_second"),
        ({"staging": {"redirect": {"email": "nobody"}}}, "/staging/redirect/email"),
        ({"staging": {"allow": {"sms": ["+4915112345678", "@example.com"]}}}, "/staging/allow/sms/1"),
        ({"staging": {"redirect": {"in_app": "ada"}}}, "/staging/redirect/in_app"),
        ({"staging": {"redirect": {"fax": "7"}}}, "/staging/redirect/fax"),
        ({"staging": {"everything": "yes"}}, "/staging/everything"),
        ({"stops": []}, "/stops"),
        ({"version": 9}, "/version"),
        ({"preferences": {"categories": {"x": "no"}}}, "/preferences/categories/x"),
        ({"name": ""}, "/name"),
    ],
)
def test_what_is_wrong_is_named(value: Any, pointer: str) -> None:
    with pytest.raises(InvalidFields) as wrong:
        patch(EMPTY, value)
    assert wrong.value.pointers[0][0] == pointer


@pytest.mark.parametrize("value", [[], "x", None, 5])
def test_a_body_is_an_object(value: Any) -> None:
    with pytest.raises(InvalidFields):
        check_tenant_patch(value)
