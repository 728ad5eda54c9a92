"""The two distributions belong together, and the client has what its readers are told to import."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

import carillon

ROOT = Path(__file__).parents[3]
CLIENT = tomllib.loads((ROOT / "carillon" / "pyproject.toml").read_text())["project"]
PLATFORM = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PAGES = [ROOT / "README.md", ROOT / "carillon" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
IMPORT = re.compile(r"^from carillon import ([\w, ]+)$", re.MULTILINE)


def test_the_platform_needs_the_client_of_its_own_version():
    assert CLIENT["version"] == PLATFORM["version"]
    assert f"{CLIENT['name']} == {CLIENT['version']}" in PLATFORM["dependencies"]


def test_both_carry_the_same_license():
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert (ROOT / "carillon" / "LICENSE").read_text() == text  # a copy: an sdist cannot reach above its folder


def test_every_name_that_the_pages_import_is_there():
    shown = {name.strip() for page in PAGES for names in IMPORT.findall(page.read_text()) for name in names.split(",")}
    assert {"AsyncClient", "KafkaClient"} <= shown
    for name in shown | set(carillon.__all__):
        assert getattr(carillon, name).__name__ == name


def test_every_name_is_told_in_the_clients_page():
    page = (ROOT / "docs" / "client.md").read_text()
    assert [name for name in carillon.__all__ if f"`{name}`" not in page] == []


def test_other_names_are_not_there():
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = carillon.Nothing


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "aiokafka", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'carillon-client\[kafka\]'"):
        carillon.KafkaClient("127.0.0.1:9092")
