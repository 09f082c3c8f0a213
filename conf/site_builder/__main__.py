"""The command line: ``python -m site_builder html``, ``live``, ``cells`` or ``margins``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from site_builder import build, margins
from site_builder.pages import ROOT, ExecutionError
from site_builder.run_cells import CELL_SECONDS, cores

UNCHANGED = "build/html is what it was."


def positive(number: Callable[[str], Any]) -> Callable[[str], Any]:
    """A reader of positive numbers."""

    def read(text: str) -> Any:
        if not (value := number(text)) > 0:
            raise argparse.ArgumentTypeError(f"must be more than 0, not {text}")
        return value

    return read


def options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m site_builder", description=__doc__)
    running = argparse.ArgumentParser(add_help=False)
    running.add_argument("--jobs", type=positive(int), default=cores(), help="pages at a time (default: one a core)")
    running.add_argument(
        "--cell-seconds",
        type=positive(float),
        default=CELL_SECONDS,
        metavar="SECONDS",
        help=f"how long a cell may run before its page fails (default: {CELL_SECONDS:g})",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    html = commands.add_parser("html", parents=[running], help="build the site in build/html")
    html.add_argument(
        "--pdf",
        nargs="?",
        const="yes",
        choices=("yes", "auto"),
        help="also print all solutions into one PDF (auto: where a Chromium is found)",
    )
    commands.add_parser("live", parents=[running], help="serve the site and rebuild it whenever something changes")
    commands.add_parser("cells", parents=[running], help="only run the cells that are stale")
    margins.add_options(commands.add_parser("margins", parents=[running], help=margins.__doc__.split("\n")[0]))
    return parser.parse_args()


def main() -> int:
    """Do what is asked; return the exit status."""
    given = options()
    try:
        if given.command == "html":
            build.build(ROOT, given.jobs, given.cell_seconds, given.pdf)
        elif given.command == "live":
            build.live(ROOT, given.jobs, given.cell_seconds)
        elif given.command == "cells":
            build.run_cells(ROOT, given.jobs, given.cell_seconds)
        else:
            return margins.run(ROOT, given)
    except (build.BuildError, ExecutionError) as error:
        print(f"\nNot built: {error}\n{UNCHANGED}", file=sys.stderr)
        return 1
    except OSError as error:
        what = f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
        print(f"\nNot built: {what}. {UNCHANGED}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
