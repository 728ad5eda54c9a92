"""The rules for Prometheus ask for what the services say, and nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from shared.process import metrics
from tests.unit.deploy.manifests import ROOT

FILE = ROOT / "deploy" / "prometheus" / "carillon.rules.yaml"
GROUPS = yaml.safe_load(FILE.read_text())["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
NAMES = {
    f"{metric._name}{end}"
    for metric in vars(metrics).values()
    if isinstance(metric, MetricWrapperBase)
    for end in {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_count", "_sum"]}[metric._type]
}
RECORDED = {rule["record"] for rule in RULES if "record" in rule}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("record") or rule.get("alert"))
def test_it_asks_for_what_there_is(rule: dict[str, Any]) -> None:
    asked = set(re.findall(r"carillon[_:][a-z0-9_]+", rule["expr"]))
    assert asked
    assert asked <= NAMES | RECORDED


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("record") or rule.get("alert"))
def test_labels_are_those_of_the_metric(rule: dict[str, Any]) -> None:
    by_name = {
        metric._name: set(metric._labelnames) for metric in vars(metrics).values() if hasattr(metric, "_labelnames")
    }
    for name, chosen in re.findall(r"(carillon_[a-z0-9_]+)\{([^}]*)\}", rule["expr"]):
        base = re.sub(r"_(total|bucket|count|sum)$", "", name)
        assert {each.partition("=")[0].rstrip("~") for each in chosen.split(",")} <= by_name[base] | {"le"}


def test_an_alert_says_what_it_is_about() -> None:
    for alert in (rule for rule in RULES if "alert" in rule):
        assert alert["labels"]["severity"] in {"warning", "critical"}
        assert {"summary", "description"} == alert["annotations"].keys()
        assert re.fullmatch(r"\d+[mh]", alert["for"])


def test_the_queue_has_one() -> None:
    assert "CarillonQueueTooLarge" in {rule.get("alert") for rule in RULES}
