"""What every Kubernetes workload must have, read from the rendered manifests."""

from __future__ import annotations

import tomllib

import pytest

from shared.model.channels import Channel
from tests.unit.deploy.manifests import (
    ADDED,
    EGRESS,
    LONG_RUNNING,
    PLACES,
    ROOT,
    SERVICES,
    USER,
    environment,
    main_container,
    objects,
    pods,
)


@pytest.mark.parametrize("place", PLACES)
class TestWorkloads:
    def test_each_service_has_one(self, place: str) -> None:
        commands = {main_container(pod)["args"][0] for pod in pods(place, jobs=False).values()}
        assert commands == SERVICES | ADDED.get(place, set())

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

    def test_one_image(self, place: str) -> None:
        images = {main_container(pod)["image"] for pod in pods(place).values()}
        version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
        assert images == {f"carillon:{version}"}


@pytest.mark.parametrize("place", ADDED)
class TestSocketIo:
    def test_it_needs_no_affinity(self, place: str) -> None:
        assert "sessionAffinity" not in objects(place, "Service")["socketio"]["spec"]

    def test_it_is_what_the_gateway_is(self, place: str) -> None:
        """The base's patches do not reach it: what they say of all pods is said by itself, too."""
        gateway, socketio = (dict(pods(place)[name]) for name in ("gateway", "socketio"))
        containers = [dict(main_container(pod)) for pod in (gateway, socketio)]
        own = {"args", "ports", "env"}
        kept = [{name: value for name, value in each.items() if name not in own} for each in containers]
        assert kept[0] == kept[1]
        for pod in (gateway, socketio):
            for name in ("containers", "serviceAccountName", "volumes"):
                del pod[name]
        assert gateway == socketio

    def test_what_backends_send_reaches_ingest(self, place: str) -> None:
        pod = pods(place)["socketio"]
        ingest = objects(place, "Service")["ingest"]
        [port] = [row["port"] for row in ingest["spec"]["ports"] if row["targetPort"] == "http"]
        assert environment(place, pod)["CARILLON_SOCKETIO_INGEST_URL"] == f"http://ingest:{port}"
        [rule] = objects(place, "NetworkPolicy")["socketio-to-ingest"]["spec"]["egress"]
        assert rule["to"] == [{"podSelector": {"matchLabels": ingest["spec"]["selector"]}}]
