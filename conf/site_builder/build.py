"""Build the site: run the cells that are stale, make all pages with Sphinx from nothing, publish them in one step.

What is in build/html is always a whole build that succeeded: pages are made beside it and exchanged at the end. Two
builds at once wait for each other. Whatever else happens, the end is one error and the old site.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from site_builder.build_folder import bring_back, clear, locked, put_in_place
from site_builder.pages import collect_claims, outputs_store
from site_builder.run_cells import run_stale

CONF = Path(__file__).resolve().parents[1]


class BuildError(Exception):
    """The site was not built; the message says why."""


def build(root: Path, jobs: int, seconds: float, pdf: str | None = None) -> Path:
    """Build the site and return where it is; ``pdf`` is "yes", "auto" (where a Chromium is found) or None.

    Raises BuildError, ExecutionError and OSError; then build/html is what it was.
    """
    started, folder = time.monotonic(), root / "build"
    html, fresh = folder / "html", folder / "html.new"
    chromium = _printer(pdf)
    with locked(folder) as lock:
        bring_back(html)
        for leftover in (fresh, folder / "doctrees"):
            clear(leftover)
        store = outputs_store(folder)
        pages = run_stale(root, store, folder, jobs, seconds)
        collect_claims(pages, store)
        print("Pages: Sphinx makes them.", flush=True)
        command = [*sphinx(root), *(("-t", "pdf") if chromium else ()), "-d", str(folder / "doctrees")]
        # a process of its own, which keeps the folder locked if this one is killed
        if subprocess.run([*command, str(root / "docs"), str(fresh)], env=_variables(root), pass_fds=[lock]).returncode:
            raise BuildError("mend what stands above.")
        if chromium:
            _print_pdf(folder, fresh, chromium)
        store.keep_only(page.digest for page in pages)
        for note in (".buildinfo", "_sources"):
            clear(fresh / note)
        put_in_place(fresh, html)
        clear(folder / "doctrees")
    print(f"Built in {time.monotonic() - started:.1f} s. Open {html / 'index.html'} in a browser.", flush=True)
    return html


def sphinx(root: Path) -> list[str]:
    """The command that makes all pages: warnings are errors, and an error of an extension comes with its lines."""
    return [sys.executable, "-m", "sphinx", "build", "-b", "html", "-W", "-T", "-q", "-c", str(root / "conf")]


def _variables(root: Path) -> Mapping[str, str]:
    """The environment of Sphinx: the folder that it shares with the cells."""
    return os.environ | {"SITE_BUILD": str(root / "build"), "MPLCONFIGDIR": str(root / "build/matplotlib")}


def _printer(pdf: str | None) -> str | None:
    """The Chromium that prints the PDF, where one is wanted."""
    if pdf is None:
        return None
    from site_builder import chromium

    try:
        found = chromium.find()
    except ValueError as error:
        raise BuildError(str(error)) from None
    if found is None and pdf == "yes":
        raise BuildError(chromium.HOW)
    if found is None:
        print(
            "No Chromium here: the site comes without the PDF of all solutions, and without a link to it.", flush=True
        )
    return found


def _print_pdf(folder: Path, fresh: Path, chromium: str) -> None:
    """Print the pages into one PDF among them."""
    from site_builder import book, pdf

    print("PDF: all solutions are printed into one file.", flush=True)
    try:
        pdf.make(fresh, folder / "pdf", chromium)
    except book.BookError as error:
        raise BuildError(f"the PDF of all solutions: {error}") from None


def live(root: Path, jobs: int, seconds: float) -> None:
    """Become the server that shows the site on this machine and rebuilds it at every change, until interrupted."""
    folder = root / "build" / "live"
    options = ["--jobs", str(jobs), "--cell-seconds", str(seconds)]
    command = [sys.executable, "-m", "sphinx_autobuild", "--open-browser", "--port", "0", "--delay", "0"]
    command += ["--pre-build", shlex.join([sys.executable, "-m", "site_builder", "cells", *options])]
    command += ["--watch", str(root / "code"), "--watch", str(CONF), "--ignore", "*/__pycache__/*"]
    command += ["-t", "live", "-q", "-T", "-c", str(CONF), "-d", str(folder / "doctrees")]
    command += [str(root / "docs"), str(folder / "html")]
    os.execve(sys.executable, command, {**_variables(root), "PYTHONUNBUFFERED": "1"})


def run_cells(root: Path, jobs: int, seconds: float) -> None:
    """Run the cells that are stale, and no more. Raises ExecutionError and OSError."""
    with locked(root / "build"):
        run_stale(root, outputs_store(root / "build"), root / "build", jobs, seconds)
