"""Frequency caps: how much of all workflows together a user gets. A notification counts when its first channel goes."""

from __future__ import annotations

from collections.abc import Iterator

from shared.deciding.facts import counter_id
from shared.deciding.items import Counted
from shared.deciding.routing_input import RoutingInput
from shared.deciding.steps.throttle import is_counted, recent
from shared.model.channels import Channel
from shared.model.notifications import Notification
from shared.model.rules import Rule
from shared.model.tenants import FrequencyCap, TenantSettings
from shared.model.workflows import Workflow


def caps_of(tenant: TenantSettings | None, workflow: Workflow) -> Iterator[FrequencyCap]:
    """Those that count for the workflow; none for a critical one."""
    if tenant is not None and tenant.caps and not workflow.critical:
        for cap in tenant.caps:
            if cap.category in (None, workflow.category):
                yield cap


def cap_id(cap: FrequencyCap, about: Notification) -> str:
    """Its counter for one user."""
    return counter_id(about, about.life, "cap", cap.category or "", ",".join(cap.channels), cap.seconds)


def ask_caps(inputs: RoutingInput, workflow: Workflow, channel: Channel) -> tuple[Counted, ...] | None:
    """Where the notification is counted if it goes on this channel; None: one of the caps is reached."""
    counted: list[Counted] = []
    for cap in caps_of(inputs.tenant, workflow):
        if cap.channels and channel not in cap.channels:
            continue
        counter = cap_id(cap, inputs.notification)
        counts = inputs.history.counters.get(counter, ()) if inputs.history else ()
        if is_counted(counts, inputs.notification.id):
            continue
        if recent(counts, inputs.now - cap.seconds * 1000) >= cap.most:
            return None
        counted.append(Counted(rule=Rule.FREQUENCY_CAP, counter=counter, seconds=cap.seconds, most=cap.most))
    return tuple(counted)
