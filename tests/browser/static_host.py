"""The built site as a static host serves it: compressed, to be kept by the browser, with its page for errors."""

import contextlib
import functools
import gzip
import http.server
import mimetypes
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMPRESSED = {".html", ".css", ".js", ".json", ".ipynb", ".svg", ".xml", ".txt"}  # the others are so already


@functools.lru_cache(maxsize=512)
def _packed(path: Path, changed: int, zipped: bool) -> tuple[bytes, str]:
    """The bytes sent for a file and their tag; the time of its change is there for the cache."""
    body = gzip.compress(path.read_bytes(), 6, mtime=0) if zipped else path.read_bytes()
    return body, f'"{sha256(body).hexdigest()[:16]}"'


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *connection: object, folder: Path) -> None:
        self.folder = folder
        super().__init__(*connection)

    def log_message(self, format: str, *words: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Send the file, nothing where the browser has it already, or 404.html where there is no such file."""
        path = (self.folder / unquote(urlsplit(self.path).path).lstrip("/")).resolve()
        path, status = (path / "index.html" if path.is_dir() else path), 200
        if not path.is_file() or not path.is_relative_to(self.folder):
            path, status = self.folder / "404.html", 404
        zipped = path.suffix in COMPRESSED and "gzip" in self.headers.get("Accept-Encoding", "")
        body, tag = _packed(path, path.stat().st_mtime_ns, zipped)
        if status == 200 and self.headers.get("If-None-Match") == tag:
            body, status = b"", 304
        self.send_response(status)
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=600")  # what GitHub Pages says of every file
        self.send_header("ETag", tag)
        self.send_header("Vary", "Accept-Encoding")
        if zipped:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *connection: object) -> None:
        """Do not complain of a browser that leaves while it is being served."""


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine alone, at any free port; gives the address, without a slash at its end."""
    server = _Server(("127.0.0.1", 0), functools.partial(_Handler, folder=folder.resolve()))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
