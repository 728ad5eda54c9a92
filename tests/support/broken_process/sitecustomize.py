"""Loaded by Python itself in a service that a test has broken: it breaks what `BROKEN_BY` names, before the service begins."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))  # the source tree, as `python -m` will have it
try:
    from tests.chaos.breaks.breaking import apply

    apply(os.environ["BROKEN_BY"].split("\n"))
except BaseException:  # noqa: BLE001  # Python would say so, and run the service whole
    traceback.print_exc()
    os._exit(1)
finally:
    sys.path.pop(0)
