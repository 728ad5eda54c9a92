"""`python -m carillon`: the command line."""

from __future__ import annotations

from carillon.cli import app

app(prog_name="carillon")
