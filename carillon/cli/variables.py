"""Every CARILLON_* variable that anything here reads, found in the code; what is unknown is named at start.

It stands here because only the command line may know all services.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from carillon.cli.services import MODULES

if TYPE_CHECKING:
    from shared.process.settings import SettingsSection

PREFIX: Final = "CARILLON_"
EVERY: Final = "all"
"""Who reads the settings that every process has in common."""
OTHERS: Final = {
    f"{PREFIX}FUZZ_SEED": "tests only: the seed of a fuzz that failed, to repeat it",
    f"{PREFIX}CHAOS_LONG": "tests only: with any value, chaos runs are whole that are else sampled",
    f"{PREFIX}FANOUT_MEMBERS": "tests only: how many members the fan-out has whose router is killed (20000)",
    f"{PREFIX}SECRETS_DIR": "folder with secrets, one file each, named like the variable in lower case",
    f"{PREFIX}TEST_KAFKA": "tests only: host:port of the Kafka to use",
    f"{PREFIX}TEST_MONGO": "tests only: URI of the replica set to use",
}
"""Those that are neither a setting of a process nor an option of a command."""

log = structlog.get_logger()


def settings_sections() -> dict[str, list[type[SettingsSection]]]:
    """Who reads which settings, in the order of the flow: `all`, `delivery`, `delivery (email)`, ..."""
    from shared.mongo.settings import MigrationSettings
    from shared.process.settings import Settings, sections_in

    sections: dict[str, list[type[SettingsSection]]] = {EVERY: [Settings], "migrate": [MigrationSettings]}
    for service, app in MODULES.items():
        package = import_module(app.removesuffix(".app"))
        folder = Path(package.__path__[0])
        nested = [name for name in MODULES.values() if name.startswith(f"{package.__name__}.") and name != app]
        for file in sorted(folder.rglob("settings.py"), key=lambda path: (len(path.parts), path)):
            parts = file.relative_to(folder).parent.parts
            if ".".join([package.__name__, *parts, "app"]) in nested:
                continue  # a service of its own
            module = import_module(".".join([package.__name__, *parts, "settings"]))
            sections[f"{service} ({parts[-1]})" if parts else str(service)] = sections_in(module)
    return sections


def option_variables() -> dict[str, str]:
    """The variables that stand for options of commands, with what the option says of itself."""
    from carillon.cli import app

    return {
        variable: option.help or ""
        for option in _options(typer.main.get_command(app))
        for variable in ([option.envvar] if isinstance(option.envvar, str) else option.envvar or ())
    }


def setting_variables() -> frozenset[str]:
    """Those that are a setting of a process."""
    return frozenset(name for kinds in settings_sections().values() for kind in kinds for name in kind.variables())


def known_variables() -> frozenset[str]:
    """All that there are."""
    return setting_variables() | option_variables().keys() | OTHERS.keys()


def unknown_variables(given: Iterable[str], known: Collection[str]) -> dict[str, str | None]:
    """The unknown CARILLON_* names among the given, each with the nearest known one, if one is near."""
    names = {name.removeprefix(PREFIX): name for name in known}
    unknown = {name for name in given if name.upper().startswith(PREFIX) and name.upper() not in known}
    return {name: _nearest(name.upper().removeprefix(PREFIX), names) for name in sorted(unknown)}


def warn_of_unknown_variables() -> None:
    """Logs a warning for each variable, and each secret file, that nothing reads: most are misspelt."""
    known = known_variables()
    for name, nearest in unknown_variables(os.environ, known).items():
        log.warning("unknown_variable", variable=name, next=_hint(nearest))
    for path, nearest in unknown_files(known).items():
        log.warning("unknown_secret_file", file=path, next=_hint(nearest and nearest.lower()))


def unknown_files(known: Collection[str]) -> dict[str, str | None]:
    """As above, for the files of CARILLON_SECRETS_DIR that are named like a variable. None of a folder that is none."""
    from shared.process.secret_files import secret_files

    try:
        files = secret_files(os.environ.get(f"{PREFIX}SECRETS_DIR") or None)
    except OSError:
        return {}  # said by who reads them
    return {str(files[name]): nearest for name, nearest in unknown_variables(files, known).items()}


def _hint(nearest: str | None) -> str:
    return f"did you mean {nearest}?" if nearest else "all there are: docs/reference/settings.md"


def _nearest(name: str, names: dict[str, str]) -> str | None:
    close = get_close_matches(name, names, n=1)
    return names[close[0]] if close else None


def _options(command: object) -> Iterator[TyperOption]:
    if isinstance(command, TyperCommand | TyperGroup):
        yield from (option for option in command.params if isinstance(option, TyperOption))
    if isinstance(command, TyperGroup):
        for each in command.commands.values():
            yield from _options(each)
