"""The page itself: plain files, read once. Nothing of it needs a build, so that it is there without Node.js, too."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Response

from shared.http.problems import Problem

FOLDER: Final = Path(__file__).with_name("page")
INDEX: Final = "index.html"
TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}


def page_routes(*, gateway: str, sockets: str) -> APIRouter:
    """`/` and `/page/{name}`, with a policy that lets the page reach this stack and nothing else."""
    routes = APIRouter(include_in_schema=False)
    files = {path.name: path.read_bytes() for path in FOLDER.iterdir() if path.suffix in TYPES}
    headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": policy(gateway=gateway, sockets=sockets),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }

    def answer(name: str) -> Response:
        if name not in files:
            raise Problem(404, "not_found", "there is no such file", fix=f"The files are {', '.join(sorted(files))}.")
        return Response(files[name], media_type=TYPES[Path(name).suffix], headers=headers)

    @routes.get("/")
    async def index() -> Response:
        return answer(INDEX)

    @routes.get("/page/{name}")
    async def file(name: str) -> Response:
        return answer(name)

    return routes


def policy(*, gateway: str, sockets: str) -> str:
    """The Content-Security-Policy: no script or style but files, nothing from anywhere else, in nobody's frame."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {gateway}",
            "style-src 'self'",
            "img-src data:",
            f"connect-src 'self' {gateway} {sockets}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
