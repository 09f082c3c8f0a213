"""Build the site: run the cells that are stale, make the pages with Sphinx, publish them to build/html in one step.

What is in build/html is always a whole build that succeeded: pages are made beside it and exchanged at the end. Two
builds at once wait for each other; after a build that was killed the next one starts over, but for the cells that
have run. Whatever else happens (full disk, no permission, a kernel that dies), the end is one error and the old site.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import gc
import importlib
import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import advice
import interruption
import unchanged
import utf8
from build_folder import SEAL, bring_back, clear, is_sealed, locked, put_in_place, seal
from execute import CELL_SECONDS, add_options, fonts, run
from pages import ExecutionError, Page, Project, Store, collect_claims
from stages import clock

CONF = Path(__file__).resolve().parents[1]
LARGE = (  # what takes longest to load of what makes pages
    "nbclient",
    "nbformat",
    "myst_nb.sphinx_ext",
    "sphinx.ext.autodoc",
    "sphinx_design.extension",
    "fontTools.subset",
)


def load(project: Project, libraries: Iterable[str]) -> None:
    """Load what making pages needs; also the libraries, for the package's own page, where Sphinx remembers no page."""
    _prepare(project)
    import lean_imports

    lean_imports.stand_in()
    for name in (*LARGE, *(() if is_sealed(project.build / "doctrees") else libraries)):
        with contextlib.suppress(Exception):  # what needs it will tell
            importlib.import_module(name)


def _prepare(project: Project) -> None:
    """Let the site's extensions be found, and large libraries be loaded fast and without a user's settings."""
    gc.set_threshold(100_000, 50, 100)  # to look for garbage more often would take a tenth of the time
    os.environ["MPLCONFIGDIR"] = str(fonts(project))
    if (extensions := str(CONF / "extensions")) not in sys.path:
        sys.path.insert(0, extensions)


@interruption.at_once()
def sphinx(project: Project, pages: list[Page], store: Store, tags: Sequence[str] = ()) -> Path | None:
    """Make all pages in an empty folder and return it, or None where there was an error or a single warning.

    Sphinx remembers what it has read, and kept_pages what was written: an edit gives the same bytes as a clean build,
    and pages that are gone leave nothing behind.
    """
    _prepare(project)
    import lean_imports
    import site_state
    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError
    from sphinx.util.console import nocolor
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    fresh, read, reading = (project.build / name for name in ("html.new", "doctrees", "doctrees.new"))
    for leftover in (fresh, reading):
        clear(leftover)
    if is_sealed(read):
        # it comes back only after success: Sphinx warns of a fault when it reads the page, and not again
        read.rename(reading)
        (reading / SEAL).unlink()
    clear(read)
    os.environ["SITE_BUILD"] = str(project.build)
    lean_imports.without_other_builders()
    if not sys.stderr.isatty():
        nocolor()
    try:
        # not Sphinx's own command, which takes an interruption for a failure
        with patch_docutils(CONF), docutils_namespace(), site_state.handed_over(pages, store):
            app = Sphinx(project.docs, CONF, fresh, reading, "html", status=None, warningiserror=True, tags=tags)
            clock.lap("Sphinx starts")
            app.connect("env-updated", lambda app, env: clock.lap("Sphinx reads"), priority=999)
            app.connect("build-finished", lambda app, error: clock.lap("Sphinx writes"), priority=0)
            app.build(force_all=True)
    except SphinxError as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from None
        print(f"{error.category}: {error}", file=sys.stderr)
        return None
    if app.statuscode != 0:
        return None
    clock.lap("post-processing")
    seal(reading)
    reading.rename(read)
    return fresh


def publish(project: Project, fresh: Path, output: Path | None = None) -> Path:
    """Exchange build/html for the pages just made; they are also copied to ``output``, which must not exist."""
    html = project.build / "html"
    for note in (".buildinfo", "_sources"):
        path = fresh / note
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    if output:
        _copy(fresh, output)
    put_in_place(fresh, html)
    return html


def _copy(site: Path, output: Path) -> None:
    """Copy the site, whole or not at all."""
    unfinished = output.with_name(f"{output.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(parents=True)
        for path in sorted(site.rglob("*")):  # copytree would fail with a list of all that it could not copy
            target = unfinished / path.relative_to(site)
            target.mkdir() if path.is_dir() else shutil.copyfile(path, target)
        unfinished.rename(output)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def printer(pdf: str | None) -> str | None:
    """The Chromium that prints the PDF, where one is wanted. Raises ValueError where there must be one and is not."""
    if pdf is None:
        return None
    import browser

    found = browser.find()
    if found is None and pdf == "yes":
        raise ValueError(browser.HOW)
    if found is None:
        print(
            "No Chromium here: the site comes without the PDF of all solutions, and without a link to it.", flush=True
        )
    return found


def print_pdf(project: Project, fresh: Path, chromium: str) -> bool:
    """Print the pages into one PDF among them; False after saying what failed."""
    import book
    import pdf

    print("PDF: all solutions are printed into one file.", flush=True)
    try:
        pdf.make(fresh, project.build / "pdf", chromium)
    except book.BookError as error:
        print(f"\nNot built: the PDF of all solutions: {error}\nbuild/html is what it was.", file=sys.stderr)
        return False
    clock.lap("PDF")
    return True


def build(
    project: Project, jobs: int, seconds: float = CELL_SECONDS, chromium: str | None = None, output: Path | None = None
) -> Path | None:
    """Build the site, with the PDF where a Chromium is given; return where it is, or None after saying what failed.

    The finished site is also copied to ``output``, which must not exist.
    """
    started, tags, html = time.monotonic(), ["pdf"] if chromium else [], project.build / "html"
    with locked(project.build):
        bring_back(html)
        source = unchanged.made_from(project, tags)
        if unchanged.holds(project, source):
            clock.lap("looking for changes")
            print("Nothing has changed since the last build.", flush=True)
            if output:
                _copy(html, output)
            print(f"Looked in {time.monotonic() - started:.1f} s. Open {html / 'index.html'} in a browser.", flush=True)
            return html
        store = Store(project.store)
        try:
            pages = run(project, store, jobs, seconds, functools.partial(load, project))
            collect_claims(pages, store)
        except ExecutionError as error:
            print(f"\n{error}\n\nNot built: mend what stands above. build/html is what it was.", file=sys.stderr)
            return None
        print("Pages: Sphinx makes them.", flush=True)
        fresh = sphinx(project, pages, store, tags)
        if fresh is None:
            print("\nNot built: mend the warnings above. build/html is what it was.", file=sys.stderr)
            return None
        if chromium and not print_pdf(project, fresh, chromium):
            return None
        store.keep_only(page.digest for page in pages)
        publish(project, fresh, output)
        unchanged.remember(project, source)
    clock.lap("publishing")
    print(f"Built in {time.monotonic() - started:.1f} s. Open {html / 'index.html'} in a browser.", flush=True)
    return html


def live(project: Project, jobs: int, seconds: float) -> None:
    """Become the server that shows the site on this machine and rebuilds it at every change, until interrupted."""
    options = ["--jobs", str(jobs), "--cell-seconds", str(seconds)]
    execute = shlex.join([sys.executable, str(CONF / "tools" / "execute.py"), *options])
    command = [sys.executable, "-m", "sphinx_autobuild", "--open-browser", "--port", "0", "--pre-build", execute]
    command += ["--watch", str(project.package), "--watch", str(CONF), "--ignore", "*/__pycache__/*"]
    command += ["-c", str(CONF), str(project.docs), str(project.build / "live")]
    os.execve(sys.executable, command, os.environ | {"SITE_BUILD": str(project.build)})


def main() -> int:
    """The command line."""
    root = CONF.parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser)
    parser.add_argument("--live", action="store_true", help="serve the site and rebuild it whenever something changes")
    parser.add_argument("--times", action="store_true", help="also say where the seconds went, stage by stage")
    parser.add_argument("--output", type=Path, help="also copy the finished site to this folder, which must not exist")
    parser.add_argument(
        "--pdf",
        nargs="?",
        const="yes",
        choices=("yes", "auto"),
        help="also print all solutions into one PDF (auto: where a Chromium is found)",
    )
    options = parser.parse_args()
    if options.output and options.output.exists():
        parser.error(f"--output: {options.output} exists already")
    project = Project(root, root / "build")
    try:
        chromium = printer(options.pdf)
    except ValueError as error:
        parser.error(str(error))
    try:
        if options.live:
            live(project, options.jobs, options.cell_seconds)
        html = build(project, options.jobs, options.cell_seconds, chromium, options.output)
        gc.freeze()  # the process ends soon: to tidy up what it holds would take longer than to let go of it
        if options.times:
            print("\n".join(clock.lines()), flush=True)
    except OSError as error:
        print(f"\nNot built: {advice.from_os_error(error, advice.BUILD)} build/html is what it was.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(interruption.INTERRUPTED, file=sys.stderr)
        return interruption.STATUS
    return 0 if html is not None else 1


if __name__ == "__main__":
    utf8.insist()
    sys.exit(main())
