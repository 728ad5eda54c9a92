"""Source trees to run services from: this one, one of a tag, and one that stands for a version to come."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

from sandbox.process import ROOT

NEWER_FORMAT = ("shared/model/formats.py", "FORMAT: int = 2\n", "FORMAT: int = 3\n")
NEWER_CHANNEL = (
    "shared/model/channels.py",
    "Channel.WEBHOOK: ChannelSpec(address=WEBHOOK_URL, noisy=False)",
    "Channel.WEBHOOK: ChannelSpec(address=WEBHOOK_URL, noisy=False, since=3)",
)
NEWER_WORKFLOW = ("catalog/orders/order_shipped.yaml", "category: orders\n", "category: parcels\n")


def of_tag(tag: str, folder: Path) -> Path:
    """The tree of a tag."""
    archive = subprocess.run(["git", "archive", tag], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder


def newer(folder: Path) -> Path:
    """This tree as the next version might be: webhooks came with format 3, and so what names them has it.

    To this version they are a channel that it does not know, in records, ledger rows and a published workflow.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for name, before, after in (NEWER_FORMAT, NEWER_CHANNEL, NEWER_WORKFLOW):
        text = (folder / name).read_text()
        assert text.count(before) == 1, f"{name} has no {before!r}"
        (folder / name).write_text(text.replace(before, after))
    return folder
