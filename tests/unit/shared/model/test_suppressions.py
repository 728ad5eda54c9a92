"""What an entry of the suppression list closes."""

from __future__ import annotations

import pytest

from shared.model.owners import address_ids
from shared.model.suppressions import Suppression, SuppressionReason, suppressed_kinds

ALL_REASONS = tuple(SuppressionReason)


def entry(reason: str, category: str | None = None, **address: str) -> Suppression:
    (found,) = address_ids(address or {"email": "ada@example.com"})
    return Suppression(tenant="acme", address=found, reason=SuppressionReason(reason), category=category)


@pytest.mark.parametrize("reason", ALL_REASONS)
def test_an_entry_without_a_category_closes_all_and_one_with_it_only_that(reason: str) -> None:
    assert suppressed_kinds([entry(reason)], "orders", critical=False) == ("email",)
    assert suppressed_kinds([entry(reason, "orders")], "orders", critical=False) == ("email",)
    assert suppressed_kinds([entry(reason, "news")], "orders", critical=False) == ()


@pytest.mark.parametrize(("reason", "stays"), [(each, each != "unsubscribed") for each in ALL_REASONS])
def test_who_unsubscribed_gets_what_is_critical_and_where_nobody_reads_nothing_goes(reason: str, stays: bool) -> None:
    for category in (None, "orders"):
        found = suppressed_kinds([entry(reason, category)], "orders", critical=True)
        assert found == (("email",) if stays else ())


def test_the_strictest_of_several_entries_counts_and_kinds_stand_in_their_order() -> None:
    entries = [
        entry("bounced", webhook="https://example.com/hook"),
        entry("unsubscribed"),
        entry("bounced", "news", phone="+4915112345678"),
        entry("complained"),
    ]
    assert suppressed_kinds(entries, "orders", critical=True) == ("email", "webhook")
    assert suppressed_kinds(entries, "news", critical=True) == ("email", "phone", "webhook")
    assert suppressed_kinds([], "orders", critical=False) == ()
