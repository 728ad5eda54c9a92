"""Which of a workflow's texts a notification gets."""

from __future__ import annotations

from zlib import crc32

from shared.model.workflows import Workflow


def variant_of(workflow: Workflow, notification: str) -> str | None:
    """The key of its variant, each as often as its weight says; None where the workflow has none.

    The same notification id always gets the same one, as long as the variants stay as they are.
    """
    if not workflow.variants:
        return None
    place = crc32(b"variant:" + notification.encode()) % sum(variant.weight for variant in workflow.variants)
    for variant in workflow.variants:
        place -= variant.weight
        if place < 0:
            return variant.key
    return None
