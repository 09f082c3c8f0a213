"""Does a test notice when a formula is wrong? Try the package with one small error at a time.

Each mutant (see mutations.py) is run against the tests of tests/package that touch its lines. It is killed where a test
fails, hangs or runs out of memory. Those that survive are explained in tests/mutants.toml, by module, function and the
statement before and after: as "equivalent", when nobody could tell them from the original, or as "alive", when a test
could but none does, with the reason. The exit status is 0 only if at least 95 % of those that are not equivalent are
killed, all others are explained, and no explanation is out of date.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import functools
import os
import random
import sys
import time
import tomllib
from pathlib import Path

from execute import cores
from mutant_runs import ALIVE, KILLED, WITHOUT_EFFECT, Subject, in_children, load_libraries, verdict
from mutant_tests import BaselineError, Touched, limit, record, tests_of
from mutations import Mutant, mutants

ROOT = Path(__file__).resolve().parents[2]
SHARE = 0.95  # of the mutants that are not equivalent must be killed
EVERY = 5.0  # seconds between two lines of progress
Key = tuple[str, str, str, str]


class ExplanationError(Exception):
    """tests/mutants.toml is not as it should be; the message says where."""


def explanations(root: Path) -> dict[Key, str]:
    """The kind, "equivalent" or "alive", of every mutant that is explained. Raises ExplanationError."""
    path, found = root / "tests" / "mutants.toml", {}
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except tomllib.TOMLDecodeError as error:
        raise ExplanationError(f"{path.name}: {error}") from None
    for number, entry in enumerate(entries.get("mutant", []), start=1):
        missing = {"module", "function", "before", "after", "kind", "reason"} - set(entry)
        if missing or entry["kind"] not in ("equivalent", "alive") or not entry["reason"].strip():
            raise ExplanationError(
                f"{path.name}, entry {number}: needs module, function, before, after, a reason and the kind "
                f'"equivalent" or "alive"'
            )
        key = entry["module"], entry["function"], entry["before"], entry["after"]
        if key in found:
            raise ExplanationError(f"{path.name}, entry {number}: explains the same mutant as one before it")
        found[key] = entry["kind"]
    return found


def try_all(subject: Subject, chosen: list[Mutant], touched: list[Touched], jobs: int) -> dict[Mutant, int]:
    """The verdict on every mutant, with a line of progress every few seconds."""
    results: dict[Mutant, int] = {}
    tasks = (
        (mutant, functools.partial(verdict, subject, mutant, [each.test for each in tests]), limit(tests))
        for mutant in chosen
        for tests in [tests_of(mutant, touched)]
    )
    started = shown = time.monotonic()
    with contextlib.closing(in_children(tasks, jobs, lambda _: Path(os.devnull))) as ended:
        for one in ended:
            if one is not None:
                mutant, code = one
                results[mutant] = code if code in (ALIVE, WITHOUT_EFFECT) else KILLED
                if code == ALIVE:
                    print(f"  alive: {mutant}", flush=True)
            if time.monotonic() - shown > EVERY:
                shown = time.monotonic()
                _progress(results, len(chosen), shown - started)
    _progress(results, len(chosen), time.monotonic() - started)
    return {mutant: results[mutant] for mutant in chosen}


def _progress(results: dict[Mutant, int], total: int, seconds: float) -> None:
    counts = collections.Counter(results.values())
    left = seconds / max(len(results), 1) * (total - len(results))
    alive = counts[ALIVE]
    print(
        f"  {len(results)} of {total}: {counts[KILLED]} killed, {alive} alive, {seconds:.0f} s, {left:.0f} s left",
        flush=True,
    )


def report(results: dict[Mutant, int], explained: dict[Key, str], complete: set[str]) -> bool:
    """Print a table by module, the survivors, and what is wrong with the explanations; return whether all is well.

    `complete`: the modules whose mutants were all tried.
    """
    modules = list(dict.fromkeys(mutant.module for mutant in results))
    table = {name: collections.Counter[str]() for name in modules}
    unexplained, killed_yet_explained = [], []
    for mutant, result in results.items():
        kind = explained.get(mutant.key)
        if result == KILLED and kind is not None:
            killed_yet_explained.append(mutant)
        word = {KILLED: "killed", WITHOUT_EFFECT: "without effect"}.get(result, kind or "unexplained")
        table[mutant.module][word] += 1
        if word == "unexplained":
            unexplained.append(mutant)
    words = ["killed", "alive", "unexplained", "equivalent", "without effect"]
    print(f"\n{'module':16}" + "".join(f"{word:>16}" for word in words) + f"{'killed of those that are not':>32}")
    total = sum(table.values(), collections.Counter[str]())
    for name, counts in [*table.items(), ("all", total)]:
        print(f"{name:16}" + "".join(f"{counts[word]:16}" for word in words) + f"{_share(counts):32.1%}")
    _list("Survivors that tests/mutants.toml does not explain", map(str, unexplained))
    _list("Explained as survivors, yet killed", map(str, killed_yet_explained))
    known = {mutant.key for mutant in results}
    gone = [" | ".join(key) for key in explained if key[0] in complete and key not in known]
    _list("Explained, but there is no such mutant any more", gone)
    enough = _share(total) >= SHARE
    if not enough:
        print(f"\nFewer than {SHARE:.0%} of the mutants that are not equivalent were killed.")
    return enough and not (unexplained or killed_yet_explained or gone)


def _share(counts: collections.Counter[str]) -> float:
    """The share of killed ones among those that are not equivalent; those without effect are no mutants at all."""
    tried = counts["killed"] + counts["alive"] + counts["unexplained"]
    return counts["killed"] / tried if tried else 1.0


def _list(head: str, lines: object) -> None:
    found = list(lines)  # type: ignore[call-overload]
    if found:
        print(f"\n{head} ({len(found)}):", *found, sep="\n  ")


def main(root: Path = ROOT, arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog='Example: make mutants MODULES="dirac packing". All modules take a quarter of an hour on two cores.',
    )  # fmt: skip
    parser.add_argument("modules", nargs="*", help="modules of the package, such as dirac (default: all)")
    parser.add_argument("--sample", type=int, help="try only so many mutants, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default: 0)")
    parser.add_argument("--jobs", type=int, default=cores(), help="mutants tried at a time (default: one per core)")
    parser.add_argument("--list", action="store_true", help="list the mutants and try none")
    options = parser.parse_args(arguments)
    subject = Subject(root)
    names = sorted(path.stem for path in subject.package.glob("*.py"))
    unknown = sorted(set(options.modules) - set(names))
    if unknown:
        parser.error(f"there is no module {', '.join(unknown)}: there are {', '.join(names)}")
    if options.jobs < 1 or (options.sample is not None and options.sample < 1):
        parser.error("--jobs and --sample must be at least 1")
    complete = options.modules or names
    made = [mutant for name in complete for mutant in _mutants_of(subject, name)]
    chosen = made
    if options.sample is not None and options.sample < len(made):
        chosen, complete = random.Random(options.seed).sample(made, options.sample), []
    if options.list:
        print(*(f"{mutant.kind:10}  {mutant}" for mutant in chosen), sep="\n")
        return 0
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        explained = explanations(root)
        load_libraries(subject)
        touched = record(subject, options.jobs, lambda line: print(line, flush=True))
        print(f"{len(chosen)} mutants of {len(made)}, {options.jobs} at a time.", flush=True)
        results = try_all(subject, chosen, touched, options.jobs)
    except KeyboardInterrupt:
        print("\nInterrupted. Which test touches which lines is kept in build/mutants.", file=sys.stderr)
        return 130
    except (ExplanationError, BaselineError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0 if report(results, explained, set(complete)) else 1


def _mutants_of(subject: Subject, name: str) -> list[Mutant]:
    path = subject.module(name)
    return mutants(name, path.read_text(encoding="utf-8"), str(path))


if __name__ == "__main__":
    sys.exit(main())
