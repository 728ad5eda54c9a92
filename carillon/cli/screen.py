"""What the stack's commands show: ticks, findings, the box of URLs, the table of processes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sandbox.checks import Finding
from sandbox.ports import Ports
from sandbox.progress import End, HeldByAnother, Progress, StartFailed, StepBegun, StepDone, Up
from sandbox.stack import Stack

console = Console()


def follow(lines: Iterable[Progress]) -> End | None:
    """Show progress, a tick with seconds for each step; returns how it ends, None if the lines stop before that."""
    step = ""
    with console.status("starting") as spinner:
        for progress in lines:
            if isinstance(progress, StepBegun):
                step = progress.begun
                spinner.update(f"{step} …")
            elif isinstance(progress, StepDone):
                console.print(Text.assemble(("  ✓ ", "green"), f"{progress.done:<28}{progress.seconds:>6.1f} s"))
            elif isinstance(progress, StartFailed):
                console.print(Text.assemble(("  ✗ ", "red"), step or progress.failed))
                return progress
            elif isinstance(progress, HeldByAnother):
                return progress
            elif isinstance(progress, Up):
                console.print(Text.assemble(("  ✓ ", "bold green"), f"{'up':<28}{progress.up_after:>6.1f} s"))
                return progress
    return None


def show_findings(findings: Iterable[Finding]) -> None:
    """A line per finding, and its next step under what will not do."""
    for finding in findings:
        mark = ("  ✓ ", "green") if finding.good else ("  ✗ ", "red")
        console.print(Text.assemble(mark, f"{finding.what:<12} {finding.seen}"), soft_wrap=True)
        if not finding.good:
            console.print(Text(f"      {finding.fix}", "yellow"), soft_wrap=True)


def show_box(stack: Stack) -> None:
    """The page to try it on, first of all; then where everything is, the key, and a first call to paste."""
    if "playground" in stack.pids:
        console.print(Text.assemble("Try it: ", (stack.urls["playground"], "bold cyan")), soft_wrap=True)
    lines = Table.grid(padding=(0, 2))
    backbone = {"kafka": stack.kafka, "mongo": f"{stack.mongo} ({stack.mongo_database})"}
    for name, place in {**stack.urls, **backbone, "key": stack.api_key or "none yet"}.items():
        lines.add_row(Text(name, "bold"), Text(place))
    console.print(Panel(lines, title="Carillon runs", expand=False))
    if stack.api_key:
        console.print(first_call(stack), markup=False, highlight=False, soft_wrap=True)


def first_call(stack: Stack) -> str:
    """A curl line that sends a first notification, ready to paste."""
    body = '{"workflow":"order.shipped","recipients":["ada"],"data":{"order":"A-1","carrier":"DHL"}}'
    return (
        f"curl -i {stack.urls['ingest']}/v1/notifications -H 'Authorization: Bearer {stack.api_key}' "
        f"-H 'Content-Type: application/json' -d '{body}'"
    )


def show_processes(stack: Stack, ready: Mapping[str, bool], now: int) -> None:
    """Each process with pid, port, readiness and uptime at `now` (ms)."""
    ports = Ports(**stack.ports).table()
    table = Table("process", "pid", "port", "health", "ready", "up", box=None)
    for name, pid in stack.pids.items():
        uptime = uptime_text((now - stack.started_ms.get(name, now)) // 1000)
        table.add_row(
            name,
            str(pid),
            str(ports.get(name, "")),
            str(ports.get(f"health_{name}", "")),
            Text("yes", "green") if ready[name] else Text("no", "red"),
            uptime,
        )
    console.print(table)


def uptime_text(seconds: int) -> str:
    """As people say it: `4 s`, `3 min`, `2 h 5 min`."""
    minutes, hours = seconds // 60, seconds // 3600
    if not minutes:
        return f"{seconds} s"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
