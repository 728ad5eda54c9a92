"""What of the connection's settings does not go together is named at start, all at once, by its variable."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import trustme

from services.router.faust.credentials import credentials
from shared.kafka.connection import KafkaConnection, Mechanism, SecurityProtocol
from shared.kafka.tokens import ClientCredentials, TokenFile
from shared.process.settings import Settings, load

ROOT = Path(__file__).parents[4]


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    client = made.issue_cert("client.example")
    client.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "both.pem"))
    client.cert_chain_pems[0].write_to_path(str(tmp_path / "certificate.pem"))
    client.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    return tmp_path


def errors(monkeypatch: pytest.MonkeyPatch, **given: object) -> dict[str, str]:
    """Each variable that is named, without its prefix, with what is said of it."""
    for name, value in given.items():
        monkeypatch.setenv(f"CARILLON_KAFKA{name}", str(value))
    try:
        load(Settings)
    except SystemExit as end:
        return dict(re.findall(r"^  CARILLON_KAFKA(\w*): (.*)$", str(end.code), re.MULTILINE))
    return {}


SASL = {"_SECURITY_PROTOCOL": "SASL_SSL"}
SCRAM = SASL | {"_SASL_MECHANISM": "SCRAM-SHA-512"}
OAUTH = SASL | {"_SASL_MECHANISM": "OAUTHBEARER"}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"": "broker"}, {""}),
        ({"": "a:1,,b:2"}, {""}),
        ({"_SECURITY_PROTOCOL": "TLS"}, {"_SECURITY_PROTOCOL"}),
        (SASL, {"_SASL_MECHANISM"}),
        (SASL | {"_SASL_MECHANISM": "GSSAPI"}, {"_SASL_MECHANISM"}),
        ({"_SASL_MECHANISM": "PLAIN"}, {"_SASL_MECHANISM"}),
        (SCRAM, {"_USERNAME", "_PASSWORD"}),
        (SCRAM | {"_USERNAME": "u", "_PASSWORD": ""}, {"_PASSWORD"}),
        ({"_USERNAME": "u", "_PASSWORD": "p"}, {"_USERNAME", "_PASSWORD"}),
        (SCRAM | {"_USERNAME": "u", "_PASSWORD": "p", "_TOKEN_FILE": "/t"}, {"_TOKEN_FILE"}),
        (OAUTH, {"_TOKEN_FILE"}),
        (OAUTH | {"_USERNAME": "u", "_TOKEN_FILE": "/t"}, {"_USERNAME"}),
        (OAUTH | {"_TOKEN_ENDPOINT": "https://a/t"}, {"_CLIENT_ID", "_CLIENT_SECRET"}),
        (OAUTH | {"_TOKEN_ENDPOINT": "a/t", "_CLIENT_ID": "c", "_CLIENT_SECRET": "s"}, {"_TOKEN_ENDPOINT"}),
        (
            OAUTH | {"_TOKEN_ENDPOINT": "https://a/t", "_CLIENT_ID": "c", "_CLIENT_SECRET": "s", "_TOKEN_FILE": "/t"},
            {"_TOKEN_FILE"},
        ),
        (OAUTH | {"_TOKEN_FILE": "/t", "_CLIENT_ID": "c"}, {"_CLIENT_ID"}),
        ({"_CA": "/nowhere"}, {"_CA"}),
        ({"_SECURITY_PROTOCOL": "SSL", "_CA": "/nowhere"}, {"_CA"}),
        ({"_SECURITY_PROTOCOL": "SSL", "_KEY": "/k", "_KEY_PASSWORD": "p"}, {"_KEY", "_KEY_PASSWORD"}),
        ({"_SECURITY_PROTOCOL": "SSL", "_CERTIFICATE": "/nowhere"}, {"_KEY"}),
        ({"": "x", "_CA": "/a"} | SCRAM, {"", "_CA", "_USERNAME", "_PASSWORD"}),
    ],
)
def test_what_does_not_go_together_is_named(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, object], named: set[str]
) -> None:
    assert errors(monkeypatch, **given).keys() == named


def test_certificates_are_read_at_start(monkeypatch: pytest.MonkeyPatch, pem: Path) -> None:
    tls = {"_SECURITY_PROTOCOL": "SSL", "_CA": pem / "ca.pem"}
    assert errors(monkeypatch, **tls, _CERTIFICATE=pem / "both.pem") == {}
    assert errors(monkeypatch, _CERTIFICATE=pem / "certificate.pem", _KEY=pem / "key.pem") == {}
    assert errors(monkeypatch, _KEY=pem / "ca.pem").keys() == {"_KEY"}


@pytest.mark.parametrize("mechanism", [each for each in Mechanism if each is not Mechanism.OAUTHBEARER])
def test_a_password_from_a_file_reaches_every_client(
    monkeypatch: pytest.MonkeyPatch, pem: Path, mechanism: Mechanism
) -> None:
    (pem / "carillon_kafka_password").write_text("secret")
    monkeypatch.setenv("CARILLON_SECRETS_DIR", str(pem))
    given = SASL | {"_SASL_MECHANISM": mechanism.value, "_USERNAME": "u", "_CA": pem / "ca.pem"}
    assert errors(monkeypatch, **given) == {}
    kafka = load(Settings).kafka_connection
    assert "secret" not in repr(kafka)
    arguments = kafka.client_arguments()
    assert (arguments["sasl_plain_username"], arguments["sasl_plain_password"]) == ("u", "secret")
    of_faust = credentials(kafka)
    assert of_faust is not None
    assert (of_faust.username, of_faust.password, of_faust.mechanism.value) == ("u", "secret", mechanism)
    assert of_faust.ssl_context.check_hostname
    assert of_faust.protocol.value == kafka.security is SecurityProtocol.SASL_SSL


def test_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    assert errors(monkeypatch, **OAUTH, _TOKEN_FILE="/run/token") == {}
    assert load(Settings).kafka_connection.token == TokenFile(path=Path("/run/token"))
    monkeypatch.delenv("CARILLON_KAFKA_TOKEN_FILE")
    of_client = {"_TOKEN_ENDPOINT": "https://a/t", "_CLIENT_ID": "c", "_CLIENT_SECRET": "s", "_TOKEN_SCOPE": "kafka"}
    assert errors(monkeypatch, **of_client) == {}
    kafka = load(Settings).kafka_connection
    assert kafka.token == ClientCredentials(endpoint="https://a/t", client="c", secret="s", scope="kafka")
    assert kafka.client_arguments()["sasl_oauth_token_provider"] is not None
    assert credentials(kafka).oauth_cb is not None


def test_without_settings_nothing_is_asked_for() -> None:
    kafka = Settings().kafka_connection
    assert kafka == KafkaConnection(servers="127.0.0.1:9092")
    assert kafka.client_arguments()["security_protocol"] == "PLAINTEXT"
    assert credentials(kafka) is None


def test_no_client_is_opened_by_servers_alone() -> None:
    """`settings.kafka` knows neither TLS nor who we are."""
    clients = re.compile(
        r"(Publisher|GroupPublisher|open_\w+|ensure_topics|follow|join_statuses|describe_topics)\W[^\n]*settings\.kafka\b"
    )
    files = [path for folder in ("services", "shared", "carillon") for path in (ROOT / folder).rglob("*.py")]
    assert not [str(path) for path in files if clients.search(path.read_text())]
    spelled = [str(path.relative_to(ROOT)) for path in files if re.search(r"settings\.kafka\b", path.read_text())]
    assert spelled == ["services/router/app.py"], "Faust takes the servers as URLs, and the rest as credentials"
