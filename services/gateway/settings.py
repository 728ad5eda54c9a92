"""Settings of the gateway."""

from __future__ import annotations

from pydantic import Field, SecretStr

from shared.process.settings import EdgeSettings


class GatewaySettings(EdgeSettings):
    """The users' edge."""

    gateway_port: int = Field(8081, ge=0, le=65535, description="port of the inbox REST API")
    socket_port: int = Field(8082, ge=0, le=65535, description="port of the sockets")
    token_secret: SecretStr = Field(
        min_length=32, description="HS256 secret of the users' JWTs, at least 32 characters"
    )
    origins: str = Field("http://127.0.0.1:8083,http://localhost:8083", description="exact Origins, comma separated")
