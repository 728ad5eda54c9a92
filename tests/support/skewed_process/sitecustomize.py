"""Loaded by Python itself in a process under libfaketime, whose `clock_nanosleep` refuses what Python asks of it."""

from __future__ import annotations

import select
import time


def _sleep(seconds: float) -> None:
    select.select([], [], [], seconds)


time.sleep = _sleep
