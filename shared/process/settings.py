"""Settings: frozen objects, read once at the edge. This file holds what every process has in common.

Environment variables start with `CARILLON_`; a file named like the variable, in lower case, in the folder
`CARILLON_SECRETS_DIR` does the same for secrets. A service's own settings stand beside it, a channel's beside the
channel. The descriptions are the reference of operators (`docs/reference/settings.md`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Final, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.model.topics import Topics

PREFIX: Final = "CARILLON_"


class SettingsSection(BaseSettings):
    """Variables that are read together: a process asks only for the sections that it needs."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    @classmethod
    def variables(cls) -> dict[str, str]:
        """The environment variable of each field."""
        return {f"{PREFIX}{field.upper()}": field for field in cls.model_fields}


class Settings(SettingsSection):
    """What every process needs."""

    kafka: str = Field("127.0.0.1:9092", description="bootstrap servers, host:port[,host:port]")
    topic_prefix: str = Field(
        "carillon", pattern=r"^[a-z0-9-]+$", description="first part of every topic's and consumer group's name"
    )
    mongo: str = Field(
        "mongodb://127.0.0.1:27017/?replicaSet=rs0", description="URI of a replica set; a secret when it has a password"
    )
    mongo_database: str = Field("carillon", pattern=r"^[A-Za-z0-9_-]{1,38}$", description="database name")
    health_host: str = Field("127.0.0.1", description="address of the health port; 0.0.0.0 in a container")
    health_port: int = Field(0, ge=0, le=65535, description="/livez /readyz /metrics; 0: any free port")
    drain_seconds: float = Field(20, gt=0, description="how long SIGTERM waits for work in flight")
    log_level: str = Field("info", pattern=r"^(debug|info|warning|error)$", description="debug, info, warning or error")
    failpoint: str | None = Field(
        None, description="tests only: NAME[:N[:STOP]], SIGKILL or SIGSTOP at the Nth pass of it"
    )

    @property
    def topics(self) -> Topics:
        """Topic names under this stack's prefix."""
        return Topics(self.topic_prefix)


class ConsumerSettings(Settings):
    """What services with a consumer group need besides."""

    session_timeout_seconds: float = Field(10, gt=0, description="how long a dead consumer keeps its partitions")
    linger_ms: float = Field(
        8, ge=0, le=50, description="while records come fast, the wait before the next are taken, to fill a chunk"
    )


class EdgeSettings(Settings):
    """What services with ports of their own need besides."""

    host: str = Field("127.0.0.1", description="address of the service's own ports; 0.0.0.0 in a container")


S = TypeVar("S", bound=SettingsSection)
Key = TypeVar("Key")


def load(kind: type[S]) -> S:
    """Settings from the environment and the secrets folder; exits with every error at once."""
    settings, _ = load_with(kind, {})
    return settings


def load_with(kind: type[S], sections: Mapping[Key, type[SettingsSection]]) -> tuple[S, dict[Key, SettingsSection]]:
    """As `load`, and further sections with it: every error of all of them at once."""
    errors: dict[str, None] = {}
    settings = _read(kind, errors)
    loaded = {key: section for key, each in sections.items() if (section := _read(each, errors)) is not None}
    if settings is None or errors:
        sys.exit("\n".join(["These settings are missing or wrong:", *errors, "See docs/reference/settings.md."]))
    return settings, loaded


def sections_in(module: ModuleType) -> list[type[SettingsSection]]:
    """The sections that a module defines, in its order."""
    return [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, SettingsSection) and kind.__module__ == module.__name__
    ]


def _read(kind: type[S], errors: dict[str, None]) -> S | None:
    """The section; or None, and its lines are added to `errors`, where the same line stands once."""
    try:
        return kind(_secrets_dir=os.environ.get(f"{PREFIX}SECRETS_DIR"))
    except ValidationError as error:
        for problem in error.errors():
            errors[
                f"  {PREFIX}{'_'.join(map(str, problem['loc'])).upper()}: {problem['msg'].removeprefix('Value error, ')}"
            ] = None
    return None
