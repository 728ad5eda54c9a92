"""Secrets as files: one in the folder CARILLON_SECRETS_DIR per variable, named like it in lower case."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def secrets_folder(folder: str | None) -> Path | None:
    """The folder, if one is named."""
    return Path(folder) if folder else None


def secret_files(folder: str | None) -> dict[str, Path]:
    """Its files by the variable that each stands for; empty where there is no folder. Raises OSError."""
    if folder is None:
        return {}
    return {path.name.upper(): path for path in sorted(Path(folder).iterdir()) if path.is_file()}


def check_secret_files(folder: str | None, variables: Iterable[str]) -> list[str]:
    """A line for each of these variables whose file cannot be read, or one for the folder itself."""
    try:
        files = secret_files(folder)
    except OSError as error:
        return [f"CARILLON_SECRETS_DIR: {folder}: {_why(error)}; name a folder with one file per secret"]
    lines = []
    for variable in variables:
        if variable in files:
            try:
                files[variable].read_text("utf-8")
            except UnicodeDecodeError:
                lines.append(f"{variable}: its file {files[variable]} is not UTF-8 text")
            except OSError as error:
                lines.append(f"{variable}: its file {files[variable]} cannot be read: {_why(error)}")
    return lines


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
