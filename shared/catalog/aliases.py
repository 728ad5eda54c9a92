"""Aliases of YAML (`*name`), bounded: a few lines of them can stand for more than any memory holds (pure)."""

from __future__ import annotations

from typing import Final

import yaml

MAX_EXPANDED: Final = 2_097_152
"""Characters with every alias written out; no file without aliases that may be read has as many."""


def check_expansion(root: yaml.Node) -> None:
    """Raises yaml.MarkedYAMLError where a document grows too large by its aliases, or contains itself.

    Every node is looked at once. Raises RecursionError as composing it does.
    """
    size_of(root)


def size_of(root: yaml.Node) -> int:
    """Characters, with every alias written out. Raises as above."""
    return _size(root, {})


def _size(node: yaml.Node, sizes: dict[int, int | None]) -> int:
    """Characters of the node with its aliases written out; `sizes` of those that are known, None: under way."""
    if id(node) in sizes:
        known = sizes[id(node)]
        if known is None:
            raise yaml.composer.ComposerError(None, None, "an alias stands inside of what it names", node.start_mark)
        return known
    sizes[id(node)] = None
    size = 1
    if isinstance(node, yaml.ScalarNode):
        size += len(node.value)
    elif isinstance(node, yaml.MappingNode):
        size += sum(_size(part, sizes) for pair in node.value for part in pair)
    else:
        size += sum(_size(part, sizes) for part in node.value)
    if size > MAX_EXPANDED:
        problem = f"its aliases stand for more than {MAX_EXPANDED} characters"
        raise yaml.composer.ComposerError(None, None, problem, node.start_mark)
    sizes[id(node)] = size
    return size
