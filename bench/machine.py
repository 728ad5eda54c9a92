"""What a figure was measured on and of."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
TICKS = os.sysconf("SC_CLK_TCK")


def commit() -> str:
    """The commit, marked when the tree differs from it; `unknown` outside of a clone."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    try:
        head = git("rev-parse", "HEAD")
        changed = git("status", "--porcelain", "--", ".", ":!bench/results", ":!docs")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head} dirty" if changed else head


def machine() -> dict[str, str | float]:
    """Processor, cores, kernel, Python, and how busy it was already (load average of the last minute)."""
    info = Path("/proc/cpuinfo").read_text()
    models = [line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_at_start": round(os.getloadavg()[0], 2),
    }


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used so far, all threads; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def tree_pids(pid: int) -> list[int]:
    """A process and those below it that live; what has ended counts with whoever waited for it."""
    try:
        below = list(Path(f"/proc/{pid}/task").glob("*/children"))
        children = [int(word) for each in below for word in each.read_text().split()]
    except OSError:
        return [pid]
    return [pid, *(found for child in children for found in tree_pids(child))]


def rss_mib(pid: int) -> float:
    """What a process holds in memory, in MiB; 0 when it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576
