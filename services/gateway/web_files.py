"""`/client/…`: the JavaScript client and the inbox component, as `make web` has built them into this package.

Static and the same for everybody, so any page may load them; what they may then do, the token and CARILLON_ORIGINS say.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response

from shared.http.problems import Problem

FOLDER: Final = Path(__file__).with_name("web")
PREFIX: Final = "/client"
TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".map": "application/json",
}
HEADERS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "public, max-age=300, stale-while-revalidate=86400",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, kw_only=True)
class WebFile:
    """One built file as it is answered, packed and not."""

    media_type: str
    plain: bytes
    packed: bytes
    digest: str


def read_web_files(folder: Path = FOLDER) -> dict[str, WebFile]:
    """The built files by name; none where nothing was built. Names are looked up here, never on the disk."""
    return {path.name: _read(path) for path in sorted(folder.glob("*")) if path.suffix in TYPES and path.is_file()}


def web_file_routes(files: dict[str, WebFile]) -> APIRouter:
    """GET, without a token."""
    routes = APIRouter(prefix=PREFIX, include_in_schema=False)

    @routes.get("/{name}")
    async def read(request: Request, name: str) -> Response:
        """The file, or 304 for who has it; 404 for what is none."""
        file = files.get(name)
        if file is None:
            known = ", ".join(files) or "none: nothing was built. Build them: make web, then restart the gateway"
            raise Problem(404, "not_found", "there is no such file", fix=f"The files are {known}.")
        packs = accepts_gzip(request.headers.get("accept-encoding", ""))
        tag = f'"{file.digest}{"-gz" if packs else ""}"'
        headers = HEADERS | {"ETag": tag}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if packs:
            headers |= {"Content-Encoding": "gzip"}
        return Response(file.packed if packs else file.plain, media_type=file.media_type, headers=headers)

    return routes


def accepts_gzip(header: str) -> bool:
    """Whether `Accept-Encoding` names gzip, and not with a weight of nothing (RFC 9110 section 12.5.3)."""
    for part in header.lower().split(","):
        coding, _, weight = part.replace(" ", "").partition(";q=")
        if coding in {"gzip", "x-gzip"}:
            return weight.strip("0.") != "" if weight else True
    return False


def _read(path: Path) -> WebFile:
    plain = path.read_bytes()
    return WebFile(
        media_type=TYPES[path.suffix],
        plain=plain,
        packed=gzip.compress(plain, mtime=0),
        digest=hashlib.sha256(plain).hexdigest()[:20],
    )
