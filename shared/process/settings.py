"""Settings of every process: one frozen object each, read once at the edge.

Environment variables start with `CARILLON_`; a file named like the variable, in lower case, in the folder
`CARILLON_SECRETS_DIR` does the same for secrets. All errors are reported at once.
"""

from __future__ import annotations

import os
import sys
from typing import TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.model.topics import Topics

PREFIX = "CARILLON_"


class Settings(BaseSettings):
    """What every service needs: the log, the memory, a health port."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    kafka: str = Field("127.0.0.1:9092", description="bootstrap servers, host:port[,host:port]")
    topic_prefix: str = Field("carillon", pattern=r"^[a-z0-9-]+$")
    mongo: str = Field("mongodb://127.0.0.1:27017/?replicaSet=rs0", description="URI of a replica set")
    mongo_database: str = Field("carillon", pattern=r"^[A-Za-z0-9_-]{1,38}$")
    health_host: str = "127.0.0.1"
    health_port: int = Field(0, ge=0, le=65535, description="/livez /readyz /metrics; 0: any free port")
    session_timeout_seconds: float = Field(10, gt=0, description="how long a dead consumer keeps its partitions")
    linger_ms: float = Field(3, ge=0, le=50, description="a short wait to fill a chunk, after one of several records")
    drain_seconds: float = Field(20, gt=0, description="how long SIGTERM waits for work in flight")
    log_level: str = Field("info", pattern=r"^(debug|info|warning|error)$")
    failpoint: str | None = Field(None, description="tests only: NAME[:N], SIGKILL at the Nth pass of it")

    @property
    def topics(self) -> Topics:
        """Topic names under this stack's prefix."""
        return Topics(self.topic_prefix)


S = TypeVar("S", bound=Settings)


def load(kind: type[S]) -> S:
    """Settings from the environment and the secrets folder; exits with every error at once."""
    try:
        return kind(_secrets_dir=os.environ.get(f"{PREFIX}SECRETS_DIR"))
    except ValidationError as error:
        lines = [
            f"  {PREFIX}{'_'.join(map(str, problem['loc'])).upper()}: {problem['msg']}" for problem in error.errors()
        ]
        sys.exit("These settings are missing or wrong:\n" + "\n".join(lines) + "\nSee docs/operations.md.")
