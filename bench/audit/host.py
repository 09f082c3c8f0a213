"""The built site as a static host serves it: over HTTP/1.1, compressed, to be kept by the reader's browser."""

from __future__ import annotations

import contextlib
import functools
import gzip
import http.server
import threading
from collections.abc import Iterator
from email.utils import formatdate
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote, urlsplit

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".ipynb": "application/x-ipynb+json",
    ".svg": "image/svg+xml",
    ".xml": "application/xml",
    ".txt": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".pdf": "application/pdf",
}
COMPRESSED = {".html", ".css", ".js", ".json", ".ipynb", ".svg", ".xml", ".txt"}  # the others are so already
KEEP = "max-age=600"  # what GitHub Pages says of every file


@functools.lru_cache(maxsize=512)
def _answer(path: Path, size: int, changed: int, zipped: bool) -> tuple[bytes, str]:
    """The bytes sent for a file and their tag; size and time of change are there for the cache."""
    body = path.read_bytes()
    body = gzip.compress(body, 6, mtime=0) if zipped else body
    return body, f'"{sha256(body).hexdigest()[:16]}"'


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers GET and HEAD with files of one folder, and with its 404.html where there is no such file."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *connection: object, folder: Path) -> None:
        self.folder = folder
        super().__init__(*connection)  # type: ignore[arg-type]

    def log_message(self, format: str, *words: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Send the file, or nothing where the browser has it already."""
        path = (self.folder / unquote(urlsplit(self.path).path).lstrip("/")).resolve()
        path = path / "index.html" if path.is_dir() else path
        status = HTTPStatus.OK
        if not path.is_file() or not path.is_relative_to(self.folder):
            status, path = HTTPStatus.NOT_FOUND, self.folder / "404.html"
        zipped = path.suffix in COMPRESSED and "gzip" in self.headers.get("Accept-Encoding", "")
        body, tag = b"no such page", '""'
        if path.is_file():
            facts = path.stat()
            body, tag = _answer(path, facts.st_size, facts.st_mtime_ns, zipped)
        if status == HTTPStatus.OK and self.headers.get("If-None-Match") == tag:
            status, body = HTTPStatus.NOT_MODIFIED, b""
        self.send_response(status)
        self.send_header("Content-Type", TYPES.get(path.suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", KEEP)
        self.send_header("ETag", tag)
        self.send_header("Vary", "Accept-Encoding")
        if path.is_file():
            self.send_header("Last-Modified", formatdate(path.stat().st_mtime, usegmt=True))
        if zipped:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name is http.server's


class Server(http.server.ThreadingHTTPServer):
    """Does not complain of a browser that leaves while it is being served."""

    daemon_threads = True

    def handle_error(self, *connection: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine alone, at any free port; gives the address, without a slash at its end."""
    server = Server(("127.0.0.1", 0), functools.partial(Handler, folder=folder.resolve()))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
