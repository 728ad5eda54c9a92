"""Processes whose clocks are wrong, by libfaketime (the Debian package of this name)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

LIBRARY = "faketime/libfaketimeMT.so.1"
SHIM = Path(__file__).parent / "skewed_process"
PLACES = (Path("/usr/lib"), Path(os.environ.get("CARILLON_STATE", ".carillon")) / "faketime/usr/lib")
"""Where apt-get installs it, and where `make chaos` unpacks it."""


def skewed(seconds: int) -> dict[str, str]:
    """The environment of a process whose clock is so many seconds ahead; what it measures by is left right."""
    found = [path.resolve() for place in PLACES for path in place.glob(f"*/{LIBRARY}")]
    if not found:
        pytest.fail("libfaketime is not here; `make chaos` fetches it, or: apt-get install -y libfaketime")
    path = os.pathsep.join([str(SHIM), os.environ.get("PYTHONPATH", "")])
    return {
        "LD_PRELOAD": str(found[0]),
        "FAKETIME": f"{seconds:+d}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "PYTHONPATH": path.rstrip(os.pathsep),
    }
