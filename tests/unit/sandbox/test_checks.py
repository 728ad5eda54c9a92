from __future__ import annotations

import pytest

from carillon.cli.screen import uptime_text
from sandbox.artifacts import parse_java_version
from sandbox.checks import memory, node, port, python
from sandbox.progress import Progress, StartFailed, StepBegun, StepDone, Up, decode, encode


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "25" 2025-09-16', 25),
        ('java version "1.8.0_392"', 8),
        ("Error: no such thing", 0),
    ],
)
def test_java_versions(said: str, version: int) -> None:
    assert parse_java_version(said) == version


@pytest.mark.parametrize(("version", "good"), [((3, 10), False), ((3, 11), True), ((3, 14), True)])
def test_python_versions(version: tuple[int, int], good: bool) -> None:
    finding = python(version, "as seen")

    assert (finding.good, finding.seen) == (good, "as seen")
    assert "apt-get install" in finding.fix


@pytest.mark.parametrize(
    ("said", "good"), [("v20.20.2", True), ("v24.1.0", True), ("v18.19.0", False), ("", False), ("?", False)]
)
def test_node_is_named_where_it_is_missing_and_stops_no_stack(said: str, good: bool) -> None:
    finding = node(said)

    assert (finding.good, finding.needed) == (good, False)
    assert "make web" in finding.fix


def test_too_little_memory_is_named() -> None:
    finding = memory("MemTotal: 4000000 kB\nMemAvailable:     1048576 kB\n", runs=False)

    assert (finding.good, finding.seen) == (False, "1.0 GiB available")


def test_a_running_stack_has_its_memory_already() -> None:
    assert memory("MemAvailable: 1000 kB\n", runs=True).good


def test_enough_memory() -> None:
    assert memory("MemAvailable: 1572864 kB\n", runs=False).good


def test_a_taken_port_says_how_to_find_its_holder_and_how_to_avoid_it() -> None:
    finding = port("ingest", 8080, free=False)

    assert not finding.good
    assert "ss -ltnp 'sport = :8080'" in finding.fix
    assert "PORT_OFFSET=1000" in finding.fix


@pytest.mark.parametrize(
    "progress",
    [
        StepBegun(begun="Kafka"),
        StepDone(done="Kafka", seconds=2.5),
        StartFailed(failed="x", why="y\nz"),
        Up(up_after=9.0),
    ],
)
def test_progress_is_read_back_as_it_was_told(progress: Progress) -> None:
    line = encode(progress)

    assert line.count("\n") == 1
    assert decode(line) == progress


@pytest.mark.parametrize("line", ["", "Traceback (most recent call last):", "[]", "1", '{"begun": "a", "more": 1}'])
def test_other_lines_are_no_progress(line: str) -> None:
    assert decode(line) is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (7500, "2 h 5 min")]
)
def test_uptimes(seconds: int, text: str) -> None:
    assert uptime_text(seconds) == text
