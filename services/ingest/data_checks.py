"""Data against the JSON Schemas of the workflows that it starts, before it is accepted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import orjson

from shared.model.conditions import holds
from shared.model.data_paths import event_lookup
from shared.model.data_schemas import faults
from shared.model.events import Event
from shared.model.formats import NewerFormat
from shared.model.workflows import Workflow


class StartedWorkflows(Protocol):
    """The workflows that an event type starts, as far as this process knows them."""

    def started_by(self, tenant: str, event_type: str, /) -> Sequence[Workflow]:
        """The newest versions; inactive ones are left out. Raises NewerFormat when only a newer Carillon knows."""
        ...


def data_faults(workflow: Workflow, data: object) -> list[tuple[str, str]]:
    """What of a request's data misses the workflow's schema, each with a pointer into the request."""
    if workflow.validator is None:
        return []
    return [(f"/data{pointer}", _said(detail, workflow)) for pointer, detail in faults(workflow.validator, data)]


def event_faults(catalog: StartedWorkflows, tenant: str, event: Event) -> Iterator[tuple[str, str]]:
    """The same of an event, for all workflows that it starts: those that are known here; the router looks again."""
    try:
        started = [each for each in catalog.started_by(tenant, event.type) if each.validator is not None]
    except NewerFormat:
        return  # the router leaves the event to a newer one
    if started:
        data = orjson.loads(event.data)
        look_up = event_lookup(data, event.attributes)
        for workflow in started:
            if workflow.when is None or holds(workflow.when, look_up):
                yield from data_faults(workflow, data)


def _said(detail: str, workflow: Workflow) -> str:
    return f"{detail}, says the schema of {workflow.key}"
