"""Settings of the connection to Kafka. What does not go together is named at start, by the variable to change."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from shared.kafka.connection import Certificates, KafkaConnection, Mechanism, SecurityProtocol
from shared.kafka.tokens import ClientCredentials, TokenFile, TokenSource

_SERVER: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/,;\[\]]+):[0-9]{1,5}")
_WITH_TLS: Final = "only with CARILLON_KAFKA_SECURITY_PROTOCOL=SSL or SASL_SSL"
_BY_NAME: Final = "only with CARILLON_KAFKA_SASL_MECHANISM=PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"
_BY_GRANT: Final = "only with CARILLON_KAFKA_SASL_MECHANISM=OAUTHBEARER"


class KafkaSettings(BaseSettings):
    """Where Kafka is and how it lets us in. Fields stand in the order in which they are checked: each looks back."""

    kafka: str = Field("127.0.0.1:9092", description="bootstrap servers, host:port[,host:port]")
    kafka_security_protocol: SecurityProtocol = Field(
        SecurityProtocol.PLAINTEXT, description="what the servers speak: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"
    )
    kafka_ca: Path | None = Field(
        None, validate_default=True, description="PEM file with whom to trust; none: the system's authorities"
    )
    kafka_certificate: Path | None = Field(
        None, validate_default=True, description="PEM file with the certificate to show, where the servers ask for one"
    )
    kafka_key_password: SecretStr | None = Field(None, validate_default=True, description="of the key, if it has one")
    kafka_key: Path | None = Field(
        None, validate_default=True, description="PEM file with its key; none: it is in the certificate's file"
    )
    kafka_sasl_mechanism: Mechanism | None = Field(
        None, validate_default=True, description="with SASL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"
    )
    kafka_username: str | None = Field(None, validate_default=True, description="with PLAIN and SCRAM")
    kafka_password: SecretStr | None = Field(None, validate_default=True, description="with PLAIN and SCRAM")
    kafka_token_endpoint: str | None = Field(
        None,
        validate_default=True,
        description="with OAUTHBEARER: URL that gives tokens by the client-credentials grant",
    )
    kafka_client_id: str | None = Field(None, validate_default=True, description="who asks the token endpoint")
    kafka_client_secret: SecretStr | None = Field(None, validate_default=True, description="its secret")
    kafka_token_scope: str | None = Field(None, validate_default=True, description="what it asks for, if anything")
    kafka_token_file: Path | None = Field(
        None,
        validate_default=True,
        description="with OAUTHBEARER, in place of the endpoint: a file with the token, as a workload identity's; "
        "read at each connection",
    )

    @property
    def kafka_connection(self) -> KafkaConnection:
        """All of it, for whoever opens a client."""
        return KafkaConnection(
            servers=self.kafka,
            security=self.kafka_security_protocol,
            certificates=Certificates(
                authorities=self.kafka_ca,
                certificate=self.kafka_certificate,
                key=self.kafka_key,
                key_password=_shown(self.kafka_key_password),
            ),
            mechanism=self.kafka_sasl_mechanism,
            username=self.kafka_username,
            password=_shown(self.kafka_password),
            token=self._token_source(),
        )

    def _token_source(self) -> TokenSource | None:
        if self.kafka_token_file is not None:
            return TokenFile(path=self.kafka_token_file)
        if self.kafka_token_endpoint is None:
            return None
        return ClientCredentials(
            endpoint=self.kafka_token_endpoint,
            client=self.kafka_client_id or "",
            secret=_shown(self.kafka_client_secret) or "",
            scope=self.kafka_token_scope,
        )

    @field_validator("kafka")
    @classmethod
    def _check_servers(cls, text: str) -> str:
        servers = [server.strip() for server in text.split(",")]
        for server in servers:
            if not _SERVER.fullmatch(server):
                raise ValueError(f"{server!r} is not host:port")
        return ",".join(servers)

    @field_validator("kafka_ca", "kafka_certificate", "kafka_key_password", "kafka_key")
    @classmethod
    def _check_tls(cls, value: object, info: ValidationInfo) -> object:
        if value is not None and not _tls(info):
            raise ValueError(_WITH_TLS)
        if info.field_name in {"kafka_key", "kafka_key_password"} and value is not None and not _has_certificate(info):
            raise ValueError("a key without CARILLON_KAFKA_CERTIFICATE")
        if info.field_name == "kafka_ca" and isinstance(value, Path):
            _load("authorities", Certificates(authorities=value))
        if info.field_name == "kafka_key" and info.data.get("kafka_certificate") is not None and _tls(info):
            pair = Certificates(
                certificate=info.data["kafka_certificate"],
                key=value if isinstance(value, Path) else None,
                key_password=_shown(info.data.get("kafka_key_password")),
            )
            _load("the certificate with its key", pair)
        return value

    @field_validator("kafka_sasl_mechanism")
    @classmethod
    def _check_mechanism(cls, value: Mechanism | None, info: ValidationInfo) -> Mechanism | None:
        protocol = info.data.get("kafka_security_protocol")
        if protocol is not None and value is not None and not protocol.asks_who:
            raise ValueError("only with CARILLON_KAFKA_SECURITY_PROTOCOL=SASL_SSL or SASL_PLAINTEXT")
        if protocol is not None and value is None and protocol.asks_who:
            raise ValueError(f"CARILLON_KAFKA_SECURITY_PROTOCOL={protocol} needs one: {', '.join(Mechanism)}")
        return value

    @field_validator("kafka_username", "kafka_password")
    @classmethod
    def _check_password(cls, value: object, info: ValidationInfo) -> object:
        if "kafka_sasl_mechanism" not in info.data:
            return value  # its own error stands beside this
        mechanism = info.data["kafka_sasl_mechanism"]
        by_password = mechanism not in {None, Mechanism.OAUTHBEARER}
        if value is not None and not by_password:
            raise ValueError(_BY_NAME)
        if not (value.get_secret_value() if isinstance(value, SecretStr) else value) and by_password:
            raise ValueError(f"CARILLON_KAFKA_SASL_MECHANISM={mechanism} needs it")
        return value

    @field_validator("kafka_token_endpoint", "kafka_client_id", "kafka_client_secret", "kafka_token_scope")
    @classmethod
    def _check_endpoint(cls, value: object, info: ValidationInfo) -> object:
        if "kafka_sasl_mechanism" not in info.data:
            return value
        if value is not None and info.data["kafka_sasl_mechanism"] is not Mechanism.OAUTHBEARER:
            raise ValueError(_BY_GRANT)
        if info.field_name == "kafka_token_endpoint":
            if isinstance(value, str) and not re.match(r"https?://[^/\s]", value):
                raise ValueError("not an http or https URL")
        elif info.data.get("kafka_token_endpoint") is None:
            if value is not None and "kafka_token_endpoint" in info.data:
                raise ValueError("only with CARILLON_KAFKA_TOKEN_ENDPOINT")
        elif value is None and info.field_name != "kafka_token_scope":
            raise ValueError("CARILLON_KAFKA_TOKEN_ENDPOINT needs it")
        return value

    @field_validator("kafka_token_file")
    @classmethod
    def _check_file(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if "kafka_sasl_mechanism" not in info.data or "kafka_token_endpoint" not in info.data:
            return value
        by_token = info.data["kafka_sasl_mechanism"] is Mechanism.OAUTHBEARER
        endpoint = info.data["kafka_token_endpoint"]
        if value is not None and not by_token:
            raise ValueError(_BY_GRANT)
        if value is not None and endpoint is not None:
            raise ValueError("beside CARILLON_KAFKA_TOKEN_ENDPOINT: set one of them")
        if value is None and endpoint is None and by_token:
            raise ValueError(
                "CARILLON_KAFKA_SASL_MECHANISM=OAUTHBEARER needs it, or CARILLON_KAFKA_TOKEN_ENDPOINT in its place"
            )
        return value


def _tls(info: ValidationInfo) -> bool:
    """Also where the protocol itself is wrong: its own error stands beside this."""
    protocol = info.data.get("kafka_security_protocol")
    return protocol is None or protocol.encrypts


def _has_certificate(info: ValidationInfo) -> bool:
    return "kafka_certificate" not in info.data or info.data["kafka_certificate"] is not None


def _load(what: str, files: Certificates) -> None:
    try:
        files.context()
    except OSError as error:
        raise ValueError(f"{what} cannot be used: {error}") from error


def _shown(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
