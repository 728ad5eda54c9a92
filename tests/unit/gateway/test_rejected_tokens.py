from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from services.gateway.identity import identify
from services.gateway.rejected_tokens import MAX_REASONS, QUIET_SECONDS, RejectedTokens
from shared.http.tokens import InvalidToken, TokenVerifier, mint

SECRET = "s" * 32


def told(logs):
    return [(line["reason"], line["times"]) for line in logs if line["event"] == "token_rejected"]


def test_a_reason_is_told_at_once_and_then_with_how_often_it_was():
    now = 0.0
    rejected = RejectedTokens(clock=lambda: now)
    with capture_logs() as logs:
        for now in (0.0, 1.0, QUIET_SECONDS - 0.1, QUIET_SECONDS):  # noqa: B007  # the clock reads it
            rejected.note("a")
        rejected.note("b")
    assert told(logs) == [("a", 1), ("a", 3), ("b", 1)]


def test_reasons_are_bounded():
    rejected = RejectedTokens(clock=lambda: 0.0)
    with capture_logs() as logs:
        for number in range(MAX_REASONS + 5):
            rejected.note(str(number))
    assert len(told(logs)) == MAX_REASONS


async def test_whoever_runs_this_sees_that_the_secrets_differ_and_nothing_of_the_token():
    rejected = RejectedTokens()
    token = mint("t" * 32, tenant="default", user="ann", now=4_000_000_000)
    with capture_logs() as logs, pytest.raises(InvalidToken):
        await identify(TokenVerifier(secret=SECRET), token, rejected)
    assert told(logs) == [("the token was signed with another secret or key", 1)]
    assert not any(part in str(logs) for part in token.split("."))
