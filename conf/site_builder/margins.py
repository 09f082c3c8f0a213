"""Repeat pages with other seeds and say which claims hold, with which smallest and largest value.

Closed forms do not depend on seeds and are left out unless they are off. Nothing is stored and the site is not touched.
The seeds of a repetition are those of genmodels.site.seeds, so the same command gives the same table.
"""

import argparse
import concurrent.futures
import contextlib
import io
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from site_builder import cell_process
from site_builder.pages import Page, read_pages


def repeat(cells: list[str], number: int) -> list[Any]:
    """Run the cells with the seeds of this repetition; return their claims, whether they hold or not."""
    import genmodels.site.claims
    from genmodels.site.seeds import REPEAT

    os.environ[REPEAT] = str(number)
    made: list[Any] = []
    names: dict[str, Any] = {"__name__": "__main__"}
    with patch.object(genmodels.site.claims, "record", made.append), contextlib.redirect_stdout(io.StringIO()):
        for index, cell in enumerate(cells, start=1):
            exec(compile(cell, f"cell {index}", "exec"), names)
    return made


def table(repetitions: Iterable[list[Any]]) -> tuple[list[str], int]:
    """A line per claim that varies or is off, and one for the others; and how many claims are off at least once."""
    claims: dict[str, list[Any]] = {}
    for made in repetitions:
        for claim in made:
            claims.setdefault(claim.id, []).append(claim)
    lines, failed = [], 0
    for name, made in claims.items():
        values, held = [claim.value for claim in made], sum(claim.ok for claim in made)
        failed += held < len(made)
        if held < len(made) or (made[0].kind != "closed-form" and len(set(values)) > 1):
            mark = "ok " if held == len(made) else "OFF"
            lines.append(
                f"{mark} {held:3} of {len(made)}  {name:34} {min(values):11.5g} to {max(values):11.5g}   "
                f"expected {made[0].expected}"
            )
    return [
        *lines,
        f"{len(claims) - len(lines)} other claims had the same value each time, or are closed forms: all held.",
    ], failed


def measure(page: Page, repetitions: int, jobs: int) -> int:
    """Repeat one page and print its table; return how many of its claims are off at least once."""
    cells = [cell.source for cell in page.cells]
    started, made = time.monotonic(), []
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(jobs, mp_context=context, max_tasks_per_child=1) as pool:
        waiting = [pool.submit(repeat, cells, number) for number in range(1, repetitions + 1)]
        for done, future in enumerate(concurrent.futures.as_completed(waiting), start=1):
            made.append(future.result())
            print(f"  {page.name}: {done} of {repetitions}, {time.monotonic() - started:.0f} s", flush=True)
    lines, failed = table(made)
    head = f"{page.name}, {repetitions} repetitions: which claims held how often, smallest to largest value, expected"
    print("\n".join([head, *lines, ""]), flush=True)
    return failed


def add_options(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.epilog = "Ten repetitions of a page take two to five minutes. The exit status is 1 where a claim was off."
    parser.add_argument("pages", nargs="*", help="pages by the start of their file name, such as 1a (default: all)")
    parser.add_argument("--repetitions", type=int, default=10, help="how often, each with other seeds (default: 10)")


def run(root: Path, given: argparse.Namespace) -> int:
    """Measure the pages that are named; return the exit status. Raises ExecutionError."""
    pages = read_pages(root)
    wanted = tuple(given.pages) or ("",)
    names = [Path(page.name).name for page in pages]
    if unknown := [name for name in wanted if not any(page.startswith(name) for page in names)]:
        print(f"No page with cells is called {', '.join(unknown)}: there are {', '.join(names)}.", file=sys.stderr)
        return 2
    with cell_process.surroundings(root / "build"):
        chosen = [page for page, name in zip(pages, names, strict=True) if name.startswith(wanted)]
        failed = sum(measure(page, given.repetitions, given.jobs) for page in chosen)
    print(f"{failed} claims did not hold in every repetition." if failed else "Every claim held in every repetition.")
    return 1 if failed else 0
