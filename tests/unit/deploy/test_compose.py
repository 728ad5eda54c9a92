"""What every container must have, read from the compose file and the Dockerfile."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from carillon.cli.variables import PREFIX, setting_variables
from sandbox.sink.accounts import callback_keys, provider_settings
from services.delivery.settings import DeliverySettings
from shared.model.channels import Channel
from shared.process.settings import Settings
from tests.unit.deploy.workloads import sections_of, settings_of

ROOT = Path(__file__).resolve().parents[3]
SERVICES = {path.parent.name for path in (ROOT / "services").glob("*/__init__.py")}
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
THIRD_PARTY = {"kafka", "mongo"}
USER = "10001:10001"
Object = dict[str, Any]


@cache
def compose() -> Object:
    return yaml.load((ROOT / "docker-compose.yml").read_text(), Loader=yaml.CSafeLoader)


def ours() -> dict[str, Object]:
    return {name: row for name, row in compose()["services"].items() if name not in THIRD_PARTY}


def environment(name: str) -> dict[str, str]:
    """What a service is given where the host sets nothing."""
    given = ours()[name]["environment"]
    return {key: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value) for key, value in given.items()}


def seconds(duration: str) -> float:
    return float(duration.removesuffix("s"))


def pinned(image: str) -> bool:
    return re.fullmatch(r"[\w./-]+:\d+\.\d+\.\d+[\w.-]*", image) is not None


class TestCompose:
    def test_each_service_has_one(self) -> None:
        assert {row["command"][0] for row in ours().values()} >= SERVICES

    def test_channels(self) -> None:
        assert "CARILLON_DELIVERY_CHANNELS" not in ours()["delivery"]["environment"], "its default is every channel"
        assert DeliverySettings.model_fields["delivery_channels"].default == tuple(Channel)

    def test_every_provider_is_the_sink(self) -> None:
        assert provider_settings("http://sink:8025").items() <= environment("delivery").items()

    def test_every_provider_that_calls_back_is_the_sink(self) -> None:
        assert callback_keys().items() <= environment("ingest").items()

    def test_settings_exist(self) -> None:
        used = set(re.findall(rf"\b{PREFIX}[A-Z_]+", (ROOT / "docker-compose.yml").read_text()))
        assert used
        assert used <= setting_variables()

    def test_settings_load(self) -> None:
        for name in SERVICES:
            loaded = settings_of(name, environment(name))
            assert loaded["kafka"] == "kafka:19092", name

    def test_secrets_are_the_same_for_all_who_read_them(self) -> None:
        environments = {name: environment(name) for name in SERVICES}
        secrets = {key for given in environments.values() for key in given if key.endswith("_SECRET")}
        secrets -= provider_settings("").keys() | callback_keys().keys()
        assert secrets == {f"{PREFIX}{name}_SECRET" for name in ("WEBHOOK", "TOKEN", "UNSUBSCRIBE", "CALLBACK")}
        for secret in secrets:
            readers = {
                name
                for name, given in environments.items()
                if any(secret in section.variables() for section in sections_of(name, given))
            }
            assert readers == {name for name, given in environments.items() if secret in given}, secret
            assert len({environments[name][secret] for name in readers}) == 1, secret

    def test_ours_are_hardened(self) -> None:
        for name, row in ours().items():
            assert row["read_only"] is True, name
            assert [mount.split(":")[0] for mount in row["tmpfs"]] == ["/tmp"], name

    def test_all_drop_capabilities(self) -> None:
        for name, row in compose()["services"].items():
            assert row["cap_drop"] == ["ALL"], name
            assert row["security_opt"] == ["no-new-privileges:true"], name

    def test_images_are_pinned_and_the_same(self) -> None:
        images = {name: row["image"] for name, row in compose()["services"].items()}
        assert not {name for name, image in images.items() if not pinned(image)}
        services = {image for name, image in images.items() if name in SERVICES | {"setup"}}
        assert services == {f"carillon:{VERSION}"}

    def test_health_is_asked_for(self) -> None:
        for name, row in compose()["services"].items():
            if name != "setup":
                assert row["healthcheck"]["test"][0] == "CMD", name
        for name in SERVICES:
            port = ours()[name]["environment"]["CARILLON_HEALTH_PORT"]
            assert f"127.0.0.1:{port}/readyz" in ours()[name]["healthcheck"]["test"][-1], name

    def test_stop_waits_longer_than_draining(self) -> None:
        default = Settings.model_fields["drain_seconds"].default
        for name, row in ours().items():
            drain = float(row["environment"].get("CARILLON_DRAIN_SECONDS", default))
            assert seconds(row["stop_grace_period"]) > drain, name

    def test_ports_are_on_loopback(self) -> None:
        for name, row in compose()["services"].items():
            for port in row.get("ports", []):
                assert str(port).startswith("127.0.0.1:"), name

    def test_setup_comes_first(self) -> None:
        for name in SERVICES:
            assert ours()[name]["depends_on"] == {"setup": {"condition": "service_completed_successfully"}}, name


class TestDockerfile:
    def text(self) -> str:
        return (ROOT / "Dockerfile").read_text()

    def test_base_is_pinned(self) -> None:
        arguments = dict(re.findall(r"^ARG (\w+)=(\S+)", self.text(), re.MULTILINE))
        assert pinned(arguments["PYTHON_IMAGE"])
        assert "latest" not in self.text()

    def test_user_is_not_root(self) -> None:
        assert re.findall(r"^USER (\S+)", self.text(), re.MULTILINE) == [USER]

    def test_last_stage_runs_a_service(self) -> None:
        assert 'ENTRYPOINT ["carillon", "run"]' in self.text()
        commands = re.findall(r'^CMD \["(\w+)"\]', self.text(), re.MULTILINE)
        assert commands[-1] in SERVICES
