"""Code, metrics, logs and the command line use the field's words, and one name means one thing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from carillon.cli import app
from tests.unit.house import names
from tests.unit.house.names import Found, tokens

PET_WORDS = {
    "arrival arrivals arrive arrived arrives": "received",
    "away": "unavailable",
    "came": "received",
    "company": "linger",
    "door": "decide",
    "fate fates": "outcome of a try, result of a delivery",
    "following told": "effects",
    "groundwork": "provisioning",
    "knock silent": "cool-down",
    "let go": "revoke, drain",
    "patiently": "retry_until_available",
    "poison refused": "unreadable record; rejected",
    "question": "RoutingInput",
    "standing": "channel state",
    "story stories": "timeline",
    "the log": "Kafka",
    "the memory": "MongoDB",
    "traits": "ChannelSpec",
    "verdict verdicts": "rule result",
    "window windows": "in flight",
}
"""Words to the one to use instead."""
PHRASES = frozenset({"let go", "the log", "the memory"})
"""Keys that mean it only as a whole; the others are lists of words."""

EXCEPTIONS = {
    ("window", "quiet"): "a range of quiet hours, as the API has it: quiet_hours.windows",
    ("windows", "quiet"): "as above",
    ("windows", "crash_windows"): "killed between claim and record: the usual name of it, and of its metric",
}
"""(word, where it means something else: part of the file, class, function or text) to what it means there."""


def pet_words(text: str) -> Iterator[tuple[str, str]]:
    """The pet words in a text, each with the word to use instead."""
    whole = f" {' '.join(tokens(text))} "
    for words, instead in PET_WORDS.items():
        for word in [words] if words in PHRASES else words.split():
            if f" {word} " in whole:
                yield word, instead


def exceptions(found: Found, word: str) -> list[tuple[str, str]]:
    """The exceptions that allow the word in this place."""
    place = f"{found.where} {found.of} {found.text}".lower()
    return [(excepted, part) for excepted, part in EXCEPTIONS if excepted == word and part in place]


def wrong(found: Iterable[Found]) -> list[str]:
    return [
        f"{one} says {word!r}; the word is: {instead}"
        for one in found
        for word, instead in pet_words(one.text)
        if not exceptions(one, word)
    ]


def help_texts(command: Any, path: str = "carillon") -> Iterator[Found]:
    """The name, help and parameters' helps of a command and of those below it."""
    for text in (command.name, command.help, command.short_help):
        yield Found(f"{path} --help", text or "")
    for parameter in command.params:
        for text in (parameter.name, getattr(parameter, "help", None), getattr(parameter, "metavar", None)):
            yield Found(f"{path} --help", text or "")
    if isinstance(command, TyperGroup):
        for name, each in command.commands.items():
            yield from help_texts(each, f"{path} {name}")


def test_no_metric_has_a_pet_word():
    found = list(names.metric_texts())
    assert len(found) > 40, "it has read the metrics"
    assert not (pet := wrong(found)), "\n".join(pet)


def test_no_help_of_a_command_has_a_pet_word():
    found = list(help_texts(get_command(app)))
    assert {"carillon why --help", "carillon catalog push --help"} <= {one.where for one in found}
    assert not (pet := wrong(found)), "\n".join(pet)


def test_no_public_name_has_a_pet_word():
    found = list(names.public_names())
    assert len(found) > 1_000, "it has read the packages"
    assert not (pet := wrong(found)), "\n".join(pet)


def test_no_log_line_has_a_pet_word():
    found = list(names.log_texts())
    assert len(found) > 40, "it has read the log lines"
    assert not (pet := wrong(found)), "\n".join(pet)


def test_no_public_name_of_a_type_stands_twice():
    places: dict[str, list[str]] = defaultdict(list)
    aliases = list(names.public_aliases())
    assert {"Rows", "Outcome", "Act"} <= {found.text for found in aliases}, "it has read the aliases"
    for found in (*names.public_classes(), *aliases):
        places[found.text].append(found.where)
    twice = {name: ", ".join(where) for name, where in places.items() if len(where) > 1}
    assert twice == {}


def test_every_exception_is_needed():
    """One that nothing uses any more would let the word back in."""
    everything = [*names.public_names(), *names.metric_texts(), *names.log_texts()]
    used = {key for one in everything for word, _ in pet_words(one.text) for key in exceptions(one, word)}
    assert set(EXCEPTIONS) - used == set()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("KafkaAway", ["away"]),
        ("kafka_away", ["away"]),
        ("let_go", ["let go"]),
        ("Outcomes of the door, one per channel", ["door"]),
        ("the log of what HTTPCame", ["came", "the log"]),
        ("letter_gone", []),
        ("indoor", []),
        ("log", []),
    ],
)
def test_words_are_found_in_names_and_texts(text, words):
    assert [word for word, _ in pet_words(text)] == words
