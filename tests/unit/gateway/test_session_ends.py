from __future__ import annotations

import pytest

from services.gateway.live.core.actions import WatchToken
from services.gateway.live.core.messages import CloseCode
from services.gateway.live.core.session import Session
from services.gateway.live.core.state import SessionState
from shared.model.users import User
from tests.unit.gateway.scenes import ANN, EPOCH, close_code, created, live, resuming, said


def test_a_new_token_must_be_the_same_users():
    session = live()
    later = User(tenant="default", id="ann", expires_at=2e12)
    watch, _ = session.on_user(later)
    assert watch == WatchToken(2e12)
    assert session.state is SessionState.LIVE
    for other in (User(tenant="other", id="ann", expires_at=1), User(tenant="default", id="bob", expires_at=1)):
        assert close_code(live().on_user(other)) is CloseCode.UNAUTHORIZED


def test_a_bad_new_token_leaves_the_old_one_until_it_ends():
    session = live()
    assert said(session.on_unauthorized("the token has expired"))[0]["code"] == "unauthorized"
    assert session.state is SessionState.LIVE
    assert said(session.on_expiring(30)) == [{"type": "token_expiring", "seconds": 30}]
    assert close_code(session.on_expired()) is CloseCode.UNAUTHORIZED


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (lambda session: session.on_unauthorized("no"), CloseCode.UNAUTHORIZED),
        (lambda session: session.on_auth_timeout(), CloseCode.AUTH_TIMEOUT),
        (lambda session: session.on_restart(5), CloseCode.RESTART),
    ],
)
def test_ends_of_an_unidentified_client(end, code):
    session = Session(EPOCH)
    assert close_code(end(session)) is code
    assert session.state is SessionState.CLOSED
    assert session.on_event(created(1)) == []
    assert session.on_user(ANN) == []
    assert end(session) == []


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (lambda session: session.on_slow(), CloseCode.SLOW),
        (lambda session: session.on_restart(5), CloseCode.RESTART),
        (lambda session: session.on_expired(), CloseCode.UNAUTHORIZED),
    ],
)
def test_ends_of_a_live_client(end, code):
    session = live()
    assert close_code(end(session)) is code
    assert session.on_event(created(1)) == []


def test_away_while_resuming_and_no_timeout_once_identified():
    session = resuming()
    assert session.on_auth_timeout() == []
    assert close_code(session.on_unavailable()) is CloseCode.TRY_AGAIN_LATER
