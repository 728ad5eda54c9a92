"""Buttons of inbox items: in the message's language, their links checked, carried to rows, API and sockets."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest

from carillon.cli.templates import template_faults
from services.delivery.channels.in_app.render import render_item
from services.gateway.inbox.responses import InboxNotification, page
from services.gateway.inbox.store import InboxPage, ItemCounts
from shared.model import inbox
from shared.model.channel_templates import Templates
from shared.model.inbox import Change, InboxButton, InboxEvent, item_state
from shared.model.templates import InAppButton, InAppTemplate
from shared.model.workflows import parse
from shared.mongo.inbox_rows import WITHOUT_CONTENT, from_row, state_of_row, to_row
from tests.support import samples as a

JOIN = InAppButton(label={"en": "Join {{ data.team }}", "de": "{{ data.team }} beitreten"}, action="team.join")
LOOK = InAppButton(label={"en": "Look", "de": "Ansehen"}, url="/teams/{{ data.team | path_encode }}")


def buttons(*given: InAppButton, data: Any = None, locale: str | None = None) -> tuple[InboxButton, ...]:
    template = InAppTemplate(title={"en": "Hi", "de": "Hallo"}, buttons=given)
    raw = orjson.dumps({"team": "A/B"} if data is None else data)
    delivery = a.delivery(channel="in_app", notification=a.notification(data=msgspec.Raw(raw)), locale=locale)
    return render_item(delivery, a.workflow(templates=Templates(in_app=template)), 7, a.NOON).buttons


def test_in_the_language_of_the_message() -> None:
    assert buttons(JOIN, LOOK, locale="de-AT") == (
        InboxButton(label="A/B beitreten", action="team.join"),
        InboxButton(label="Ansehen", url="/teams/A%2FB"),
    )
    assert buttons(JOIN)[0].label == "Join A/B"


@pytest.mark.parametrize(
    ("given", "data"),
    [
        (InAppButton(label="x", url="{{ data.url }}"), {"url": "javascript:alert(1)"}),
        (InAppButton(label="x", url="{{ data.url }}"), {"url": ""}),
        (InAppButton(label="{{ data.label }}", action="x"), {"label": " \n\x00"}),
    ],
)
def test_one_that_may_not_be_followed_or_says_nothing_is_left_out(given: InAppButton, data: Any) -> None:
    assert buttons(given, InAppButton(label="y", action="y"), data=data) == (InboxButton(label="y", action="y"),)


def test_a_label_is_one_line() -> None:
    assert buttons(InAppButton(label="a\n\r b\u2028c", action="x"))[0].label == "a b c"


def test_rows_the_log_the_api_and_sockets_carry_them() -> None:
    given = (InboxButton(label="Join", action="team.join"), InboxButton(label="Look", url="/x"))
    item = inbox.InboxItem(id=a.ID, workflow="w", offset=7, created_at=a.NOON, title="T", buttons=given)
    row = to_row(item, delivery="d", tenant="t", user="u")
    assert from_row(row).buttons == given
    assert state_of_row({name: value for name, value in row.items() if name not in WITHOUT_CONTENT}).buttons == ()
    assert item_state(item).buttons == ()
    (told,) = inbox.decode(inbox.encode(InboxEvent(change=Change.CREATED, items=(item,), at=a.NOON))).items
    assert told.buttons == given
    as_of = type("AsOf", (), {"_asdict": lambda self: {"offset": 7, "at": 1}})()
    answer = orjson.loads(
        page(InboxPage(items=[item], counts=ItemCounts(1, 1, 1), more=False, as_of=as_of), "u", a.NOON)
    )["notifications"][0]
    assert answer["buttons"] == [{"label": "Join", "action": "team.join"}, {"label": "Look", "url": "/x"}]
    assert InboxNotification.model_validate(answer).buttons[0].action == "team.join"


def test_what_has_none_grows_by_nothing() -> None:
    item = inbox.InboxItem(id=a.ID, workflow="w", offset=7, created_at=a.NOON)
    assert "buttons" not in to_row(item, delivery="d", tenant="t", user="u")
    assert b"buttons" not in inbox.encode(InboxEvent(change=Change.CREATED, items=(item,), at=a.NOON))


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ([{"label": "x", "action": "order.confirm"}, {"label": {"en": "y"}, "url": "/{{ data.x }}"}], []),
        ([{"label": "x", "action": "a"}] * 4, ["/buttons"]),
        ([{"label": "x"}], ["/buttons/0"]),
        ([{"label": "x", "url": "/", "action": "a"}], ["/buttons/0"]),
        ([{"label": "x", "action": "a b"}], ["/buttons/0/action"]),
        ([{"label": "{{ dat.x }}", "action": "a"}], ["/buttons/0/label"]),
        ([{"label": "x", "url": "{{ data.x | upcas }}"}], ["/buttons/0/url"]),
        ([{"label": {"en_US": "x"}, "action": "a"}], ["/buttons/0/label/en_US"]),
    ],
)
def test_they_are_checked_before_they_are_published(given: Any, found: list[str]) -> None:
    workflow = parse(
        {"key": "a", "category": "c", "steps": [{"key": "x", "channels": ["in_app"]}],
         "templates": {"in_app": {"title": "t", "buttons": given}}}
    )  # fmt: skip
    assert [fault.pointer for fault in template_faults(workflow)] == [f"/templates/in_app{place}" for place in found]


def test_only_a_workflow_that_has_some_needs_a_newer_reader() -> None:
    plain, newer = (InAppTemplate(title="t", buttons=given) for given in ((), (JOIN,)))
    assert a.workflow(templates=Templates(in_app=plain)).format == 1
    assert a.workflow(templates=Templates(in_app=newer)).format == 2
