"""Writes docs/reference/ from the code: `make docs`. Each page is whole, so that nobody edits one by hand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar, get_args

from prometheus_client.metrics import MetricWrapperBase
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from carillon.cli.variables import EVERY, OTHERS, option_variables, settings_sections
from shared.catalog.drawing import mermaid
from shared.catalog.files import read_folder
from shared.deciding.plain_words import EVENTS, PLAIN
from shared.model.access import grants
from shared.model.channels import Channel
from shared.model.deliveries import TRANSITIONS, DeliveryState
from shared.model.notification_states import NOTIFICATION_TRANSITIONS, NotificationState
from shared.model.reasons import EventReason, Reason
from shared.model.receipts import RECEIPT_TRANSITIONS
from shared.model.timestamps import DAY_MS
from shared.model.topics import Topics
from shared.process import gateway_metrics, metrics

FOLDER: Final = Path(__file__).parent / "reference"
MARK: Final = "<!-- Written by `make docs` from the code; edit it there. -->"


def settings_page() -> str:
    """Every variable: its default, who reads it, what it means."""
    fields: dict[str, FieldInfo] = {}
    readers: dict[str, dict[str, None]] = {}
    meanings: dict[str, dict[str, None]] = {}
    for reader, sections in settings_sections().items():
        for section in sections:
            for variable, name in section.variables().items():
                field = section.model_fields[name]
                fields.setdefault(variable, field)
                if EVERY not in readers.setdefault(variable, {}):
                    readers[variable][reader] = None
                meanings.setdefault(variable, {})[_meaning(field)] = None
    rows = [
        (f"`{name}`", _default(field), ", ".join(readers[name]), "; ".join(meanings[name]))
        for name, field in fields.items()
    ]
    return _page(
        "Settings",
        "Environment variables of the services. A required one that is missing, or a wrong one, stops the process at "
        "start, with all errors at once; an unknown one is named in a warning. What is read by a channel is read by "
        "the delivery workers that serve it. Secrets may be files: [operations](../operations.md#settings).",
        _table(("variable", "default", "read by", "meaning"), rows),
        "## Not settings of a service",
        "The first ones stand for options of the `carillon` command.",
        _table(("variable", "meaning"), [(f"`{name}`", text) for name, text in _others(fields).items()]),
    )


def reasons_page() -> str:
    """Every reason with what `carillon why` says of it."""
    rows = [(f"`{reason}`", PLAIN[reason].meaning, PLAIN[reason].next_step or "") for reason in Reason]
    of_events = [(f"`{reason}`", EVENTS[reason].meaning, EVENTS[reason].next_step or "") for reason in EventReason]
    return _page(
        "Reasons",
        "Every state that is not `sent` carries one; `carillon why` says the same.",
        _table(("reason", "meaning", "next step"), rows),
        "## Of events",
        "Why an event, or one workflow of it, became no notification. A recipient's are those of [problems](../problems.md).",
        _table(("reason", "meaning", "next step"), of_events),
    )


def topics_page() -> str:
    """Every topic under the default prefix."""
    topics = Topics()
    purposes = {getattr(topics, name): one.__doc__ for name, one in vars(Topics).items() if isinstance(one, property)}
    for channel in Channel:
        purposes |= {topics.deliveries(channel, lane): Topics.deliveries.__doc__ for lane in channel.spec.lanes}
        purposes[topics.deliveries_dlq(channel)] = Topics.deliveries_dlq.__doc__
    rows = [
        (
            f"`{topic.name}`",
            purposes[topic.name] or "",
            topic.key,
            str(topic.partitions),
            "the last of each key" if topic.compacted else f"{topic.retention_ms // DAY_MS} d",
            f"{topic.max_message_bytes:,}",
            topic.producers,
            topic.consumers,
        )
        for topic in topics.table()
    ]
    return _page(
        "Topics",
        "`CARILLON_TOPIC_PREFIX` stands in front of each name, `carillon` by default. `carillon topics create` creates "
        "what is missing; partition counts are fixed then.",
        _table(("topic", "for", "key", "partitions", "kept", "bytes, at most", "written by", "read by"), rows),
    )


def access_page() -> str:
    """What each service needs of a broker with access control."""
    rows = [
        (grant.service, grant.resource, f"`{grant.name}`", ", ".join(grant.operations)) for grant in grants(Topics())
    ]
    return _page(
        "Access to Kafka",
        "What a broker's access control lists have to give the principal of each service, under the default prefix; "
        "nothing else is needed. Brokers before 2.8 want IdempotentWrite on the cluster besides. Who runs "
        "`carillon topics create` needs Create, Describe and DescribeConfigs on the topics; `carillon catalog push` "
        "writes to the topic of the catalog; `carillon events` reads `carillon.events.dlq.v1` (its group is "
        "`carillon.events-redrive`) and writes to the topics of events.",
        _table(("service", "resource", "name", "operations"), rows),
    )


def metrics_page() -> str:
    """Every metric, by the name it is queried by."""
    rows = []
    for metric in (*vars(metrics).values(), *vars(gateway_metrics).values()):
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.collect()
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = ", ".join(f"`{label}`" for label in metric._labelnames)  # told nowhere else
            rows.append((f"`{name}`", family.type, labels, family.documentation))
    return _page(
        "Metrics",
        "At `/metrics` of each process's health port, in the text format of Prometheus. A histogram's series end in "
        "`_bucket`, `_sum` and `_count`. Labels are enums, never ids.",
        _table(("metric", "type", "labels", "counts"), rows),
    )


def states_page() -> str:
    """The state diagrams, from the transition tables that the ledger and the timeline go by."""
    return _page(
        "States",
        "What each state means is in [concepts](../concepts.md#states).",
        "## Of a notification",
        "Each decision about it, or about one of its channels that waits alone, is one step. `routed` is where its "
        "deliveries begin.",
        _diagram(NOTIFICATION_TRANSITIONS, NotificationState.ACCEPTED),
        "## Of a delivery",
        "What is retried, parked or stale is decided again, and is then claimed or ends. A redrive begins anew from "
        "every end, one generation on.",
        _diagram(TRANSITIONS, DeliveryState.CLAIMED),
        "## Of a delivery that was sent",
        "What its provider tells, in whatever order: only ever up. The next generation begins without any of it.",
        _diagram({**RECEIPT_TRANSITIONS}, DeliveryState.SENT),
    )


def shipped_page() -> str:
    """A picture of each shipped workflow, as `carillon catalog draw` draws it."""
    pictures = [
        f"## {workflow.key}\n\n```mermaid\n{mermaid(workflow)}```"
        for workflow in read_folder(FOLDER.parents[1] / "catalog")
    ]
    return _page(
        "Shipped workflows",
        "What is in `catalog/`, drawn by `carillon catalog draw`; what the fields mean is in [workflows](../workflows.md).",
        *pictures,
    )


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "settings.md": settings_page,
    "reasons.md": reasons_page,
    "topics.md": topics_page,
    "access.md": access_page,
    "metrics.md": metrics_page,
    "states.md": states_page,
    "shipped.md": shipped_page,
}


def main() -> None:
    """Write all pages."""
    FOLDER.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page())


def _page(title: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", MARK, *parts]) + "\n"


State = TypeVar("State", bound=StrEnum)


def _diagram(transitions: Mapping[State, Collection[State]], first: State) -> str:
    """A Mermaid state diagram: ends lead to the final mark; a state that is taken over by itself is left out."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {first}"]
    for state, following in transitions.items():
        lines += [f"    {state} --> {one}" for one in transitions if one in following and one is not state]
    lines += [f"    {state} --> [*]" for state, following in transitions.items() if not following]
    return "\n".join([*lines, "```"])


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


def _others(fields: Mapping[str, FieldInfo]) -> dict[str, str]:
    options = {name: text for name, text in option_variables().items() if name not in fields}
    return dict(sorted(options.items())) | OTHERS


def _meaning(field: FieldInfo) -> str:
    kinds = (field.annotation, *get_args(field.annotation))
    return f"{field.description}; a secret" if SecretStr in kinds else str(field.description)


def _default(field: FieldInfo) -> str:
    value = field.default
    if field.is_required():
        return "**required**"
    if isinstance(value, tuple):
        value = ",".join(map(str, value))
    if isinstance(value, bool):
        value = str(value).lower()
    return "none" if value in {None, ""} else f"`{value}`"


if __name__ == "__main__":
    main()
