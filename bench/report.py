"""`python -m bench.report`: writes the figures of `bench/results/` into the marked section of docs/performance.md."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import msgspec

from bench.figures import Result, markdown
from bench.machine import ROOT
from bench.run import RESULTS

PAGE: Final = ROOT / "docs" / "performance.md"
BEGIN: Final = "<!-- figures: written by python -m bench.report -->"
END: Final = "<!-- end of figures -->"


def section(name: str, result: Result) -> str:
    """One benchmark's figures, and what they were measured on."""
    where = result.machine
    return (
        f"### {name}\n\n"
        f"Commit `{result.commit}`; {result.runs} runs of each side, medians; {where['cpu']}, {where['cores']} cores, "
        f"Linux {where['kernel']}, Python {where['python']}, load average {where['load_at_start']} at the start.\n\n"
        f"{markdown(result.rows)}\n"
    )


def filled(page: str, figures: str) -> str:
    """The page with its marked section replaced. Raises ValueError when the marks are not there."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{figures}\n{END}{after}"


def read(folder: Path) -> dict[str, Result]:
    """The results of full runs, by name; smoke runs are left out."""
    found = sorted(path for path in folder.glob("*.json") if not path.name.endswith(".small.json"))
    return {path.stem: msgspec.json.decode(path.read_bytes(), type=Result) for path in found}


def main() -> None:
    results = read(RESULTS)
    if not results:
        sys.exit("There are no results yet. Make some: make bench-router bench-ingest bench-e2e")
    figures = "\n".join(section(name, result) for name, result in results.items())
    PAGE.write_text(filled(PAGE.read_text("utf-8"), figures), "utf-8")
    print(f"{len(results)} results written to {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
