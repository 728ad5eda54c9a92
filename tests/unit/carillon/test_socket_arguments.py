from __future__ import annotations

import socket
import ssl
from types import SimpleNamespace

import pytest

from carillon import InboxSocket, SyncInboxSocket
from carillon.sockets.failures import why

URL = "wss://carillon.example.com/sockets"


class ClientConnectorError(Exception):
    """As aiohttp's: what the system said is its `os_error`."""

    def __init__(self, os_error: OSError) -> None:
        super().__init__("Cannot connect to host 10.0.0.7:8082")
        self.os_error = os_error


@pytest.mark.parametrize("kind", [InboxSocket, SyncInboxSocket])
@pytest.mark.parametrize("token", ["eyJhbGciOi", None, b"x"])
def test_a_token_in_place_of_a_function_is_refused_at_once_and_not_told(kind, token):
    with pytest.raises(TypeError, match="token is a function that returns the user's JWT") as caught:
        kind(URL, token)
    assert "eyJ" not in str(caught.value)


@pytest.mark.parametrize("cursor", [7, b"x", SimpleNamespace(cursor="x")])
def test_a_cursor_that_is_none_is_refused_at_once(cursor):
    with pytest.raises(TypeError, match="cursor is the text"):
        InboxSocket(URL, lambda: "t", cursor=cursor)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            ClientConnectorError(ConnectionRefusedError(111, "Connect call failed ('10.0.0.7', 8082)")),
            "Connection refused",
        ),
        (ClientConnectorError(socket.gaierror(-2, "Name or service not known")), "Name or service not known"),
        (ClientConnectorError(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong")), "is it wss there?"),
        (ClientConnectorError(ConnectionResetError()), "ConnectionResetError"),
        (ConnectionResetError("Cannot write to closing transport"), ""),
    ],
)
def test_a_connection_that_fails_says_why_and_not_where(error, said):
    found = why(error)
    assert found.startswith(type(error).__name__)
    assert said in found
    assert "10.0.0.7" not in found
