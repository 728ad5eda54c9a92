"""`python -m bench.profiled SERVICE FILE`: a service under cProfile, the profile written when it ends.

Only the main thread is seen: the thread in which Faust's consumer lives is not.
"""

from __future__ import annotations

import cProfile
import sys
from importlib import import_module


def main() -> None:
    _, service, target = sys.argv
    run = import_module(f"services.{service}.app").main
    profile = cProfile.Profile()
    try:
        profile.runcall(run)
    finally:
        profile.dump_stats(target)


if __name__ == "__main__":
    main()
