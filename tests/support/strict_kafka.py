"""A Kafka that lets in only those it knows: TLS with names, passwords and tokens, TLS with certificates.

It has the broker's default that makes topics on being asked for them, so that whoever asks wrongly is seen.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from confluent_kafka.admin import AdminClient, ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion
from cryptography.hazmat.primitives import serialization

from sandbox.child import settle
from sandbox.free_ports import free_ports
from sandbox.kafka import Kafka
from shared.kafka.connection import Certificates, KafkaConnection, Mechanism, SecurityProtocol
from shared.kafka.tokens import TokenFile
from tests.support.brokers import STATE

USER, PASSWORD = "carillon", "not-for-production"
PRINCIPALS = ("ingest", "router", "scheduler", "delivery", "gateway", "console", "cli")
"""Users besides, with the same password, by PLAIN."""
_MODULES = "org.apache.kafka.common.security"


@dataclass(frozen=True, kw_only=True)
class StrictKafka:
    """A running broker and the files that lead into it."""

    node: Kafka
    folder: Path
    sasl: str
    """host:port that asks for SASL in TLS."""
    mutual: str
    """host:port that asks for a certificate."""
    expired: str
    """host:port whose own certificate has expired."""
    sasl_in_clear: str

    @property
    def ca(self) -> Path:
        """Whom to trust."""
        return self.folder / "ca.pem"

    def variables(self, mechanism: Mechanism = Mechanism.PLAIN, user: str = USER) -> dict[str, str]:
        """The settings of a process that goes in by SASL."""
        who = {"CARILLON_KAFKA_USERNAME": user, "CARILLON_KAFKA_PASSWORD": PASSWORD}
        if mechanism is Mechanism.OAUTHBEARER:
            who = {"CARILLON_KAFKA_TOKEN_FILE": str(self.token(user))}
        return {
            "CARILLON_KAFKA": self.sasl,
            "CARILLON_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "CARILLON_KAFKA_CA": str(self.ca),
            "CARILLON_KAFKA_SASL_MECHANISM": mechanism.value,
        } | who

    def connection(self, mechanism: Mechanism = Mechanism.PLAIN, password: str = PASSWORD) -> KafkaConnection:
        """By SASL."""
        by_token = mechanism is Mechanism.OAUTHBEARER
        return KafkaConnection(
            servers=self.sasl,
            security=SecurityProtocol.SASL_SSL,
            certificates=Certificates(authorities=self.ca),
            mechanism=mechanism,
            username=None if by_token else USER,
            password=None if by_token else password,
            token=TokenFile(path=self.token(USER)) if by_token else None,
        )

    def by_certificate(self, name: str = "client") -> KafkaConnection:
        """By a certificate of ours."""
        return KafkaConnection(
            servers=self.mutual,
            security=SecurityProtocol.SSL,
            certificates=Certificates(authorities=self.ca, certificate=self.folder / f"{name}.pem"),
        )

    def token(self, user: str, life_seconds: int = 3600) -> Path:
        """A file with a token as Kafka takes them for tests: a JWS that nobody signed."""
        now = int(time.time())  # noqa: TID251  # a JWT's clock
        parts = ({"alg": "none"}, {"sub": user, "iat": now, "exp": now + life_seconds})
        path = self.folder / f"token-{user}"
        path.write_text(
            ".".join(base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in parts) + ".\n"
        )
        return path


@contextmanager
def strict_kafka(folder: Path) -> Iterator[StrictKafka]:
    """A broker of one's own. Raises Missing."""
    folder.mkdir(exist_ok=True)
    ports = free_ports(6)
    names = ("plain", "controller", "sasl", "mutual", "expired", "clear")
    at = {name: f"127.0.0.1:{port}" for name, port in zip(names, ports, strict=True)}
    _write_certificates(folder)
    node = Kafka(folder / "kafka", ports[0], ports[1], state=STATE, settings=_settings(folder, at))
    node.spawn()
    try:
        settle(node.ready())
        _add_scram_users(node.bootstrap)
        yield StrictKafka(
            node=node,
            folder=folder,
            sasl=at["sasl"],
            mutual=at["mutual"],
            expired=at["expired"],
            sasl_in_clear=at["clear"],
        )
    finally:
        node.kill()


def _settings(folder: Path, at: dict[str, str]) -> dict[str, str | int]:
    users = {USER: PASSWORD} | dict.fromkeys(PRINCIPALS, PASSWORD)
    plain = " ".join(f'user_{name}="{password}"' for name, password in users.items())
    protocols = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", "SECURE": "SASL_SSL", "MUTUAL": "SSL"}
    protocols |= {"EXPIRED": "SSL", "CLEAR": "SASL_PLAINTEXT"}
    listeners = {"PLAINTEXT": "plain", "CONTROLLER": "controller", "SECURE": "sasl", "MUTUAL": "mutual"}
    listeners |= {"EXPIRED": "expired", "CLEAR": "clear"}
    settings: dict[str, str | int] = {
        "listeners": ",".join(f"{name}://{at[port]}" for name, port in listeners.items()),
        "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
        "inter.broker.listener.name": "PLAINTEXT",
        "auto.create.topics.enable": "true",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "allow.everyone.if.no.acl.found": "true",
        "connections.max.reauth.ms": 3_600_000,
    }
    for name in ("secure", "clear"):
        own = f"listener.name.{name}"
        settings[f"{own}.sasl.enabled.mechanisms"] = ",".join(Mechanism)
        settings[f"{own}.plain.sasl.jaas.config"] = f"{_MODULES}.plain.PlainLoginModule required {plain};"
        for scram in ("256", "512"):
            settings[f"{own}.scram-sha-{scram}.sasl.jaas.config"] = f"{_MODULES}.scram.ScramLoginModule required;"
        settings[f"{own}.oauthbearer.sasl.jaas.config"] = (
            f'{_MODULES}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";'
        )
    for name, certificate in {"secure": "server", "mutual": "server", "expired": "expired"}.items():
        own = f"listener.name.{name}.ssl"
        settings |= {
            f"{own}.keystore.type": "PEM",
            f"{own}.keystore.location": str(folder / f"{certificate}.pem"),
            f"{own}.truststore.type": "PEM",
            f"{own}.truststore.location": str(folder / "ca.pem"),
            f"{own}.client.auth": "required" if name == "mutual" else "none",
        }
    return settings


def _write_certificates(folder: Path) -> None:
    ours, foreign = trustme.CA(), trustme.CA()
    past = datetime.now(UTC) - timedelta(days=1)  # noqa: TID251  # what openssl compares with
    ours.cert_pem.write_to_path(str(folder / "ca.pem"))
    foreign.cert_pem.write_to_path(str(folder / "foreign-ca.pem"))
    _write(folder / "server.pem", ours.issue_cert("127.0.0.1"))
    _write(folder / "expired.pem", ours.issue_cert("127.0.0.1", not_after=past))
    _write(folder / "client.pem", ours.issue_cert("client.example"))
    _write(folder / "foreign.pem", foreign.issue_cert("client.example"))


def _write(path: Path, certificate: trustme.LeafCert) -> None:
    """Java reads PKCS 8 only."""
    key = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(pem + b"".join(each.bytes() for each in certificate.cert_chain_pems))


def _add_scram_users(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
        user = UserScramCredentialUpsertion(USER, ScramCredentialInfo(mechanism, 4096), PASSWORD.encode())
        for done in admin.alter_user_scram_credentials([user]).values():
            done.result(30)
