"""The connection to Kafka, as Faust takes it."""

from __future__ import annotations

from faust.auth import Credentials, OAuthCredentials, SASLCredentials, SSLCredentials

from shared.kafka.connection import KafkaConnection, Mechanism
from shared.kafka.tokens import TokenProvider


def credentials(kafka: KafkaConnection) -> Credentials | None:
    """For `broker_credentials`; Faust's consumer and producer have a connection each by them. Raises OSError."""
    context = kafka.certificates.context() if kafka.security.encrypts else None
    if not kafka.security.asks_who or kafka.mechanism is None:
        return SSLCredentials(context) if context is not None else None
    if kafka.mechanism is Mechanism.OAUTHBEARER and kafka.token is not None:
        return OAuthCredentials(oauth_cb=TokenProvider(kafka.token), ssl_context=context)
    return SASLCredentials(
        username=kafka.username, password=kafka.password, ssl_context=context, mechanism=kafka.mechanism.value
    )
