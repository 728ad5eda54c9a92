"""The pure parts of the page to try a stack on: what it offers, what it shows."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from carillon.cli.templates import sources
from sandbox.playground.offers import offers, read_examples
from sandbox.playground.page_files import FOLDER, policy
from sandbox.playground.phones import owners, read_people
from sandbox.playground.rule_words import RULE_WORDS, rule_words
from sandbox.playground.shown import shown_notification
from sandbox.provisioning import CATALOG
from services.console.api.example import TIMELINE, WHY
from services.delivery.rendering.liquid import context, render
from shared.catalog.files import read_folder
from shared.model.channels import Channel
from shared.model.rules import Rule
from tests.support import samples as a

SHOWN = shown_notification(msgspec.to_builtins(TIMELINE), msgspec.to_builtins(WHY))


def test_every_workflow_that_reaches_an_inbox_is_offered_with_an_example() -> None:
    found = offers(read_folder(CATALOG), read_examples())
    assert [offer.key for offer in found] == sorted(read_examples())
    assert all(Channel.IN_APP in offer.channels and offer.example for offer in found)
    [critical] = [offer.key for offer in found if offer.critical]
    assert critical == "payment.failed"


@pytest.mark.parametrize("key", sorted(read_examples()))
def test_an_example_fills_every_text(key: str) -> None:
    [workflow] = [one for one in read_folder(CATALOG) if one.key == key]
    values = context(a.delivery()) | {"data": read_examples()[key]}
    rendered = [render(source, None, values) for _, source in sources(workflow)]
    assert rendered
    assert all("{{" not in text for text in rendered)


def test_what_is_no_example_or_reaches_no_inbox() -> None:
    [workflow] = [one for one in read_folder(CATALOG) if one.key == "order.shipped"]
    assert offers([workflow], {})[0].example == {}
    assert offers([msgspec.structs.replace(workflow, active=False)], {}) == []
    [step] = workflow.steps
    mail_only = msgspec.structs.replace(workflow, steps=(msgspec.structs.replace(step, channels=(Channel.EMAIL,)),))
    assert offers([mail_only], {}) == []


def test_every_rule_has_its_words() -> None:
    assert set(RULE_WORDS) == set(Rule)
    assert len(set(RULE_WORDS.values())) == len(Rule)
    assert rule_words("a_newer_rule") == "a newer rule"


def test_a_notification_is_shown_with_channels_sentences_and_every_rule() -> None:
    assert (SHOWN.id, SHOWN.state) == (TIMELINE.notification, "open")
    email, in_app = SHOWN.channels
    assert (in_app.channel, in_app.state, in_app.until) == ("in_app", "sent", None)
    assert (email.channel, email.state, email.until) == ("email", "held", "2026-01-06T07:00:00.000Z")
    assert email.because == "it waits for the end of the user's quiet hours"
    assert [sentence.text for sentence in SHOWN.sentences] == [sentence.text for sentence in WHY.sentences]
    [decision] = SHOWN.decisions
    assert decision.title == "Decided"
    whole, channel = decision.groups
    assert (whole.about, [(rule.words, rule.result) for rule in whole.rules]) == (
        "all of it",
        [("its workflow is there and active", "passed")],
    )
    [rule] = channel.rules
    assert (channel.about, rule.result, rule.until) == ("email", "held", "2026-01-06T07:00:00.000Z")
    assert rule.because == email.because


def test_attempts_and_decisions_of_a_newer_version_are_shown() -> None:
    timeline = msgspec.to_builtins(TIMELINE)
    timeline["deliveries"][0]["log"] = [
        {"at": "2026-01-05T23:11:12.190Z", "account": "email/smtp", "outcome": "sent", "latency_ms": 12}
    ]
    timeline["decisions"][0] |= {"kind": "reconsidered", "rules": [{"rule": "mood", "result": "unknown", "step": "s"}]}
    found = shown_notification(timeline, msgspec.to_builtins(WHY))
    assert [(one.account, one.outcome, one.latency_ms) for one in found.attempts] == [("email/smtp", "sent", 12)]
    assert found.decisions[0].title == "Decided: reconsidered"
    [group] = found.decisions[0].groups
    assert (group.about, group.rules[0].words) == ("the step s", "mood")


def test_there_are_two_phones_and_the_sink_is_where_it_is() -> None:
    people = read_people("http://127.0.0.1:1", 0)
    assert [owner.id for owner in owners(people)] == ["ada", "grace"]
    assert people["grace"]["addresses"]["webhook"] == "http://127.0.0.1:1/hooks/grace"


def test_the_policy_names_this_stack_alone() -> None:
    found = policy(gateway="http://127.0.0.1:1", sockets="ws://127.0.0.1:2")
    assert "script-src 'self' http://127.0.0.1:1;" in found
    assert "connect-src 'self' http://127.0.0.1:1 ws://127.0.0.1:2;" in found
    assert "unsafe" not in found
    assert "*" not in found


@pytest.mark.parametrize("file", sorted(FOLDER.iterdir()), ids=lambda file: file.name)
def test_nothing_of_the_page_comes_from_elsewhere_or_stands_in_line(file: Path) -> None:
    text = file.read_text()
    assert not re.search(r"(?:https?:)?//[a-z0-9-]+\.", text)
    if file.suffix == ".html":
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text)
