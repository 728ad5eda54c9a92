"""What of its data an inbox item has: what its template names, as it was written."""

from __future__ import annotations

import msgspec
import pytest

from services.delivery.channels.in_app.chosen_data import chosen
from services.delivery.channels.in_app.render import render_item
from shared.model.channel_templates import Templates
from shared.model.errors import InvalidWorkflow
from shared.model.templates import MAX_MEMBERS, InAppTemplate
from shared.model.texts import parts_of
from shared.model.workflow_checks import workflow_faults
from tests.support import samples as a

DATA = msgspec.Raw(b'{"order": {"id": 12345678901234567890, "total": 1.10}, "notes": null, "secret": "s", "list": [1]}')


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        (None, DATA),
        ({}, b"{}"),
        ({"id": "data.order.id", "total": "data.order.total"}, b'{"id":12345678901234567890,"total":1.10}'),
        ({"order": "data.order"}, b'{"order":{"id": 12345678901234567890, "total": 1.10}}'),
        ({"notes": "data.notes", "more": "data.more"}, b'{"notes":null,"more":null}'),
        ({"a": "data.list.id", "b": "data.secret.x.y", "c": "data.notes.x"}, b'{"a":null,"b":null,"c":null}'),
    ],
)
def test_what_stands_at_the_paths(paths: dict[str, str] | None, found: bytes) -> None:
    assert bytes(chosen(DATA, paths)) == bytes(found)


def test_data_that_is_no_object_has_nothing() -> None:
    assert bytes(chosen(msgspec.Raw(b"[1]"), {"a": "data.a"})) == b'{"a":null}'


def test_texts_see_all_of_the_data_and_clients_what_is_chosen() -> None:
    template = InAppTemplate(title="{{ data.secret }}", data={"id": "data.order.id"})
    delivery = a.delivery(channel="in_app", notification=a.notification(data=DATA))
    item = render_item(delivery, a.workflow(templates=Templates(in_app=template)), 7, a.NOON)
    assert item.title == "s"
    assert bytes(item.data) == b'{"id":12345678901234567890}'


def faults(data: dict[str, str]) -> list[InvalidWorkflow]:
    return list(workflow_faults(a.workflow(templates=Templates(in_app=InAppTemplate(title="t", data=data)))))


@pytest.mark.parametrize(
    ("data", "pointers"),
    [
        ({"a": "data.a", "b-2": "data.b.c"}, []),
        ({"a": "a", "b": "data", "c": "data.list[*].id", "d": "{{ data.d }}"}, ["a", "b", "c", "d"]),
        ({"a.b": "data.a", "": "data.a", "$x": "data.a", "y" * 65: "data.a"}, ["a.b", "", "$x", "y" * 65]),
    ],
)
def test_names_and_paths_are_checked(data: dict[str, str], pointers: list[str]) -> None:
    found = [fault.pointer for fault in faults(data) if "/data" in (fault.pointer or "")]
    assert found == [f"/templates/in_app/data/{each}".rstrip("/") for each in pointers]


def test_there_is_a_bound_of_members() -> None:
    many = {f"m{number}": "data.a" for number in range(MAX_MEMBERS + 1)}
    assert "/templates/in_app/data" in [fault.pointer for fault in faults(many)]


def test_paths_are_no_texts_and_need_a_newer_reader() -> None:
    template = InAppTemplate(title="t", data={"en": "data.a"})
    assert "data" not in dict(parts_of(template))
    assert a.workflow(templates=Templates(in_app=template)).format == 2
