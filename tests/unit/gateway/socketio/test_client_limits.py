"""What comes as far as Socket.IO, request by request."""

from __future__ import annotations

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from services.gateway.core.limits import FRAME_BURST, MAX_MESSAGE_BYTES, MAX_UNAUTHENTICATED_MESSAGE_BYTES
from services.gateway.live.core.address_limits import AddressLimits
from services.gateway.live.core.client_address import parse_networks
from services.gateway.socketio import engine_sessions
from services.gateway.socketio.client_limits import SESSION, ClientLimits
from services.gateway.socketio.engine_sessions import EngineSession, EngineSessions
from tests.support.asgi import AsgiAnswer, ask_app
from tests.support.wait import turns, turns_until

PATH = "/socket.io/?EIO=4&transport=polling"


class Edge:
    """An Engine.IO that makes a session of each handshake, if it is `good`."""

    def __init__(self, addresses: AddressLimits | None = None) -> None:
        self.room = self.good = True
        self.cut: list[str] = []
        self.heard: list[str] = []
        self.sessions = EngineSessions(self._cut)
        self.app = ClientLimits(self._answer, self.sessions, lambda: self.room, addresses)

    async def _cut(self, engine_sid: str) -> None:
        self.cut.append(engine_sid)
        self.sessions.close(engine_sid)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.heard.append(scope["path"])
        if self.good and SESSION in scope:
            self.sessions.open(f"s{len(self.heard)}", scope[SESSION])
        await PlainTextResponse("")(scope, receive, send)

    async def ask(self, method: str = "GET", path: str = PATH, body: bytes = b"", **headers: str) -> AsgiAnswer:
        sent = {"content-length": str(len(body))} | {name.replace("_", "-"): text for name, text in headers.items()}
        return await ask_app(self.app, method, path, headers=sent, body=body)


def addresses() -> AddressLimits:
    """ask_app's client is behind a proxy that it is itself."""
    every = parse_networks("0.0.0.0/0,::/0")
    return AddressLimits(sockets=2, unauthenticated=1, handshakes=100.0, trusted=every, unlimited=())


async def test_a_full_process_takes_nobody_but_answers_who_is_in() -> None:
    edge = Edge()
    assert (await edge.ask()).status == 200
    edge.room = False
    answer = await edge.ask()
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert (await edge.ask(path=f"{PATH}&sid=s1")).status == 200
    assert (await edge.ask(path="/health")).status == 200


async def test_who_is_not_there_is_not_asked_of_engine_io() -> None:
    edge = Edge()
    for method in ("GET", "POST"):
        assert (await edge.ask(method, path=f"{PATH}&sid=nobody")).status == 400
    assert edge.heard == []


@pytest.mark.parametrize(
    ("length", "status"),
    [
        (str(MAX_UNAUTHENTICATED_MESSAGE_BYTES), 200),
        (str(MAX_UNAUTHENTICATED_MESSAGE_BYTES + 1), 413),
        (str(1 << 70), 413),
        ("", 411),
        ("-5", 411),
        ("5_0", 411),
        ("x", 411),
        ("\u0663", 411),
    ],
)
async def test_a_body_before_a_token(length: str, status: int) -> None:
    edge = Edge()
    await edge.ask()
    headers = {"content_length": length} if length.isascii() else {"content_length": "3\xb2"}
    assert (await edge.ask("POST", path=f"{PATH}&sid=s1", **headers)).status == status
    await turns()
    assert edge.cut == ([] if status == 200 else ["s1"])


async def test_a_body_after_a_token_may_be_larger() -> None:
    edge = Edge()
    await edge.ask()
    session = edge.sessions.get("s1")
    assert session is not None
    session.authenticated()
    assert (await edge.ask("POST", path=f"{PATH}&sid=s1", content_length=str(MAX_MESSAGE_BYTES))).status == 200
    assert (await edge.ask("POST", path=f"{PATH}&sid=s1", content_length=str(MAX_MESSAGE_BYTES + 1))).status == 413


async def test_requests_without_end_are_cut_off() -> None:
    edge = Edge()
    await edge.ask()
    session = edge.sessions.get("s1")
    assert session is not None
    assert session.requests.take(0.0)
    found = [(await edge.ask("POST", path=f"{PATH}&sid=s1")).status for _ in range(int(FRAME_BURST) * 2)]
    await turns()
    assert found[0] == 200
    assert found.count(429) == 1
    assert found[-1] == 400, "there is no such session any more"
    assert edge.cut == ["s1"]


async def test_a_place_is_given_back_by_whoever_began_nothing() -> None:
    edge = Edge(limits := addresses())
    edge.good = False
    for _ in range(5):
        assert (await edge.ask(x_forwarded_for="203.0.113.1")).status == 200
    assert limits.counted == 0
    edge.good = True
    assert (await edge.ask(x_forwarded_for="203.0.113.1")).status == 200
    assert (await edge.ask(x_forwarded_for="203.0.113.1")).status == 503
    assert (await edge.ask(x_forwarded_for="203.0.113.2")).status == 200
    edge.sessions.close("s6")
    edge.sessions.close("s6")
    assert (await edge.ask(x_forwarded_for="203.0.113.1")).status == 200


async def test_a_session_without_a_client_is_cut_off_and_one_with_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_sessions, "AUTH_SECONDS", 0.0)
    edge = Edge()
    for name in ("silent", "busy", "left"):
        edge.sessions.open(name, EngineSession())
    edge.sessions.busy("busy")
    edge.sessions.busy("left")
    edge.sessions.idle("left")
    edge.sessions.idle("nobody")
    await turns_until(lambda: len(edge.cut) == 2, what="both are cut off")
    await turns()
    assert sorted(edge.cut) == ["left", "silent"]
    assert len(edge.sessions) == 1
