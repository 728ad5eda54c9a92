"""A tenant's settings within the environment's, and what stops cover."""

from __future__ import annotations

import pytest

from shared.model.channels import Channel
from shared.model.profiles import Preferences
from shared.model.tenants import ENVIRONMENT, FrequencyCap, Stop, StopSweep, TenantLimits, TenantSettings, effective

OF_ALL = FrequencyCap(most=9, seconds=60)
OWN_CAP = FrequencyCap(most=1, seconds=60)
ENV = TenantSettings(
    tenant=ENVIRONMENT,
    version=4,
    preferences=Preferences(categories={"news": False, "sales": False}, channel_types={"email": False}),
    caps=(OF_ALL,),
    stops=(Stop(workflow="a.b"),),
    limits=TenantLimits(requests_per_second=10),
    brand={"color": "green", "logo": "env"},
)
OWN = TenantSettings(
    tenant="acme",
    version=3,
    name="Acme",
    preferences=Preferences(categories={"news": True}, workflows={"a.b": False}),
    caps=(OWN_CAP,),
    stops=(Stop(channel=Channel.EMAIL),),
    brand={"logo": "own"},
)


def test_a_tenants_own_go_before_the_environments() -> None:
    both = effective("acme", OWN, ENV)
    assert both is not None
    assert (both.tenant, both.name, both.version) == ("acme", "Acme", 7)
    assert both.preferences == Preferences(
        categories={"news": True, "sales": False}, workflows={"a.b": False}, channel_types={"email": False}
    )
    assert both.brand == {"color": "green", "logo": "own"}
    assert both.limits == TenantLimits(requests_per_second=10)
    assert set(both.caps) == {OF_ALL, OWN_CAP}
    assert set(both.stops) == {*ENV.stops, *OWN.stops}, "both count"


def test_where_nothing_is_set_there_is_nothing() -> None:
    assert effective("acme", None, None) is None
    assert effective("acme", OWN, None) is OWN
    alone = effective("acme", None, ENV)
    assert alone is not None
    assert (alone.tenant, alone.version, alone.brand) == ("acme", 4, ENV.brand)


def test_a_limit_of_its_own_goes_before_the_environments() -> None:
    own = TenantSettings(tenant="acme", limits=TenantLimits(requests_per_second=500))
    assert own.within(ENV).limits.requests_per_second == 500


@pytest.mark.parametrize(
    ("stop", "covered"),
    [
        (Stop(), {"whole", "mail", "other whole", "other mail"}),
        (Stop(workflow="a.b"), {"whole", "mail"}),
        (Stop(channel=Channel.EMAIL), {"mail", "other mail"}),
        (Stop(workflow="a.b", channel=Channel.EMAIL), {"mail"}),
        (Stop(channel=Channel.WEBHOOK), set()),
    ],
)
def test_what_a_stop_covers(stop: Stop, covered: set[str]) -> None:
    places = {
        "whole": ("a.b", None), "mail": ("a.b", Channel.EMAIL),
        "other whole": ("c.d", None), "other mail": ("c.d", Channel.EMAIL),
    }  # fmt: skip
    assert {name for name, place in places.items() if stop.covers(*place)} == covered
    assert {name for name, place in places.items() if not StopSweep((stop,)).releases(*place)} == covered


@pytest.mark.parametrize(("accepted_at", "cancelled"), [(4, True), (5, True), (6, False)])
def test_a_cancel_is_about_what_was_accepted_by_then(accepted_at: int, cancelled: bool) -> None:
    sweep = StopSweep((), (Stop(workflow="a.b", since=5),))
    assert sweep.cancels_it("a.b", None, accepted_at) is cancelled
    assert not sweep.cancels_it("c.d", None, accepted_at)
