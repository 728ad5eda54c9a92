"""What an unpublished workflow would do with an event: expanded, decided and rendered by the services' own functions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec
import orjson

from services.delivery.channels.previewing import previewed
from services.delivery.rendering.liquid import RenderFailed
from services.router.core.event_data import EventData
from services.router.core.parts import EventPart, expand_parts
from services.router.core.received_event import ReceivedEvent
from shared.deciding.foresight import foresee, foreseen_sentences, known_user, shown_items
from shared.deciding.instead import instead
from shared.deciding.items import Deliver
from shared.deciding.routing_input import RoutingInput
from shared.model import ids
from shared.model.channels import ADDRESS_KINDS
from shared.model.deliveries import Delivery
from shared.model.errors import Invalid
from shared.model.event_codecs import from_structured
from shared.model.events import Event
from shared.model.expansion import Request, expand
from shared.model.notifications import Contact, Notification
from shared.model.outputs import KafkaRecord
from shared.model.profiles import Profile
from shared.model.recipients import recipient
from shared.model.step_order import walk
from shared.model.steps import ChannelStep
from shared.model.strict_json import loads
from shared.model.timestamps import rfc3339
from shared.model.workflows import Workflow


class Expanded(NamedTuple):
    """The notifications of an event, or why there are none."""

    notifications: Sequence[Notification]
    part: EventPart | None
    """None: the recipients were given by hand."""


def read_event(raw: bytes, workflow: Workflow) -> Event:
    """The event of a file: a CloudEvent in JSON, or the data alone, as of the first type that starts the workflow.

    Raises Invalid.
    """
    value = loads(raw)
    if isinstance(value, dict) and "specversion" in value:
        return from_structured(raw)
    if not isinstance(value, dict):
        raise Invalid("invalid_event", "an event, or its data, is a JSON object")
    started_by = workflow.on[0].removesuffix(".*") if workflow.on else "carillon.api.notification"
    attributes = {"specversion": "1.0", "id": uuid4().hex, "source": "/catalog-try", "type": started_by}
    return Event(attributes=attributes, data=orjson.dumps(value))


def expanded(event: Event, workflow: Workflow, people: Sequence[Any], *, tenant: str, now: int) -> Expanded:
    """For `people` (user ids, or inline people), or whom the event names. `now` in milliseconds since the epoch.

    Raises Invalid for what is no recipient.
    """
    event_id = ids.event_id(tenant, event.source, event.id, test=event.is_test)
    if people:
        request = Request(
            tenant=tenant,
            event_id=event_id,
            event_type=event.type,
            source=event.source,
            recipients=tuple(recipient(each, "") for each in people),
            data=_seen(event.data, workflow),
            accepted_at=now,
        )
        return Expanded(expand(request, workflow), None)
    record = KafkaRecord(topic="", partition=0, offset=0, key=None, value=None, headers=(), timestamp=now)
    received = ReceivedEvent(record=record, id=event_id, tenant=tenant, event=event, accepted_at=now)
    (part,) = expand_parts(received, [workflow])
    return Expanded(part.notifications, part)


def _seen(data: bytes, workflow: Workflow) -> bytes:
    """What recipients see of an event's data, whoever they are: not whom else it names."""
    path = workflow.recipients
    return EventData(data, [path]).seen_by(path) if isinstance(path, str) else data


def assumed(notifications: Sequence[Notification], workflow: Workflow, now: int) -> list[RoutingInput]:
    """Without a database: every user is reached everywhere, and has chosen nothing."""
    return [
        RoutingInput(
            notification=one,
            workflow=workflow,
            profile=None if one.contact is not None else _reached_everywhere(one),
            cancel_count=0,
            now=now,
        )
        for one in notifications
    ]


def _reached_everywhere(one: Notification) -> Profile:
    addresses = {"email": "user@example.com", "webhook": "https://example.com/hook", "phone": "+4930123456"}
    return Profile(
        tenant=one.tenant, user=one.user, addresses={name: addresses.get(name, "somewhere") for name in ADDRESS_KINDS}
    )


def others(inputs: Sequence[RoutingInput]) -> list[Notification]:
    """Those of the users whom inline people turned out to be."""
    found = ((each, known_user(foresee(each))) for each in inputs)
    return [instead(each.notification, item) for each, item in found if item is not None]


def rehearsed(inputs: RoutingInput, locales: Sequence[str] = ()) -> dict[str, Any]:
    """What one recipient would get: the items, sentences, and each message with its rendered parts.

    In each of `locales`; in the recipient's own without any.
    """
    stages = foresee(inputs)
    goes = [(stage.at, item) for stage in stages for item in stage.items if isinstance(item, Deliver)]
    messages = [message(inputs, item, at, locale) for at, item in goes for locale in locales or (item.locale,)]
    return {
        "user": inputs.notification.user,
        "items": shown_items(stages),
        "sentences": msgspec.to_builtins(foreseen_sentences(stages)),
        "messages": messages,
    }


class Shown(NamedTuple):
    """Which previews: of all channels and variants where none are named; in the recipient's own locale where none is."""

    channels: Sequence[str] = ()
    locales: Sequence[str] = ()
    variants: Sequence[str] = ()
    zone: str | None = None


def previews(inputs: RoutingInput, shown: Shown) -> list[dict[str, Any]]:
    """Every message that the workflow may send, whether its rules would let it go or not."""
    about, workflow = inputs.notification, inputs.workflow
    if workflow is None:
        return []
    everywhere = _reached_everywhere(about)
    contact, profile = about.contact or Contact(), inputs.profile or everywhere
    addresses = everywhere.addresses | profile.addresses | contact.addresses
    locales: Sequence[str | None] = shown.locales or (contact.locale or profile.locale,)
    variants: Sequence[str | None] = shown.variants or [each.key for each in workflow.variants] or [None]
    steps = [step for _, step in walk(workflow.steps) if isinstance(step, ChannelStep)]
    found = []
    for step, channel in [(one, each) for one in steps for each in one.channels]:
        if shown.channels and channel not in shown.channels:
            continue
        kind, says = channel.spec.address, channel.spec.template is not None
        for variant, locale in product(variants, locales) if says else [(None, None)]:
            item = Deliver(
                channel=channel,
                step=step.key,
                address=addresses.get(kind.name, "somewhere") if kind else about.user,
                name=contact.name or profile.name,
                zone=shown.zone or contact.zone or profile.zone,
                variant=variant,
            )
            found.append(message(inputs, item, inputs.now, locale))
    return found


def message(inputs: RoutingInput, item: Deliver, at: int, locale: str | None) -> dict[str, Any]:
    """One message: `parts` as they would be sent, or the `error` that would make it a dead letter."""
    about, workflow = inputs.notification, inputs.workflow
    delivery = Delivery(
        id=ids.delivery_id(about.id, item.step, item.channel, "default"),
        channel=item.channel,
        step=item.step,
        address=item.address,
        name=item.name,
        locale=locale,
        zone=item.zone,
        notification=about,
        decided_at=at,
        variant=item.variant,
    )
    found: dict[str, Any] = {"channel": item.channel, "step": item.step, "at": rfc3339(at)}
    found |= {name: value for name, value in (("locale", locale), ("variant", item.variant)) if value}
    try:
        return found | {"parts": dict(previewed(delivery, workflow, inputs.tenant))}
    except RenderFailed as error:
        return found | {"error": str(error)}
