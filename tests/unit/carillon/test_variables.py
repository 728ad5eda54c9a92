"""Which CARILLON_* variables are known, and what is said of those that are not."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from carillon.cli.variables import OTHERS, known_variables, option_variables, settings_sections, unknown_variables

ROOT = Path(__file__).parents[3]
SPELLED = re.compile(r"\bCARILLON_[A-Z_]*[A-Z]\b")
TEXT = {".py", ".md", ".yml", ".yaml", ".env", ".toml", ""}


def files() -> list[Path]:
    """What the project consists of, but for the unit tests: they make names up."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [Path(name) for name in listed.split("\0") if name and not name.startswith("tests/unit/")]
    return [ROOT / path for path in paths if path.suffix in TEXT and (ROOT / path).is_file()]


def test_every_variable_that_the_project_names_is_known() -> None:
    named = {name for path in files() for name in SPELLED.findall(path.read_text())}
    assert len(named) > 30
    assert named <= known_variables()


def test_services_channels_and_the_sink_have_sections() -> None:
    readers = settings_sections().keys()
    assert {path.parent.name for path in (ROOT / "services").glob("*/settings.py")} < readers
    channels = (ROOT / "services/delivery/channels").glob("*/settings.py")
    assert {f"delivery ({path.parent.name})" for path in channels} < readers
    assert "sink" in readers


def test_options_of_commands_and_others_are_known() -> None:
    assert {"CARILLON_URL", "CARILLON_API_KEY", "CARILLON_STATE"} <= option_variables().keys()
    assert {*option_variables(), *OTHERS} <= known_variables()


@pytest.mark.parametrize(
    ("given", "nearest"),
    [
        ("CARILLON_SMPT_HOST", "CARILLON_SMTP_HOST"),
        ("CARILLON_KAFAK", "CARILLON_KAFKA"),
        ("CARILLON_WEBHOK_SECRET", "CARILLON_WEBHOOK_SECRET"),
        ("carillon_topic_prefx", "CARILLON_TOPIC_PREFIX"),
        ("CARILLON_XYZZY", None),
    ],
)
def test_the_unknown_is_named_with_the_nearest(given: str, nearest: str | None) -> None:
    assert unknown_variables([given, "CARILLON_KAFKA", "carillon_mongo", "PATH"], known_variables()) == {given: nearest}
