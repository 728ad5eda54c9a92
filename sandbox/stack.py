"""What is known of a local stack: `stack.json` in its state folder, for the CLI and for scripts.

The file outlives the stack (secrets and key belong to the data that stay), and only its owner may read it.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from sandbox.ports import Ports
from sandbox.sink.accounts import callback_keys, provider_settings

SERVICES: Final = ("sink", "ingest", "router", "scheduler", "delivery", "gateway", "socketio", "console", "playground")
"""In the order of starting; the outside world first, so that nobody finds it closed."""
BACKBONE: Final = ("kafka", "mongod")


class UnreadableStack(Exception):
    """What is in `stack.json` was written by nobody here; the message says where it is and what to do."""


class Phase(StrEnum):
    """The phases of a stack's life."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True)
class Stack:
    """One local stack."""

    phase: Phase = Phase.STOPPED
    supervisor: int | None = None
    """Whose run this tells of: the supervisor's pid."""
    ports: dict[str, int]
    urls: dict[str, str]
    kafka: str
    mongo: str
    mongo_database: str = "carillon"
    token_secret: str
    webhook_secret: str
    api_key: str | None = None
    pids: dict[str, int] = field(default_factory=dict)
    started_ms: dict[str, int] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """The settings that its services share."""
        ports = Ports(**self.ports)
        return {
            "CARILLON_KAFKA": self.kafka,
            "CARILLON_MONGO": self.mongo,
            "CARILLON_MONGO_DATABASE": self.mongo_database,
            "CARILLON_INGEST_PORT": str(ports.ingest),
            "CARILLON_GATEWAY_PORT": str(ports.gateway),
            "CARILLON_SOCKET_PORT": str(ports.sockets),
            "CARILLON_SOCKETIO_PORT": str(ports.socketio),
            "CARILLON_SOCKETIO_INGEST_URL": f"http://127.0.0.1:{ports.ingest}",
            "CARILLON_SOCKETIO_PUBLIC_TENANT": "default",
            "CARILLON_CONSOLE_PORT": str(ports.console),
            "CARILLON_CONSOLE_URL": f"http://127.0.0.1:{ports.console}",
            "CARILLON_ORIGINS": ",".join(
                f"http://{host}:{port}"
                for port in (ports.console, ports.playground)
                for host in ("127.0.0.1", "localhost")
            ),
            "CARILLON_SINK_PORT": str(ports.sink),
            "CARILLON_SMTP_PORT": str(ports.smtp),
            "CARILLON_PLAYGROUND_PORT": str(ports.playground),
            "CARILLON_TOKEN_SECRET": self.token_secret,
            "CARILLON_WEBHOOK_SECRET": self.webhook_secret,
            "CARILLON_PUBLIC_URL": f"http://127.0.0.1:{ports.gateway}",
            "CARILLON_UNSUBSCRIBE_SECRET": f"unsubscribe-{self.webhook_secret}",
            # A demonstration should not wait for the end of quiet hours to be smoothed out,
            "CARILLON_RELEASE_SPREAD_SECONDS": "0",
            # and its webhooks and chat go to the sink, which is at an address that is forbidden by default.
            "CARILLON_WEBHOOK_ALLOW": "127.0.0.0/8",
            "CARILLON_CHAT_ALLOW": "127.0.0.0/8",
            "CARILLON_CALLBACK_URL": f"http://127.0.0.1:{ports.ingest}",
            "CARILLON_CALLBACK_SECRET": f"callback-{self.webhook_secret}",
            **provider_settings(f"http://127.0.0.1:{ports.sink}"),
            **callback_keys(),
        }


def new_stack(ports: Ports, known: Stack | None = None) -> Stack:
    """The stack on these ports, with the secrets and the key of the one known from before."""
    mongo, kafka = f"mongodb://127.0.0.1:{ports.mongod}/?replicaSet=rs0", f"127.0.0.1:{ports.kafka}"
    urls = {
        "ingest": f"http://127.0.0.1:{ports.ingest}",
        "gateway": f"http://127.0.0.1:{ports.gateway}",
        "sockets": f"ws://127.0.0.1:{ports.sockets}",
        "socketio": f"http://127.0.0.1:{ports.socketio}",
        "console": f"http://127.0.0.1:{ports.console}",
        "sink": f"http://127.0.0.1:{ports.sink}",
        "smtp": f"smtp://127.0.0.1:{ports.smtp}",
        "playground": f"http://127.0.0.1:{ports.playground}",
    }
    if known is not None:
        return replace(known, ports=ports.table(), urls=urls, kafka=kafka, mongo=mongo, pids={}, started_ms={})
    return Stack(
        ports=ports.table(),
        urls=urls,
        kafka=kafka,
        mongo=mongo,
        token_secret=secrets.token_urlsafe(48),
        webhook_secret=secrets.token_urlsafe(48),
    )


def load(state: Path) -> Stack | None:
    """The stack of a state folder; None if there never was one. Raises `UnreadableStack`."""
    file = state / "stack.json"
    try:
        return from_document(json.loads(file.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnreadableStack(
            f"{file} cannot be read: {error}\nMove it away; the next start writes another, with a new key and secrets."
        ) from error


def from_document(document: Mapping[str, Any]) -> Stack:
    """The stack in a decoded `stack.json`. Names that are not known are left out."""
    known = {one.name for one in fields(Stack)}
    return Stack(
        **{name: value for name, value in document.items() if name in known} | {"phase": Phase(document["phase"])}
    )


def save(stack: Stack, state: Path) -> None:
    """Write `stack.json` in one move, readable by its owner only."""
    state.mkdir(parents=True, exist_ok=True)
    draft = state / "stack.json.new"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(stack), file, indent=2)
    draft.replace(state / "stack.json")
