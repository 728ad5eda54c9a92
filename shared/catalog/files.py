"""Workflows as YAML files."""

from __future__ import annotations

from pathlib import Path

import yaml

from shared.model import workflows
from shared.model.errors import InvalidWorkflow
from shared.model.workflows import Workflow


class _Yaml(yaml.SafeLoader):
    """Safe, and with the booleans of YAML 1.2: `on:` is a key of ours, not `true`."""


_Yaml.yaml_implicit_resolvers = {
    first: [one for one in resolvers if one[0] != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_folder(folder: Path) -> list[Workflow]:
    """Every `*.yaml` below `folder` as a workflow. Raises InvalidWorkflow, the file named in its detail."""
    found = []
    for path in sorted(folder.rglob("*.yaml")):
        try:
            document = yaml.load(path.read_text("utf-8"), _Yaml)  # noqa: S506  # _Yaml is a SafeLoader
            found.append(workflows.parse(document))
        except InvalidWorkflow as error:
            raise InvalidWorkflow(error.code, f"{path}: {error.detail}", error.pointer) from error
        except yaml.YAMLError as error:
            raise InvalidWorkflow("invalid_yaml", f"{path}: {error}") from error
    return found
