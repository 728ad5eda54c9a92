from __future__ import annotations

import ast

from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from shared.process import gateway_metrics, metrics
from tests.unit.house.names import sources

DECLARED = {
    name: metric
    for module in (metrics, gateway_metrics)
    for name, metric in vars(module).items()
    if isinstance(metric, MetricWrapperBase)
}


def literal_labels() -> set[tuple[str, str]]:
    """(metric, label value) wherever a metric with one label is used with a value written out."""
    found = set()
    for _, module in sources():
        for call in ast.walk(module):
            match call:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id=name), attr="labels"), args=[ast.Constant(value=str(value))]
                ):
                    found.add((name, value))
    return found


def test_label_values_known_in_advance_start_at_zero():
    for name, labels in (
        ("carillon_replays_total", {"where": "decide"}),
        ("carillon_duplicates_total", {"where": "ledger"}),
        ("carillon_profile_cache_total", {"result": "hit"}),
        ("carillon_delivery_seconds_count", {"channel": "email"}),
        ("carillon_sends_in_flight", {"channel": "in_app"}),
        ("carillon_gateway_resumes_total", {"result": "resumed"}),
    ):
        assert REGISTRY.get_sample_value(name, labels) is not None, name


def test_a_label_value_that_is_used_is_one_that_starts_at_zero():
    """Another spelling would make a second series beside the one that stays at zero."""
    used = literal_labels()
    assert ("REPLAYS", "ledger") in used
    known = {
        (name, value)
        for name, metric in DECLARED.items()
        for family in metric.collect()
        for sample in family.samples
        for value in sample.labels.values()
    }
    assert used - known == set()
