from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp

from services.gateway.cors import InboxCors
from services.gateway.origins import Origins
from services.gateway.web_files import accepts_gzip, read_web_files, web_file_routes
from shared.http.conventions import HttpConventions
from shared.http.problems import install_problems
from tests.support.asgi import call_app

GOOD = "https://app.example.com"
SCRIPT = b"console.log('hello');" * 100


def serving(folder: Path) -> ASGIApp:
    app = FastAPI()
    app.add_middleware(HttpConventions)
    install_problems(app)
    app.include_router(web_file_routes(read_web_files(folder)))
    return InboxCors(app, Origins([GOOD]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.js").write_text("outside")
    inside = tmp_path / "web"
    inside.mkdir()
    (inside / "inbox.js").write_bytes(SCRIPT)
    (inside / "inbox.mjs").write_bytes(SCRIPT)
    (inside / "inbox.js.map").write_text("{}")
    (inside / "notes.txt").write_text("not for the web")
    (inside / "link.js").mkdir()
    return inside


@pytest.mark.parametrize(
    ("name", "kind"),
    [("inbox.js", "text/javascript"), ("inbox.mjs", "text/javascript"), ("inbox.js.map", "application/json")],
)
def test_files_have_their_type_and_may_be_kept(folder, name, kind):
    answer = call_app(serving(folder), "GET", f"/client/{name}")
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (200, kind)
    assert answer.body == (folder / name).read_bytes()
    assert answer.headers["cache-control"].startswith("public, max-age=")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_who_has_it_is_not_sent_it_again(folder):
    api = serving(folder)
    for encoding in ("identity", "gzip, br"):
        headers = {"accept-encoding": encoding}
        tag = call_app(api, "GET", "/client/inbox.js", headers=headers).headers["etag"]
        answer = call_app(api, "GET", "/client/inbox.js", headers=headers | {"if-none-match": f'"old", {tag}'})
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag)
    (folder / "inbox.js").write_bytes(SCRIPT + b"//")
    answer = call_app(serving(folder), "GET", "/client/inbox.js", headers=headers | {"if-none-match": tag})
    assert answer.status == 200


def test_packed_for_who_takes_that(folder):
    answer = call_app(serving(folder), "GET", "/client/inbox.js", headers={"accept-encoding": "gzip"})
    assert (answer.headers["content-encoding"], gzip.decompress(answer.body)) == ("gzip", SCRIPT)
    assert len(answer.body) < len(SCRIPT)
    assert "Accept-Encoding" in answer.headers["vary"]


@pytest.mark.parametrize(
    ("header", "takes"),
    [("gzip", True), ("br, gzip;q=0.5", True), ("gzip;q=0", False), ("gzip; q=0.0", False), ("br", False), ("", False)],
)
def test_accept_encoding(header, takes):
    assert accepts_gzip(header) is takes


def test_any_page_may_load_them_also_as_a_module(folder):
    api = serving(folder)
    assert call_app(api, "GET", "/client/inbox.mjs").headers["access-control-allow-origin"] == "*"
    answer = call_app(api, "GET", "/client/inbox.mjs", headers={"origin": GOOD})
    assert answer.headers["access-control-allow-origin"] == GOOD
    assert call_app(api, "HEAD", "/client/inbox.js").body == b""


@pytest.mark.parametrize(
    "path",
    [
        "../secret.js",
        "..%2fsecret.js",
        "%2e%2e/secret.js",
        "..%5csecret.js",
        "web/inbox.js",
        "notes.txt",
        "link.js",
        "%00",
        "inbox.js%00",
        ".",
        "..",
    ],
)
def test_nothing_else_is_to_be_had(folder, path):
    answer = call_app(serving(folder), "GET", f"/client/{path}")
    assert answer.status == 404
    assert b"outside" not in answer.body


def test_where_nothing_was_built_it_says_how(tmp_path):
    answer = call_app(serving(tmp_path / "nowhere"), "GET", "/client/inbox.js")
    assert answer.status == 404
    assert "make web" in answer.json()["fix"]
