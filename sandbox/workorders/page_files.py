"""The pages themselves: plain files, read once. Nothing of them needs a build."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aiohttp import web

FOLDER: Final = Path(__file__).with_name("page")
PAGES: Final = {"/": "index.html", "/office": "office.html", "/technician": "technician.html"}
TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def page_routes() -> list[web.RouteDef]:
    """`/`, `/office`, `/technician` and `/page/{name}`; a page reaches this origin and nothing else."""
    files = {path.name: path.read_text() for path in FOLDER.iterdir() if path.suffix in TYPES}

    def answer(request: web.Request, name: str) -> web.Response:
        if name not in files:
            raise web.HTTPNotFound(text=f"the files are {', '.join(sorted(files))}")
        headers = HEADERS | {"Content-Security-Policy": policy(request.host)}
        return web.Response(text=files[name], content_type=TYPES[Path(name).suffix], charset="utf-8", headers=headers)

    async def page(request: web.Request) -> web.Response:
        return answer(request, PAGES[request.path])

    async def file(request: web.Request) -> web.Response:
        return answer(request, request.match_info["name"])

    return [*(web.get(path, page) for path in PAGES), web.get("/page/{name}", file)]


def policy(host: str) -> str:
    """The Content-Security-Policy: files and calls of this host alone, in nobody's frame."""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self' ws://{host}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
