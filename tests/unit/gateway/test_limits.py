"""Limits that have to fit one another."""

from __future__ import annotations

import json

from services.gateway.core import limits


def test_the_longest_token_fits_the_first_message():
    first = {"type": "auth", "token": "x" * limits.MAX_TOKEN_CHARACTERS, "cursor": "x" * limits.MAX_CURSOR_CHARACTERS}
    assert len(json.dumps(first)) + limits.MAX_REF_CHARACTERS <= limits.MAX_UNAUTHENTICATED_MESSAGE_BYTES


def test_what_is_sent_at_once_fits_the_outbox():
    assert limits.MAX_CATCH_UP_BYTES < limits.MAX_OUTBOX_BYTES
    assert limits.FANOUT_WRITE_BYTES < limits.MAX_OUTBOX_BYTES


def test_whoever_waits_to_be_accepted_fits_those_without_a_request():
    assert limits.ACCEPT_BACKLOG < limits.MAX_OPENING_CONNECTIONS
