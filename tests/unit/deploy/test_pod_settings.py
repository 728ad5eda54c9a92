"""Which settings and secrets each pod is given, read from the rendered manifests."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import get_args

import pytest
from pydantic import SecretStr

from carillon.cli.variables import PREFIX, setting_variables
from shared.process.settings import SettingsSection
from tests.unit.deploy.manifests import ADDED, PLACES, Object, environment, main_container, pods, rendered
from tests.unit.deploy.workloads import sections_of, settings_of


def secret_files(pod: Object, *, optional: bool = False) -> dict[str, str]:
    """The name of each mounted file, with the key of the Secret that it holds: of those a pod must have, or may."""
    sources = [each["secret"] for volume in pod["volumes"] for each in volume.get("projected", {}).get("sources", [])]
    items = [item for each in sources if each.get("optional", False) is optional for item in each["items"]]
    return {item["path"]: item["key"] for item in items}


def secret_settings(sections: Iterable[type[SettingsSection]]) -> set[str]:
    """The variables whose values are shown to nobody."""
    return {
        f"{PREFIX}{name.upper()}"
        for section in sections
        for name, field in section.model_fields.items()
        if SecretStr in (field.annotation, *get_args(field.annotation))
    }


@pytest.mark.parametrize("place", PLACES)
class TestSettings:
    def test_settings_exist(self, place: str) -> None:
        for name, pod in pods(place).items():
            known = setting_variables() | {f"{PREFIX}SECRETS_DIR"}
            unknown = {key for key in environment(place, pod) if key.startswith(PREFIX)} - known
            assert not unknown, name
            files = {key.upper() for key in secret_files(pod)}
            assert files, name
            assert files | {key.upper() for key in secret_files(pod, optional=True)} <= known, name

    def test_each_pod_gets_the_secrets_it_reads_and_no_other(self, place: str) -> None:
        for name, pod in pods(place, jobs=False).items():
            sections = sections_of(main_container(pod)["args"][0], environment(place, pod))
            mounted = {key.upper() for key in secret_files(pod) | secret_files(pod, optional=True)}
            assert mounted == secret_settings(sections) | {"CARILLON_MONGO"}, name

    def test_a_pod_does_not_start_without_what_every_installation_needs(self, place: str) -> None:
        must = {name: set(secret_files(pod)) - {"carillon_mongo"} for name, pod in pods(place).items()}
        assert {name: keys for name, keys in must.items() if keys} == {
            "ingest": {"carillon_webhook_secret"},
            "gateway": {"carillon_token_secret", "carillon_unsubscribe_secret"},
            "delivery-email": {"carillon_unsubscribe_secret"},
            "delivery-webhook": {"carillon_webhook_secret"},
        } | {name: {"carillon_token_secret"} for name in ADDED.get(place, ())}
        assert all("carillon_mongo" in secret_files(pod) for pod in pods(place).values())

    def test_settings_load(self, place: str) -> None:
        secrets = {
            key: base64.b64decode(value).decode()
            for item in rendered(place)
            if item["kind"] == "Secret"
            for key, value in item["data"].items()
        }
        if not secrets:
            assert place in {"base", *ADDED}, "only these leave the secrets to others"
            return
        for name, pod in pods(place, jobs=False).items():
            files = {path: secrets[key] for path, key in secret_files(pod).items()}
            loaded = settings_of(main_container(pod)["args"][0], environment(place, pod) | files)
            assert loaded["mongo"] == secrets["carillon_mongo"], name
            assert loaded.get("public_url", "none") != "", f"{name} has no link for who unsubscribes"
