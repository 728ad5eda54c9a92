"""Accounts in trouble: who may send, what answers change, one probe at a time, growing pauses."""

from __future__ import annotations

from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from shared.model.channels import Channel
from shared.model.provider_accounts import (
    NOTED,
    QUIET,
    AccountPolicy,
    AccountState,
    Passage,
    ProviderAccount,
    admit,
    after_answer,
    after_silence,
    disabled,
    has_failed_too_long,
    unknown,
    untried,
)

POLICY = AccountPolicy(first_pause=15_000, longest_pause=600_000, patience=60_000, disable_after=5 * 86_400_000)
DAY = 86_400_000
FRESH = unknown("a", Channel.WEBHOOK, 0)


def opened(now: int = 0) -> ProviderAccount:
    found = after_silence(FRESH, "d", now, POLICY)
    assert found is not None
    return found


def test_pauses_grow_from_15_seconds_to_10_minutes() -> None:
    account, now, pauses = opened(), 0, []
    for number in range(8):
        pauses.append((account.due - now) // 1000)
        now = account.due
        assert admit(account, "early", now - 1, POLICY) == (Passage.PARKED, None)
        admission, half = admit(account, f"d-{number}", now, POLICY)
        assert admission is Passage.PROBE
        assert half is not None
        failed = after_silence(half, f"d-{number}", now, POLICY)
        assert failed is not None
        account = failed
    assert pauses == [15, 30, 60, 120, 240, 480, 600, 600]


def test_one_probe_at_a_time_until_it_has_been_waited_for() -> None:
    _, half = admit(opened(), "probe", 15_000, POLICY)
    assert half is not None
    assert admit(half, "probe", 20_000, POLICY)[0] is Passage.PROBE, "claimed again"
    assert admit(half, "other", 74_999, POLICY) == (Passage.PARKED, None)
    admission, taken = admit(half, "other", 75_000, POLICY)
    assert admission is Passage.PROBE
    assert taken is not None
    assert taken.probe == "other"
    assert admit(taken, "probe", 75_000, POLICY)[0] is Passage.PARKED


def test_what_is_under_way_meanwhile_neither_closes_it_nor_prolongs_the_pause() -> None:
    _, half = admit(opened(), "probe", 15_000, POLICY)
    assert half is not None
    for account in (opened(), half):
        assert after_silence(account, "late", 16_000, POLICY) is None
        assert after_answer(account, "late", 16_000, success=True) is None


def test_the_probes_answer_closes_it() -> None:
    _, half = admit(opened(), "probe", 15_000, POLICY)
    assert half is not None
    for success in (True, False):
        closed = after_answer(half, "probe", 16_000, success=success)
        assert closed is not None
        assert (closed.state, closed.look, closed.failing_since) == (
            AccountState.CLOSED,
            16_000,
            None if success else 0,
        )
        assert admit(closed, "any", 16_000, POLICY) == (Passage.FREE, None)


def test_a_probe_that_was_not_sent_says_nothing_and_another_may_try() -> None:
    _, half = admit(opened(), "probe", 15_000, POLICY)
    assert half is not None
    assert untried(half, "other", 16_000) is None
    assert untried(opened(), "probe", 16_000) is None
    again = untried(half, "probe", 16_000)
    assert again is not None
    assert (again.state, again.pause, again.look, again.failing_since) == (AccountState.OPEN, 15_000, 16_000, 0)
    assert admit(again, "other", 16_000, POLICY)[0] is Passage.PROBE


def test_days_of_failure_are_counted_from_the_first_and_end_with_a_success() -> None:
    failing = after_answer(FRESH, "d", 1000, success=False)
    assert failing is not None
    assert after_answer(failing, "d", 5000, success=False) is None, "it is known since when"
    for day in range(1, 5):
        failing = after_answer(failing, "d", 1000 + day * DAY, success=False)
        assert failing is not None
    limit = 1000 + 5 * DAY
    assert not has_failed_too_long(failing, limit - 1, POLICY)
    assert has_failed_too_long(failing, limit, POLICY)
    assert not has_failed_too_long(failing, limit, AccountPolicy())
    mended = after_answer(failing, "d", 6000, success=True)
    assert mended is not None
    assert not has_failed_too_long(mended, limit, POLICY)


def test_a_failure_long_after_the_last_is_another_trouble() -> None:
    """A failure, six quiet days, another: that is an endpoint that failed twice, and none that is gone."""
    failing = after_answer(FRESH, "d", 1000, success=False)
    assert failing is not None
    assert not has_failed_too_long(failing, 6 * DAY, POLICY)
    again, silent = after_answer(failing, "d", 6 * DAY, success=False), after_silence(failing, "d", 6 * DAY, POLICY)
    for found in (again, silent):
        assert found is not None
        assert (found.failing_since, found.failed_at) == (6 * DAY, 6 * DAY)


def test_attempts_of_one_delivery_are_one_trouble() -> None:
    longest = round(1.2 * DAY)
    failing = after_answer(FRESH, "d", 0, success=False)
    assert failing is not None
    failing = after_answer(failing, "d", NOTED - 1, success=False) or failing
    after = after_answer(failing, "d", NOTED - 1 + longest, success=False)
    assert after is not None
    assert (after.failing_since, after.failed_at) == (0, NOTED - 1 + longest)


def test_a_row_is_written_once_an_hour_however_often_it_fails() -> None:
    account, writes = FRESH, 0
    for second in range(0, 36_000, 7):
        changed = after_answer(account, "d", second * 1000, success=False)
        writes, account = writes + (changed is not None), changed or account
    assert writes == 10
    assert account.failing_since == 0


def test_a_row_of_an_older_version_counts_from_its_beginning_while_that_is_not_long_ago() -> None:
    older = msgspec.structs.replace(FRESH, failing_since=1000)
    soon = after_answer(older, "d", 1000 + DAY, success=False)
    assert soon is not None
    assert (soon.failing_since, soon.failed_at) == (1000, 1000 + DAY)
    late = after_answer(older, "d", 6 * DAY, success=False)
    assert late is not None
    assert late.failing_since == 6 * DAY


@given(st.lists(st.tuples(st.integers(0, 3 * DAY), st.sampled_from(["silence", "answer", "success"])), max_size=40))
def test_only_what_has_failed_all_the_time_is_gone(steps: list[tuple[int, str]]) -> None:
    """Against the list of what happened: five days, no success between, and never quiet for longer than 36 hours."""
    account, now, failures = FRESH, 0, list[int]()
    for wait, then in steps:
        now += wait
        if has_failed_too_long(account, now, POLICY):
            assert now - failures[0] >= 5 * DAY
            assert all(later - at <= QUIET for at, later in pairwise([*failures, now]))
            return
        if then == "success":
            failures.clear()
            account = after_answer(account, "d", now, success=True) or account
        else:
            if failures and now - failures[-1] > QUIET:
                failures.clear()
            failures.append(now)
            silent = after_silence(account, "d", now, POLICY)
            change = silent if then == "silence" else after_answer(account, "d", now, success=False)
            account = msgspec.structs.replace(change or account, state=AccountState.CLOSED, probe=None)


def test_a_gone_one_is_called_by_nobody_and_known_to_who_found_it() -> None:
    gone = disabled(FRESH, "finder")
    assert gone is not None
    assert admit(gone, "finder", 10**12, POLICY) == (Passage.GONE, None)
    assert admit(gone, "other", 10**12, POLICY) == (Passage.DISABLED, None)
    assert disabled(gone, "other") is None
    assert after_silence(gone, "other", 1, POLICY) is None
    assert after_answer(gone, "other", 1, success=True) is None


STEPS = st.lists(
    st.tuples(st.integers(0, 100_000), st.sampled_from("abc"), st.sampled_from(["silence", "answer", "nothing"])),
    max_size=40,
)


@given(STEPS)
def test_no_two_probes_within_the_shortest_wait(steps: list[tuple[int, str, str]]) -> None:
    """Whatever happens, between two that are let through while it is in trouble lies a pause or the patience."""
    account, now, probed_at = opened(), 0, None
    for wait, delivery, then in steps:
        now += wait
        admission, changed = admit(account, delivery, now, POLICY)
        again = account.state is AccountState.HALF_OPEN and account.probe == delivery
        account = changed or account
        if admission is Passage.PROBE and not again:
            assert probed_at is None or now - probed_at >= POLICY.first_pause
            probed_at = now
        if admission is Passage.FREE:
            probed_at = None
        if admission in (Passage.PROBE, Passage.FREE):
            if then == "silence":
                account = after_silence(account, delivery, now, POLICY) or account
            elif then == "answer":
                account = after_answer(account, delivery, now, success=True) or account
