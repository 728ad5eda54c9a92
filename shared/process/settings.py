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

from pydantic import Field, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.kafka.settings import KafkaSettings
from shared.model.topics import PARTITIONS, Topics
from shared.process.secret_files import check_secret_files, secrets_folder
from shared.process.uris import check_uri

PREFIX: Final = "CARILLON_"


class SettingsSection(BaseSettings):
    """Variables that are read together: a process asks only for the sections that it needs."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True, allow_inf_nan=False
    )

    @classmethod
    def variables(cls) -> dict[str, str]:
        """The environment variable of each field."""
        return {f"{PREFIX}{field.upper()}": field for field in cls.model_fields}

    @classmethod
    def lists(cls) -> dict[str, str]:
        """Those that are comma separated: an empty one is an empty list. Every other empty one counts as not set."""
        fields = cls.model_fields
        return {name: field for name, field in cls.variables().items() if NoDecode in fields[field].metadata}


class Settings(KafkaSettings, SettingsSection):
    """What every process needs."""

    partitions: int = Field(
        PARTITIONS, ge=1, description="of each topic whose order matters, fixed when the topics are created"
    )
    topics_strict: bool = Field(
        False, description="true: what is only weaker than it should be (copies, sizes) keeps a service waiting, too"
    )
    topic_prefix: str = Field(
        "carillon", pattern=r"^[a-z0-9-]+$", description="first part of every topic's and consumer group's name"
    )
    mongo: str = Field(
        "mongodb://127.0.0.1:27017/?replicaSet=rs0", description="URI of a replica set; a secret when it has a password"
    )
    mongo_database: str = Field("carillon", pattern=r"^[A-Za-z0-9_-]{1,38}$", description="database name")
    health_host: str = Field("127.0.0.1", description="address of the health port; 0.0.0.0 in a container")
    health_port: int = Field(0, ge=0, le=65535, description="/livez /readyz /metrics; 0: any free port")
    drain_seconds: float = Field(20, gt=0, le=3600, description="how long SIGTERM waits for work in flight")
    log_level: str = Field("info", pattern=r"^(debug|info|warning|error)$", description="debug, info, warning or error")
    failpoint: str | None = Field(
        None, description="tests only: NAME[:N[:STOP]], SIGKILL or SIGSTOP at the Nth pass of it"
    )

    @field_validator("mongo")
    @classmethod
    def _check_mongo(cls, uri: str) -> str:
        check_uri(uri)
        return uri

    @property
    def topics(self) -> Topics:
        """Topic names under this stack's prefix."""
        return Topics(self.topic_prefix, self.partitions)


class ConsumerSettings(Settings):
    """What services with a consumer group need besides."""

    session_timeout_seconds: float = Field(
        10,
        gt=0,
        le=240,
        description="how long a dead consumer keeps its partitions; with static membership, longer than a pod takes "
        "to be back",
    )
    linger_ms: float = Field(
        4, ge=0, le=50, description="while records come fast, the wait before the next are taken, to fill a chunk"
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
    settings = read(kind, errors)
    loaded = {key: section for key, each in sections.items() if (section := read(each, errors)) is not None}
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


def read(kind: type[S], errors: dict[str, None]) -> S | None:
    """The section; or None, and its lines are added to `errors`, where the same line stands once."""
    folder = os.environ.get(f"{PREFIX}SECRETS_DIR") or None
    wrong = check_secret_files(folder, kind.variables())
    if wrong:
        errors.update(dict.fromkeys(f"  {line}" for line in wrong))
        return None
    set_to = {name.upper(): value for name, value in os.environ.items()}
    empty = {field: "" for name, field in kind.lists().items() if set_to.get(name) == ""}
    try:
        return kind(_secrets_dir=secrets_folder(folder), **empty)  # type: ignore[arg-type]  # names of fields, none begins with _
    except ValidationError as error:
        errors.update(dict.fromkeys(f"  {_line(problem)}" for problem in error.errors(include_url=False)))
    return None


def _line(problem: ErrorDetails) -> str:
    """What is wrong with which variable; of one that is a list, with which part. A value by itself may be a secret."""
    message = problem["msg"].removeprefix("Value error, ")
    if not problem["loc"]:
        return message  # about several: it names them
    part = f", not {problem['input']!r}" if len(problem["loc"]) > 1 else ""
    return f"{PREFIX}{str(problem['loc'][0]).upper()}: {message}{part}"
