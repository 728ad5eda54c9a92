"""Why Kafka does not let us in: aiokafka logs it, and raises "unable to bootstrap" whatever it was."""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

from aiokafka.conn import AIOKafkaConnection, collect_hosts
from aiokafka.errors import (
    AuthenticationFailedError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from shared.kafka.asking import AskOnly
from shared.kafka.connection import KafkaConnection, Mechanism
from shared.kafka.tokens import TokenError, TokenRejected
from shared.model.errors import KafkaRejected, KafkaUnavailable

CONNECT_MS: Final = 5_000
"""How long one server may take to answer each step."""


async def check_connection(kafka: KafkaConnection) -> None:
    """Connects to one bootstrap server after the other until one answers.

    Raises KafkaRejected when one refuses us and none lets us in, KafkaUnavailable when none answers; either says why.
    """
    arguments = kafka.client_arguments()
    rejected: KafkaRejected | None = None
    silent: list[str] = []
    for host, port, _ in collect_hosts(arguments.pop("bootstrap_servers")):
        server = f"{host}:{port}"
        try:
            await _greet(host, port, arguments)
        except (KafkaError, OSError, TimeoutError, ValueError) as error:
            if (why := _rejection(error, kafka)) is not None:
                rejected = rejected or KafkaRejected(f"{server}: {why}")
            silent.append(f"{server}: {_silence(error, kafka)}")
        else:
            return
    raise rejected or KafkaUnavailable("; ".join(silent))


async def rejection(kafka: KafkaConnection) -> str:
    """Why it cannot be connected to, asked now."""
    try:
        await check_connection(kafka)
    except (KafkaRejected, KafkaUnavailable) as error:
        return str(error)
    return "it answers now"


async def _greet(host: str, port: int, arguments: dict[str, object]) -> None:
    connection = AIOKafkaConnection(host, port, client_id="carillon-check", request_timeout_ms=CONNECT_MS, **arguments)
    try:
        await connection.connect()
        answer = await connection.send(AskOnly([]))  # a listener that asks for SASL has let anyone come this far
        if answer.cluster_id is None:  # so it answers whom it does not know; aiokafka takes any token for accepted
            raise SaslAuthenticationFailed("the token is not valid, or no longer")
    finally:
        closed = connection.close()
        if connection._protocol is not None:
            await asyncio.wait({closed}, timeout=1)


def _rejection(error: BaseException, kafka: KafkaConnection) -> str | None:
    """What to change; None when it may pass by itself."""
    if isinstance(error, TokenRejected):
        return f"no token: {error}. Look at CARILLON_KAFKA_TOKEN_FILE, or CARILLON_KAFKA_TOKEN_ENDPOINT and who asks it"
    if isinstance(error, UnsupportedSaslMechanismError):
        return f"it has no {kafka.mechanism}: {error}. Look at CARILLON_KAFKA_SASL_MECHANISM"
    if isinstance(error, SaslAuthenticationFailed | AuthenticationFailedError) or (
        isinstance(error, ValueError) and kafka.mechanism is not None  # a SCRAM answer that proves nothing
    ):
        if kafka.mechanism is Mechanism.OAUTHBEARER:
            return f"it refused the token: {error}. Look at CARILLON_KAFKA_TOKEN_FILE or CARILLON_KAFKA_TOKEN_ENDPOINT"
        return (
            f"it refused {kafka.username!r} by {kafka.mechanism}: {error}. "
            "Look at CARILLON_KAFKA_USERNAME and CARILLON_KAFKA_PASSWORD"
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted: {error.verify_message}. Look at CARILLON_KAFKA_CA, at the names in "
            "CARILLON_KAFKA, and at the server's certificate"
        )
    if isinstance(error, ssl.SSLError):
        if "CERTIFICATE" in (error.reason or ""):
            return f"it refused our certificate: {error.reason}. Look at CARILLON_KAFKA_CERTIFICATE"
        return f"no TLS with it: {error.reason or error}. Look at CARILLON_KAFKA_SECURITY_PROTOCOL and the port"
    return None


def _silence(error: BaseException, kafka: KafkaConnection) -> str:
    if isinstance(error, TokenError):
        return f"no token: {error}"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there. Start Kafka, or look at CARILLON_KAFKA"
    if isinstance(error, KafkaError | ConnectionError):
        asked = f"{kafka.security}" + (f" by {kafka.mechanism}" if kafka.mechanism else "")
        return (
            f"it ended the connection ({type(error).__name__}). If it is up, it may ask for another "
            f"CARILLON_KAFKA_SECURITY_PROTOCOL than {asked}, or for a certificate"
        )
    return f"{type(error).__name__}: {error}"
