"""Which provider is tried first: by weight in that proportion, then as they were named."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.delivery.accounts import Providers
from services.delivery.channels.provider_list import check_providers, parse_providers
from services.delivery.channels.stub import StubSender
from services.delivery.core.choice import Candidate, order_of
from shared.model.channels import Channel
from tests.support import samples as a

NAMES = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True)
WEIGHTS = st.one_of(st.none(), st.floats(0.01, 100))
KNOWN = {"twilio": ("sid", "token"), "vonage": ("key",)}


@given(NAMES, st.data(), st.text())
def test_each_is_named_once_and_the_same_delivery_always_gets_the_same_order(
    names: list[str], data: st.DataObject, delivery: str
) -> None:
    candidates = [Candidate(name, data.draw(WEIGHTS)) for name in names]
    found = order_of(candidates, delivery)
    assert sorted(found) == sorted(names)
    assert order_of(candidates, delivery) == found
    unweighted = [each.name for each in candidates if each.weight is None]
    assert found[len(found) - len(unweighted) :] == unweighted


def test_weights_are_shares() -> None:
    candidates = [Candidate("a", 3), Candidate("b", 1), Candidate("spare")]
    orders = [order_of(candidates, f"delivery-{number}") for number in range(4000)]
    first = Counter(order[0] for order in orders)
    assert 2850 < first["a"] < 3150
    assert first["a"] + first["b"] == 4000
    assert {order[2] for order in orders} == {"spare"}


def test_when_a_weight_falls_only_its_share_moves() -> None:
    before, after = [Candidate("a", 1), Candidate("b", 1)], [Candidate("a", 1), Candidate("b", 0.5)]
    for number in range(500):
        was, is_ = (order_of(candidates, f"d-{number}")[0] for candidates in (before, after))
        assert was == is_ or (was, is_) == ("b", "a")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("twilio", [("twilio", None)]),
        (" vonage , twilio ", [("vonage", None), ("twilio", None)]),
        ("twilio=3,vonage = 0.5", [("twilio", 3.0), ("vonage", 0.5)]),
    ],
)
def test_a_list_is_read_as_it_stands(text: str, found: list[tuple[str, float | None]]) -> None:
    assert [tuple(each) for each in parse_providers(text, KNOWN)] == found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("twillio", r"no provider 'twillio' \(did you mean twilio\?\): there are twilio, vonage"),
        ("twilio,twilio", "once"),
        ("twilio=0", "above 0"),
        ("twilio=-1", "above 0"),
        ("twilio=nan", "above 0"),
        ("twilio=inf", "above 0"),
        ("twilio=much", "above 0"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_does(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_providers(text, KNOWN)


def test_a_provider_without_its_account_is_refused() -> None:
    assert check_providers("vonage", {"key": "k"}, KNOWN) == "vonage"
    with pytest.raises(ValueError, match="twilio needs CARILLON_SID, CARILLON_TOKEN"):
        check_providers("vonage,twilio", {"key": "k", "sid": ""}, KNOWN)


def test_a_tenant_may_have_an_order_of_its_own() -> None:
    chosen = {"acme": ["second", "gone", "first"], "only": ["second"], "lost": ["gone"]}
    providers = Providers(
        Channel.SMS, {"first": StubSender(), "second": StubSender()}, chosen=lambda tenant: chosen.get(tenant, ())
    )

    def tried(tenant: str) -> tuple[list[str], str]:
        one = a.delivery(channel=Channel.SMS, notification=a.notification(tenant=tenant))
        return [account.id for account in providers.of(one)], providers.waits_for(one)

    both = "sms/first+second"
    assert tried("acme") == (["sms/second", "sms/first"], both)
    assert tried("only") == (["sms/second"], "sms/second")
    assert tried("lost") == tried("another") == (["sms/first", "sms/second"], both)
    assert {"sms/second", both} <= set(providers.waiting("sms/second"))
