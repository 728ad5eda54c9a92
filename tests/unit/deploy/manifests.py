"""The rendered Kubernetes manifests, and what their pods are given."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
SERVICES = {path.parent.name for path in (ROOT / "services").glob("*/__init__.py")}
OVERLAYS = sorted(path.parent.name for path in (ROOT / "deploy/k8s/overlays").glob("*/kustomization.yaml"))
PLACES = ["base", *(f"overlays/{name}" for name in OVERLAYS)]
ADDED = {"overlays/socketio": {"socketio"}}
"""What a place has beside the services."""
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
