"""The AsyncAPI 3.1 document of the sockets (https://www.asyncapi.com/docs/reference/specification/v3.1.0), from their types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, get_args

import msgspec

from services.gateway.core.limits import MAX_CURSOR_CHARACTERS
from services.gateway.dialects.core.dashboard import TRANSLATED, DashboardUpdate
from services.gateway.live.core.commands import Command
from services.gateway.live.core.messages import CLOSE_CODES, ServerMessage

SCHEMA: Final = "#/components/schemas/{name}"
_TITLE: Final = "Carillon sockets"
_DESCRIPTION: Final = (
    "A user's inbox, live. The first message is `auth`; or the token is offered as the subprotocol `bearer.<token>` beside "
    "`carillon.v1`. Ignore types and fields that you do not know."
)


def document(host: str) -> dict[str, Any]:
    """`host`: where the sockets are, as `gateway.example.com:8082`."""
    said, told = _messages(Command), _messages(ServerMessage)
    shown = {_name(DashboardUpdate): DashboardUpdate} | {name: told[name] for name in told if name not in TRANSLATED}
    kinds = said | told | shown
    _, schemas = msgspec.json.schema_components(kinds.values(), ref_template=SCHEMA)
    messages = {
        name: {
            "name": name,
            "summary": (kind.__doc__ or "").partition("\n")[0],
            "contentType": "application/json",
            "payload": {"$ref": SCHEMA.format(name=kind.__name__)},
        }
        for name, kind in kinds.items()
    }
    return {
        "asyncapi": "3.1.0",
        "info": {"title": _TITLE, "version": "1", "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": {
            "gateway": {"host": host, "protocol": "ws", "security": [{"$ref": "#/components/securitySchemes/user"}]}
        },
        "channels": {
            "inbox": _channel("/", "`carillon.v1`", said | told),
            "dashboard": _channel("/ws", "`dashboard.v1`: by this path, or by that subprotocol", said | shown),
        },
        "operations": {
            "hear": _operation("receive", "What a client says.", "inbox", said),
            "tell": _operation("send", "What the server says.", "inbox", told),
            "hear_dashboard": _operation("receive", "What a client of `dashboard.v1` says.", "dashboard", said),
            "tell_dashboard": _operation("send", "What the server says in `dashboard.v1`.", "dashboard", shown),
        },
        "components": {
            "messages": messages,
            "schemas": schemas,
            "securitySchemes": {"user": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
        "x-close-codes": {str(code.value): then for code, then in CLOSE_CODES.items()},
    }


_QUERY: Final = {
    "type": "object",
    "properties": {
        "cursor": {"type": "string", "maxLength": MAX_CURSOR_CHARACTERS, "description": "Of the last message."}
    },
}


def _messages(union: Any) -> dict[str, type[msgspec.Struct]]:
    """By the name of the message: its `type`, and of a command which names a change the same."""
    kinds = [kind for each in get_args(union) for kind in (get_args(each) or (each,))]
    return {_name(kind): kind for kind in kinds}


def _name(kind: type[msgspec.Struct]) -> str:
    tag = str(kind.__struct_config__.tag)
    return f"command_{tag}" if kind.__name__.endswith("Command") else tag


def _channel(address: str, summary: str, messages: Iterable[str]) -> dict[str, Any]:
    return {
        "address": address,
        "summary": summary,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"ws": {"method": "GET", "query": _QUERY, "bindingVersion": "0.1.0"}},
    }


def _operation(action: str, summary: str, channel: str, messages: dict[str, type[msgspec.Struct]]) -> dict[str, Any]:
    return {
        "action": action,
        "summary": summary,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }
