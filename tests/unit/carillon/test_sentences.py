"""The answers of why, why-not and the dry run as text."""

from __future__ import annotations

from typing import Any

import msgspec

from carillon.cli.sentences import dry_run_lines, why_lines, why_not_lines
from services.console.api.example import WHY
from services.ingest.models.body import example
from services.ingest.models.dry_runs import DryRunAnswer


def text_of(lines: Any) -> str:
    return "\n".join(line.plain for line in lines)


def told(**changes: Any) -> str:
    return text_of(why_lines(msgspec.to_builtins(msgspec.structs.replace(WHY, **changes))))


def test_why_tells_what_happened_what_it_waits_for_and_what_is_to_be_done() -> None:
    text = told(next_steps=["PATCH /v1/users/ada with the address"])
    order = ["order.shipped v1 for ada   open", "+0 ms  It was accepted", "+19 ms  It goes by in_app.", "+59 ms  It was sent",
             "Now", "By email it waits for the end of quiet hours: 2026-01-06T07:00:00.000Z.", "Next: PATCH"]  # fmt: skip
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert "carillon status" not in text


def test_what_nobody_decided_says_where_to_look() -> None:
    assert "is the router running?" in told(sentences=WHY.sentences[:1])


def test_what_is_left_out_is_said() -> None:
    assert "older sentences are left out" in told(complete=False)
    assert "left out" not in told()


def test_why_not_tells_the_event_the_user_and_what_is_to_be_done() -> None:
    sentences = [{"text": "It notified nobody.", "reason": "no_workflow"}]
    found = {"event": "e1", "user": "ana", "sentences": sentences, "next_steps": ["publish one"]}
    assert text_of(why_not_lines(found)).split("\n")[0] == "event e1 and ana"
    assert text_of(why_not_lines(found)).endswith("It notified nobody.\nNext: publish one")


def test_a_dry_run_says_that_it_is_one_and_whom_it_is_about() -> None:
    found = example(DryRunAnswer) | {"audience": "the subscribers of news"}
    text = text_of(dry_run_lines(found))
    assert text.startswith("chat.new_message v3   nothing was sent: a dry run\nthe subscribers of news")
    assert "ada\n2026-01-05T12:00:00.000Z  It goes by in_app." in text
