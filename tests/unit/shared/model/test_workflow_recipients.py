"""Audiences of a workflow: what is one, and the topic that an event names."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model.data_paths import value_at
from shared.model.errors import Invalid, InvalidWorkflow
from shared.model.workflow_recipients import (
    MAX_TOPIC,
    RECIPIENTS_PATH,
    Audience,
    Everybody,
    check_audience,
    is_topic,
    topic_of,
)

DATA = {"project": "p-1", "number": 7, "yes": True, "empty": "", "list": [1], "deep": {"er": "x y"}}


@pytest.mark.parametrize("path", ["data.to", "data.members[*].id", "data.teams[*].members[*].id", "data.ids[*]"])
def test_a_path_to_recipients(path: str) -> None:
    assert RECIPIENTS_PATH.fullmatch(path)


@pytest.mark.parametrize(
    "path", ["data", "to", "data[*]", "data.to[0]", "data.to[*", "data.*", "data.to[*][*]", "data.a b"]
)
def test_what_is_no_path(path: str) -> None:
    assert not RECIPIENTS_PATH.fullmatch(path)


@pytest.mark.parametrize(
    "audience",
    [
        Audience(topic="news"),
        Audience(topic="project:{data.project.id}"),
        Audience(users=Everybody.ALL),
        Audience(users=Everybody.ALL, where={"profile.locale": ["de", "en"]}),
        Audience(users=Everybody.ALL, where={"profile.addresses": {"contains": "email"}}),
        Audience(users=Everybody.ALL, where={"profile.addresses.email": {"exists": True}}),
    ],
)
def test_an_audience(audience: Audience) -> None:
    check_audience(audience)


@pytest.mark.parametrize(
    ("audience", "pointer"),
    [
        (Audience(), "/recipients"),
        (Audience(topic="news", users=Everybody.ALL), "/recipients"),
        (Audience(topic=""), "/recipients/topic"),
        (Audience(topic="{data}"), "/recipients/topic"),
        (Audience(topic="{project}"), "/recipients/topic"),
        (Audience(topic="a{data.x"), "/recipients/topic"),
        (Audience(topic="a:{data.posts[0].id}"), "/recipients/topic"),
        (Audience(topic="x" * (MAX_TOPIC + 1)), "/recipients/topic"),
        (Audience(topic="a\n"), "/recipients/topic"),
        (Audience(users=Everybody.ALL, where={"data.x": 1}), "/recipients/where/data.x"),
        (Audience(users=Everybody.ALL, where={}), "/recipients/where"),
        (Audience(users=Everybody.ALL, where={"profile.plan": "pro"}), "/recipients/where/profile.plan"),
        (Audience(topic="a", where={"not": {"profile.locale.x": "de"}}), "/recipients/where/profile.locale.x"),
        (Audience(topic="a", where={"profile.addresses": "email"}), "/recipients/where/profile.addresses"),
        (Audience(topic="a", where={"profile.addresses": {"ne": "email"}}), "/recipients/where/profile.addresses"),
        (Audience(topic="a", where={"profile.addresses": {"contains": "mail"}}), "/recipients/where/profile.addresses"),
        (Audience(topic="a", where={"profile": {"exists": True}}), "/recipients/where/profile"),
    ],
)
def test_what_is_none_is_pointed_at(audience: Audience, pointer: str) -> None:
    with pytest.raises(InvalidWorkflow) as refused:
        check_audience(audience)
    assert refused.value.pointer == pointer


@pytest.mark.parametrize(
    ("template", "topic"),
    [("news", "news"), ("p:{data.project}", "p:p-1"), ("{data.number}/{data.deep.er}", "7/x y")],
)
def test_the_topic_that_an_event_names(template: str, topic: str) -> None:
    assert topic_of(template, lambda path: value_at(DATA, path)) == topic


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("p:{data.missing}", "no_recipients"),
        ("p:{data.yes}", "no_recipients"),
        ("p:{data.empty}", "no_recipients"),
        ("p:{data.list}", "no_recipients"),
        ("p:{data.long}", "invalid_topic"),
        ("p:{data.line}", "invalid_topic"),
    ],
)
def test_an_event_that_names_none_is_refused(template: str, code: str) -> None:
    found = DATA | {"long": "x" * MAX_TOPIC, "line": "a\nb"}
    with pytest.raises(Invalid) as refused:
        topic_of(template, lambda path: value_at(found, path))
    assert refused.value.code == code


@pytest.mark.parametrize("name", [None, 7, "", "a\x00", ["a"]])
def test_what_is_no_topic(name: Any) -> None:
    assert not is_topic(name)
