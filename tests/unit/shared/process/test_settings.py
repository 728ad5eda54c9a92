"""What is said at start of settings that cannot work: everything at once, by the variable's own name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import structlog

from carillon.cli.variables import warn_of_unknown_variables
from services.delivery.channels.registry import section_of
from services.delivery.settings import load_delivery
from services.gateway.origins import parse_origins
from services.gateway.settings import GatewaySettings
from services.ingest.settings import IngestSettings
from shared.model.channels import Channel
from shared.mongo.settings import MigrationSettings
from shared.process.settings import Settings, load

SECRET = "s" * 32


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().startswith("CARILLON_"):
            monkeypatch.delenv(name)


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CARILLON_SECRETS_DIR", str(tmp_path))
    return tmp_path


def said(kind: type[Settings] | None = None) -> list[str]:
    """The lines about each variable; of a delivery worker by default."""
    with pytest.raises(SystemExit) as ended:
        load(kind) if kind else load_delivery(section_of)
    return [line.strip() for line in str(ended.value).splitlines()[1:-1]]


def test_an_empty_variable_does_not_hide_the_file_of_the_secret(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken as it is, every endpoint's signing secret would derive from nothing: anyone could compute it."""
    (secrets / "carillon_webhook_secret").write_text(SECRET)
    monkeypatch.setenv("CARILLON_WEBHOOK_SECRET", "")
    assert load(IngestSettings).webhook_secret.get_secret_value() == SECRET


@pytest.mark.parametrize("secret", ["", "short"])
def test_a_secret_that_can_be_guessed_is_refused_and_not_shown(secrets: Path, secret: str) -> None:
    (secrets / "carillon_webhook_secret").write_text(secret)
    (line,) = said(IngestSettings)
    assert line.startswith("CARILLON_WEBHOOK_SECRET: Value should have at least 24")
    assert "short" not in line


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("RETRY_SECONDS", "5,-5", "greater than or equal to 0, not '-5'"),
        ("RETRY_SECONDS", "nan", "finite number, not 'nan'"),
        ("RETRY_SECONDS", "5,inf", "finite number, not 'inf'"),
        ("RETRY_SECONDS", "5,soon", "valid number"),
        ("DRAIN_SECONDS", "inf", "finite number"),
        ("DRAIN_SECONDS", "1e308", "less than or equal to 3600"),
        ("SESSION_TIMEOUT_SECONDS", "1e300", "less than or equal to 240"),
        ("LEASE_SECONDS", "nan", "finite number"),
        ("DELIVERY_CHANNELS", "", "name at least one channel"),
        ("DELIVERY_CHANNELS", " , ", "name at least one channel"),
        ("DELIVERY_CHANNELS", "email,pigeon", "not 'pigeon'"),
        ("STOP_AFTER_CRASH", "pigeon", "not 'pigeon'"),
        ("WEBHOOK_ALLOW", "10.0.0.0/33", "'10.0.0.0/33' does not appear"),
        ("WEBHOOK_ALLOW", "10.0.0.1/8", "has host bits set"),
        ("MONGO", "http://x", "begins with mongodb://"),
        ("MONGO", "mongodb://", "write mongodb://host:port"),
        ("MONGO", "mongodb://u:p@ss:w/rd@host:x/", "write mongodb://host:port"),
    ],
)
def test_what_cannot_work_is_named_by_its_own_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    monkeypatch.setenv("CARILLON_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv(f"CARILLON_{variable}", value)
    (line,) = said()
    assert line.startswith(f"CARILLON_{variable}: ")
    assert words in line
    assert "ss:w" not in line, "it may be a part of a password"


def test_all_is_said_at_once_also_when_the_channels_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARILLON_DELIVERY_CHANNELS", "pigeon")
    monkeypatch.setenv("CARILLON_LEASE_SECONDS", "-1")
    monkeypatch.setenv("CARILLON_MONGO", "http://x")
    names = [line.partition(":")[0] for line in said()]
    assert sorted(names) == ["CARILLON_DELIVERY_CHANNELS", "CARILLON_LEASE_SECONDS", "CARILLON_MONGO"]


def test_a_channel_that_is_named_twice_is_served_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARILLON_DELIVERY_CHANNELS", "email, in_app ,email")
    settings, _ = load_delivery(section_of)
    assert settings.delivery_channels == (Channel.EMAIL, Channel.IN_APP)


def test_an_empty_list_is_a_list_and_any_other_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARILLON_TOKEN_SECRET", SECRET)
    for name in ("CARILLON_ORIGINS", "CARILLON_MONGO_DATABASE", "CARILLON_DRAIN_SECONDS"):
        monkeypatch.setenv(name, "")
    settings = load(GatewaySettings)
    assert (settings.origins, settings.mongo_database, settings.drain_seconds) == ("", "carillon", 20)


@pytest.mark.parametrize(
    "origins", ["https://a.example/ , http://b.example:8080 ", " https://A.example,\thttp://b.example:8080/"]
)
def test_origins_may_have_spaces_and_a_slash_at_the_end(monkeypatch: pytest.MonkeyPatch, origins: str) -> None:
    monkeypatch.setenv("CARILLON_TOKEN_SECRET", SECRET)
    monkeypatch.setenv("CARILLON_ORIGINS", origins)
    assert parse_origins(load(GatewaySettings).origins) == ("https://a.example", "http://b.example:8080")


def test_a_secrets_folder_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text(SECRET)
    for folder, why in ((file, "Not a directory"), (tmp_path / "nowhere", "No such file")):
        monkeypatch.setenv("CARILLON_SECRETS_DIR", str(folder))
        (line,) = said(IngestSettings)
        assert line.startswith(f"CARILLON_SECRETS_DIR: {folder}: {why}")


def test_a_secret_that_is_no_text_is_named(secrets: Path) -> None:
    (secrets / "carillon_webhook_secret").write_bytes(b"\xff" * 40)
    (line,) = said(IngestSettings)
    assert line == f"CARILLON_WEBHOOK_SECRET: its file {secrets / 'carillon_webhook_secret'} is not UTF-8 text"


def test_a_file_of_secrets_that_nothing_reads_is_named_with_the_nearest(secrets: Path) -> None:
    (secrets / "carillon_webhok_secret").write_text(SECRET)
    (secrets / "carillon_token_secret").write_text(SECRET)
    (secrets / "README").write_text("not ours")
    with structlog.testing.capture_logs() as lines:
        warn_of_unknown_variables()
    assert [(line["event"], line["file"], line["next"]) for line in lines] == [
        ("unknown_secret_file", str(secrets / "carillon_webhok_secret"), "did you mean carillon_webhook_secret?")
    ]


@pytest.mark.parametrize(("name", "days"), [("INBOX_DAYS", "34"), ("CANCELLATION_DAYS", "399")])
def test_what_guards_is_kept_long_enough(monkeypatch: pytest.MonkeyPatch, name: str, days: str) -> None:
    monkeypatch.setenv(f"CARILLON_{name}", days)
    (line,) = said(MigrationSettings)
    assert line.startswith(f"CARILLON_{name}: Input should be greater than or equal to ")
