"""Where the peers' gateways listen, and what signs their users' tokens."""

from __future__ import annotations

from shared.process.settings import Settings


class GatewayPeerSettings(Settings):
    """Read from the environment, as the product's."""

    socket_port: int
    token_secret: str
