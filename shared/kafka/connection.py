"""Where Kafka is and how it lets us in: one frozen value, passed to whoever opens a client."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from shared.kafka.asking import never_create_topics
from shared.kafka.tokens import TokenProvider, TokenSource


class SecurityProtocol(StrEnum):
    """What a listener speaks, by Kafka's names."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"

    @property
    def encrypts(self) -> bool:
        """Whether it is TLS."""
        return self in {SecurityProtocol.SSL, SecurityProtocol.SASL_SSL}

    @property
    def asks_who(self) -> bool:
        """Whether it is SASL."""
        return self in {SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL}


class Mechanism(StrEnum):
    """How SASL shows who we are."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"
    OAUTHBEARER = "OAUTHBEARER"


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """Whom we trust, and what we show, as PEM files; when they are renewed, the next connection uses the new ones."""

    authorities: Path | None = None
    """None: those of the system."""
    certificate: Path | None = None
    key: Path | None = None
    """None: it is in the certificate's file."""
    key_password: str | None = field(default=None, repr=False)

    def context(self) -> ssl.SSLContext:
        """For clients; the broker's name is checked. Raises OSError (ssl.SSLError is one) for files that cannot be used."""
        context = _RenewedContext(ssl.PROTOCOL_TLS_CLIENT)
        context.follow(self)
        return context

    def load_into(self, context: ssl.SSLContext) -> None:
        """Raises OSError."""
        if self.authorities is None:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        else:
            context.load_verify_locations(self.authorities)
        if self.certificate is not None:
            # Without a password OpenSSL would ask the terminal for one.
            context.load_cert_chain(self.certificate, self.key, self.key_password or "")

    def changed_at(self) -> tuple[float, ...]:
        """When the files changed last. Raises OSError."""
        return tuple(path.stat().st_mtime for path in (self.authorities, self.certificate, self.key) if path)


class _RenewedContext(ssl.SSLContext):
    """Looks at the files before each connection. What is half written is used by the one after."""

    _files = Certificates()
    _loaded: tuple[float, ...] = ()

    def follow(self, files: Certificates) -> None:
        self._loaded = files.changed_at()
        files.load_into(self)
        self._files = files

    def wrap_bio(self, *args: object, **more: object) -> ssl.SSLObject:
        """As the standard library's: what event loops call for each connection."""
        try:
            if self._files.changed_at() != self._loaded:
                self.follow(self._files)
        except OSError:
            pass  # the former ones are still loaded
        return super().wrap_bio(*args, **more)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class KafkaConnection:
    """Bootstrap servers, and what they ask for."""

    servers: str
    """host:port[,host:port]"""
    security: SecurityProtocol = SecurityProtocol.PLAINTEXT
    certificates: Certificates = Certificates()
    mechanism: Mechanism | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    token: TokenSource | None = None

    def client_arguments(self) -> dict[str, object]:
        """What every aiokafka client of ours is opened with; from now on none creates a topic by asking for it."""
        never_create_topics()
        arguments: dict[str, object] = {
            "bootstrap_servers": self.servers,
            "security_protocol": self.security.value,
            "ssl_context": self.certificates.context() if self.security.encrypts else None,
        }
        if self.security.asks_who and self.mechanism is not None:
            arguments |= {
                "sasl_mechanism": self.mechanism.value,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
                "sasl_oauth_token_provider": TokenProvider(self.token) if self.token is not None else None,
            }
        return arguments


KafkaAddress = KafkaConnection | str
"""A string: servers that ask for nothing, as those of tests and of the sandbox."""


def connection_to(kafka: KafkaAddress) -> KafkaConnection:
    """The connection itself."""
    return KafkaConnection(servers=kafka) if isinstance(kafka, str) else kafka
