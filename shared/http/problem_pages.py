"""`GET /problems/{code}`: where the `type` of a problem document leads, on every service. docs/problems.md, by section."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter, HTTPException
from fastapi.responses import PlainTextResponse

PREFIX: Final = "/problems/"
_PLACES: Final = (Path(__file__).with_name("problems.md"), Path(__file__).parents[2] / "docs" / "problems.md")
"""In a wheel, and in a checkout."""


@cache
def problem_pages() -> dict[str, str]:
    """The section of each code, as Markdown. Reads the file at the first call."""
    page = next(place for place in _PLACES if place.exists()).read_text()
    sections = page.split("\n## ")[1:]
    return {section.split("\n", 1)[0]: f"## {section}" for section in sections}


def problem_routes() -> APIRouter:
    """Open to everybody: it tells nothing of this installation."""
    routes = APIRouter(prefix=PREFIX.rstrip("/"), include_in_schema=False)

    @routes.get("/{code}", response_class=PlainTextResponse)
    async def problem(code: str) -> str:
        """200 with the section, 404 for a code that nothing has."""
        found = problem_pages().get(code)
        if found is None:
            raise HTTPException(404, "there is no problem of this name")
        return found

    return routes
