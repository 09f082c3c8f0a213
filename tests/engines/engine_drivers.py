"""Browsers that are on this machine, with one way to drive them all.

An engine has a name and the methods goto, run (the body of a function; a promise is waited for), press (a chord such as
"Control+k"), write, reload and print (a PDF; not where ``prints`` is false). Playwright drives Chromium, and its own
Firefox and WebKit where they are. Otherwise WebDriver drives firefox-esr, over Marionette's socket, and WebKitGTK's
MiniBrowser, over HTTP.
"""

import base64
import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from site_builder import chromium

ENGINES = ("chromium", "firefox", "webkit")
PATIENCE = 120  # seconds for a browser to start, and for one command
KEYS = {"Control": "\ue009", "Enter": "\ue007", "ArrowRight": "\ue014"}
PATHS = {"Navigate": "url", "Refresh": "refresh", "ExecuteScript": "execute/sync", "PerformActions": "actions"}
FIREFOX = 'user_pref("marionette.port", 0); user_pref("app.update.disabledForTesting", true);'  # any free port


class MissingError(Exception):
    """The engine is not on this machine; the message says what was looked for."""


class Driven:
    """An engine that Playwright drives."""

    def __init__(self, kind: str, browser: Any) -> None:
        self.name, self.prints, self.page = f"{kind} {browser.version}", kind == "chromium", browser.new_page()
        self.goto, self.reload = self.page.goto, self.page.reload
        self.press, self.write = self.page.keyboard.press, self.page.keyboard.type

    def run(self, script: str, *values: Any) -> Any:
        return self.page.evaluate(f"async (values) => (async function () {{ {script} }})(...values)", values)

    def print(self) -> bytes:
        return self.page.pdf(format="A4", prefer_css_page_size=True)


class WebDriver:
    """An engine that takes the commands of WebDriver: ``send`` hands one over and gives what is answered."""

    def __init__(self, name: str, send: Callable[..., Any], prints: bool) -> None:
        self.name, self.send, self.prints = name, send, prints

    def goto(self, address: str) -> None:
        self.send("Navigate", url=address)

    def reload(self) -> None:
        self.send("Refresh")

    def run(self, script: str, *values: Any) -> Any:
        return self.send("ExecuteScript", script=script, args=values)

    def press(self, chord: str) -> None:
        keys = [KEYS.get(key, key) for key in chord.split("+")]
        self._strike([("keyDown", key) for key in keys] + [("keyUp", key) for key in reversed(keys)])

    def write(self, text: str) -> None:
        self._strike([(way, letter) for letter in text for way in ("keyDown", "keyUp")])

    def _strike(self, keys: list[tuple[str, str]]) -> None:
        actions = [{"type": way, "value": key} for way, key in keys]
        self.send("PerformActions", actions=[{"type": "key", "id": "keyboard", "actions": actions}])

    def print(self) -> bytes:
        return base64.b64decode(self.send("Print", page={"width": 21, "height": 29.7}))


def _wait(ready: Callable[[], Any], what: str) -> Any:
    """What ``ready`` gives as soon as it gives something."""
    for _ in range(10 * PATIENCE):
        with contextlib.suppress(OSError, ValueError):
            if found := ready():
                return found
        time.sleep(0.1)
    raise TimeoutError(f"{what} did not start within {PATIENCE} s")


def _begin(stack: contextlib.ExitStack, *command: str, **options: Any) -> subprocess.Popen[bytes]:
    """Start a program, to end with the stack."""
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, **{"stdout": subprocess.DEVNULL} | options)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    return process


def _firefox(stack: contextlib.ExitStack, executable: str) -> WebDriver:
    profile = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
    (profile / "user.js").write_text(FIREFOX)
    _begin(stack, executable, "--headless", "--marionette", "--profile", str(profile))
    port = _wait(lambda: int((profile / "MarionetteActivePort").read_text()), executable)
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE))
    answers = connection.makefile("rb")

    def read() -> Any:
        length = b""
        while (digit := answers.read(1)).isdigit():
            length += digit
        return json.loads(answers.read(int(length)))

    def send(command: str, **values: Any) -> Any:
        message = json.dumps([0, 1, f"WebDriver:{command}", values]).encode()
        connection.sendall(b"%d:%b" % (len(message), message))
        _, _, error, result = read()
        assert error is None, f"{command}: {error}"
        return result.get("value", result)

    read()  # the greeting
    version = send("NewSession")["capabilities"]["browserVersion"]
    return WebDriver(f"firefox {version}", send, prints=True)


def _webkit(stack: contextlib.ExitStack, executable: str, browser: str) -> WebDriver:
    display = os.environ.get("DISPLAY")
    if not display:
        screen = _begin(stack, "Xvfb", "-displayfd", "1", "-nolisten", "tcp", stdout=subprocess.PIPE)
        display = f":{screen.stdout.readline().decode().strip()}"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    _begin(stack, executable, f"--port={port}", env=os.environ | {"DISPLAY": display, "GDK_BACKEND": "x11"})

    def ask(path: str, values: Any = None, method: str | None = None) -> Any:
        body = None if values is None else json.dumps(values).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}", body, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)["value"]

    _wait(lambda: ask("status"), executable)
    options = {"webkitgtk:browserOptions": {"binary": browser, "args": ["--automation"]}}
    made = ask("session", {"capabilities": {"alwaysMatch": options}})
    session = f"session/{made['sessionId']}"
    stack.callback(ask, session, method="DELETE")
    version = made["capabilities"]["browserVersion"]
    return WebDriver(f"webkit {version}", lambda command, **values: ask(f"{session}/{PATHS[command]}", values), False)


@contextlib.contextmanager
def start(kind: str) -> Iterator[Driven | WebDriver]:
    """A browser with this engine. Raises MissingError where there is none."""
    with contextlib.ExitStack() as stack:
        found = chromium.find() if kind == "chromium" else None
        playwright = getattr(stack.enter_context(sync_playwright()), kind)
        firefox, driver = shutil.which("firefox-esr") or shutil.which("firefox"), shutil.which("WebKitWebDriver")
        mini = next(map(str, Path("/usr").glob("lib*/**/webkit2gtk-4.1/MiniBrowser")), "") if driver else ""
        if found or Path(playwright.executable_path).is_file():
            options = ["--no-sandbox"] if kind == "chromium" else []
            browser = stack.enter_context(playwright.launch(executable_path=found, args=options))
            yield Driven(kind, browser)
        elif kind == "firefox" and firefox:
            yield _firefox(stack, firefox)
        elif kind == "webkit" and driver and mini and (os.environ.get("DISPLAY") or shutil.which("Xvfb")):
            yield _webkit(stack, driver, mini)
        else:
            also = {"firefox": ", no Firefox", "webkit": ", no WebKitWebDriver with MiniBrowser and a display or Xvfb"}
            raise MissingError(f"{kind}: not Playwright's own{also.get(kind, ', no other')}")
