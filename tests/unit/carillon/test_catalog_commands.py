"""`carillon catalog check`, `push` and `draw` on files: everything that is wrong, where, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from carillon.cli import app
from carillon.cli.catalog_files import FIXES, check_folder
from tests.unit.ingest.test_problem_codes import ROOT, codes

GOOD = """\
key: order.shipped
category: orders
steps:
  - key: inbox
    channels: [in_app]
templates:
  in_app:
    title: Order {{ data.order }}
"""


def catalog(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["catalog", *arguments], env={"COLUMNS": "200"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "names.yaml").write_text(
        GOOD.replace("order.shipped", "Order Shipped").replace("category", "catgory").replace("data.order", "dat.order")
    )
    (tmp_path / "texts.yaml").write_text(
        GOOD.replace("order.shipped", "order.texts")
        + "    body: '{{ data.x | upcas }}'\n"
        + "    url: '{% if %}'\n"
        + "variants:\n  - key: b\n    templates:\n      in_app: {title: '{{ usr.id }}'}\n"
    )
    (tmp_path / "steps.yaml").write_text(
        "key: order.steps\ncategory: orders\nwhen: {data.x: {gtt: 1}}\nschema: {type: objekt}\n"
        "steps:\n  - {key: w, kind: delay}\n  - {key: w, kind: digest, cron: 0 0 30 2 *}\n  - {key: m, channels: [email]}\n"
    )
    (tmp_path / "broken.yaml").write_text("key: [a\n")
    (tmp_path / "twice.yaml").write_text(GOOD)
    return tmp_path


def test_every_mistake_of_every_file_is_said_with_its_line_and_the_fix(folder: Path) -> None:
    result = catalog("check", str(folder))
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    places = [line.partition(": ")[0].removeprefix(f"{folder}/") for line in lines[::2]]
    assert places == [
        "broken.yaml:2",
        "names.yaml:1", "names.yaml:1", "names.yaml:2",
        "steps.yaml:1", "steps.yaml:3", "steps.yaml:4", "steps.yaml:6", "steps.yaml:7", "steps.yaml:7",
        "texts.yaml:9", "texts.yaml:10", "texts.yaml:14",
        "twice.yaml:1",
    ]  # fmt: skip
    assert all(line.startswith("    ") for line in lines[1::2])
    assert "14 mistakes in 5 of 6 files" in result.stderr


def test_names_of_templates_are_looked_at_once_the_rest_is_right(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(GOOD.replace("data.order", "dat.order"))
    result = catalog("check", str(tmp_path))
    assert "w.yaml:8: order.shipped: there is no 'dat' (did you mean data?)" in result.stdout


def test_where_nothing_is_wrong_the_next_step_is_named(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(GOOD)
    result = catalog("check", str(tmp_path))
    assert result.exit_code == 0
    assert "1 workflow, no mistake" in result.stdout
    assert f"catalog push {tmp_path}" in result.stdout


def test_an_empty_folder_is_no_catalog(tmp_path: Path) -> None:
    result = catalog("check", str(tmp_path))
    assert result.exit_code == 1
    assert "no *.yaml" in result.stderr


@pytest.mark.parametrize("command", ["push", "publish"])
def test_one_bad_file_and_nothing_is_published(folder: Path, command: str) -> None:
    """It does not even look for a platform."""
    result = catalog(command, str(folder))
    assert result.exit_code == 1
    assert "Nothing was published." in result.stderr
    for name in ("broken", "names", "steps", "texts", "twice"):
        assert f"{name}.yaml:" in result.stderr
    assert result.stdout == ""


def test_publish_still_works_and_is_not_shown() -> None:
    shown = catalog("--help").stdout
    assert "push" in shown
    assert "publish " not in shown.replace("Publish", "")


def test_a_file_is_drawn_and_a_bad_one_is_not(folder: Path) -> None:
    result = catalog("draw", str(folder / "good.yaml"))
    assert result.exit_code == 0
    assert result.stdout.startswith("flowchart TD\n")
    result = catalog("draw", str(folder / "steps.yaml"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "steps.yaml:3: " in result.stderr


def test_every_code_of_a_file_has_its_fix() -> None:
    sources = [
        *(ROOT / "shared" / "model").glob("*.py"),
        ROOT / "shared/catalog/files.py",
        ROOT / "carillon/cli/templates.py",
    ]
    of_workflows = {
        code
        for path in sources
        if "InvalidWorkflow(" in path.read_text()
        for code in codes(path)
        if code not in ("invalid_event", "invalid_record")
    }
    assert {"invalid_schema", "invalid_template", "missing_template", "invalid_yaml"} <= of_workflows
    assert of_workflows - FIXES.keys() - {"invalid_topic", "no_recipients"} == set()


def test_the_shipped_workflows_are_right() -> None:
    checked = check_folder(ROOT / "catalog")
    assert checked.faults == []
    assert checked.files == len(checked.workflows) > 4
