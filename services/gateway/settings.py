"""Settings of the gateway."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from services.gateway.core.limits import (
    HANDSHAKES_PER_ADDRESS,
    SOCKETS_PER_ADDRESS,
    SOCKETS_PER_USER,
    UNAUTHENTICATED_PER_ADDRESS,
)
from services.gateway.keys.endpoint import check_jwks_url
from services.gateway.live.core.address_limits import AddressLimits
from services.gateway.live.core.client_address import parse_networks
from services.gateway.origins import parse_origins
from shared.model.signed_tokens import parse_secrets
from shared.process.settings import EdgeSettings


class UsersEdgeSettings(EdgeSettings):
    """What every process needs that users connect to."""

    token_secret: SecretStr | None = Field(
        None,
        min_length=32,
        description="HS256 secret of the users' JWTs, at least 32 characters; it or CARILLON_TOKEN_JWKS_URL is required",
    )
    token_jwks_url: str | None = Field(
        None,
        description="where the public keys of who signs the users' JWTs by RS256, ES256 or EdDSA are, as a JSON Web Key "
        "Set: https, or http to this machine",
    )
    token_issuer: str | None = Field(
        None, min_length=1, description="the `iss` that tokens signed with a key of the set have to name; unset: any"
    )
    token_leeway_seconds: int = Field(
        30, ge=0, le=300, description="how far the clocks of who signs tokens and the gateway may differ"
    )
    token_audience: str | None = Field(
        None,
        min_length=1,
        description="the `aud` that tokens may name, and those signed with a key of the set have to; unset: they may name "
        "none",
    )
    origins: Annotated[str, NoDecode] = Field(
        "http://127.0.0.1:8083,http://localhost:8083",
        description="Origins of pages that may use the sockets and the inbox API, comma separated",
    )
    max_connections: int = Field(
        20_000, ge=1, description="sockets of one process; more are told to come back later, elsewhere"
    )
    sockets_per_user: int = Field(
        SOCKETS_PER_USER,
        ge=1,
        le=10_000,
        description="sockets of one user in one process; with one more the oldest is closed",
    )
    backlog_bytes: int = Field(
        268_435_456,
        ge=8_388_608,
        description="what all sockets of one process may have waiting; the slowest are closed",
    )

    sockets_per_address: int = Field(
        SOCKETS_PER_ADDRESS,
        ge=1,
        description="sockets of one client address in one process; /64 of IPv6 are one address",
    )
    unauthenticated_per_address: int = Field(
        UNAUTHENTICATED_PER_ADDRESS,
        ge=1,
        description="those of them that have not shown a token yet",
    )
    handshakes_per_address: float = Field(
        HANDSHAKES_PER_ADDRESS,
        gt=0,
        description="sockets that one client address may open per second, and ten times as many at once",
    )
    trusted_proxies: Annotated[str, NoDecode] = Field(
        "",
        description="networks of the proxies in front of the sockets, comma separated: whom they name in "
        "X-Forwarded-For is the client",
    )
    unlimited_networks: Annotated[str, NoDecode] = Field(
        "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,169.254.0.0/16,127.0.0.0/8,fc00::/7,fe80::/10,::1",
        description="networks whose addresses are not limited, comma separated: behind one of them may be many clients",
    )

    @field_validator("token_jwks_url")
    @classmethod
    def _check_jwks_url(cls, url: str | None) -> str | None:
        if url is not None:
            check_jwks_url(url)
        return url

    @field_validator("origins")
    @classmethod
    def _check_origins(cls, text: str) -> str:
        parse_origins(text)
        return text

    @field_validator("trusted_proxies", "unlimited_networks")
    @classmethod
    def _check_networks(cls, text: str) -> str:
        parse_networks(text)
        return text

    @model_validator(mode="after")
    def _check_tokens(self) -> Self:
        if self.token_secret is None and self.token_jwks_url is None:
            raise ValueError(
                "CARILLON_TOKEN_SECRET or CARILLON_TOKEN_JWKS_URL: one of them has to verify users' tokens"
            )
        if self.token_issuer is not None and self.token_jwks_url is None:
            raise ValueError("CARILLON_TOKEN_ISSUER: it is for keys of CARILLON_TOKEN_JWKS_URL, which is not set")
        return self


class GatewaySettings(UsersEdgeSettings):
    """The users' edge: sockets and the inbox by HTTP."""

    gateway_port: int = Field(8081, ge=0, le=65535, description="port of the inbox REST API")
    socket_port: int = Field(8082, ge=0, le=65535, description="port of the sockets")
    unsubscribe_secret: SecretStr = Field(
        SecretStr(""),
        description="signs the links of List-Unsubscribe, the same for delivery and gateway; several, comma separated: "
        "the first signs, each is accepted; at least 24 characters",
    )
    self_subscribe: bool = Field(
        False,
        description="true: users may subscribe themselves to topics by the inbox API; they may always unsubscribe",
    )

    @field_validator("unsubscribe_secret")
    @classmethod
    def _check_secrets(cls, value: SecretStr) -> SecretStr:
        parse_secrets(value.get_secret_value())
        return value


def address_limits(settings: UsersEdgeSettings) -> AddressLimits:
    """Of one process, as they are set."""
    return AddressLimits(
        sockets=settings.sockets_per_address,
        unauthenticated=settings.unauthenticated_per_address,
        handshakes=settings.handshakes_per_address,
        trusted=parse_networks(settings.trusted_proxies),
        unlimited=parse_networks(settings.unlimited_networks),
    )
