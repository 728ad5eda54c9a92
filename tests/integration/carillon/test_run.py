"""`carillon run` with settings that are wrong."""

from __future__ import annotations

import os
import subprocess
import sys

import orjson

from sandbox.process import ROOT

MISSPELT = "CARILLON_" + "TOKN_SECRET"  # in two, so that no search for the project's variables finds it


def test_a_service_names_what_is_misspelt_before_it_says_what_is_missing() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CARILLON_")}
    ended = subprocess.run(
        [sys.executable, "-m", "carillon", "run", "gateway"],
        cwd=ROOT,
        env=environment | {MISSPELT: "x" * 32},
        capture_output=True,
        text=True,
        check=False,
    )
    (line,) = ended.stdout.splitlines()
    warning = orjson.loads(line)
    assert (warning["event"], warning["level"], warning["service"]) == ("unknown_variable", "warning", "gateway")
    assert warning["variable"] == MISSPELT
    assert warning["next"] == "did you mean CARILLON_TOKEN_SECRET?"
    assert "CARILLON_TOKEN_SECRET or CARILLON_TOKEN_JWKS_URL: one of them has to verify" in ended.stderr
    assert ended.returncode == 1
