"""How fast is the build? The same pages built by this project and by the usual tools, in one run, one after the other.

Each tool builds in a copy of its own, below build/bench/run: cold, unchanged, after one sentence was added to one page,
after a module of the package was edited that some pages import. Every tool is there twice, as its documentation sets it
up and with its best settings. This project builds its whole site: with --pages, the cells of these pages only are run,
but after the module's edit those of all pages that import it.
In each round all but the first case are repeated, with an edit more each time, unless that takes more than a minute:
there is no doubt then which tool is faster. But for the cold build: this project and the tools that come within a fifth
of it start from nothing three times in all. Nothing else should run meanwhile. The report goes to the screen and to
build/bench/tools.md and tools.json. All pages take an hour: less with --pages, --tools or --columns. The first run
installs the tools.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path += [str(ROOT / "conf" / "tools"), str(ROOT / "conf" / "extensions")]

import contestants  # noqa: E402
import measure  # noqa: E402
import psutil  # noqa: E402
import sources  # noqa: E402
import speed  # noqa: E402
from contestants import CONTESTANTS, OURS, Contestant  # noqa: E402
from pages import Project, Store, code_cells, imported_modules, read_pages  # noqa: E402

OUT, KEPT = ROOT / "build" / "bench", ROOT / "bench" / "results"
RAN = re.compile(r"^  (\S+): done, \d+ cells?", re.M)
STAGE = re.compile(r"^Seconds, (.+): ([\d.]+)$", re.M)
MEASURES = ("wall", "cpu", "peak")
LONG = 60.0  # seconds: what takes longer is measured once a round
CLOSE, DECIDING = 0.2, 3  # whose cold build differs from ours by no larger share is measured so often
STARTS = 3  # a tool may fail by chance, in a race of its processes: so often it may start from nothing
Cases = dict[str, Any]
"""What a contestant took in each case: for each measure a list, a number for each build."""


def machine() -> dict[str, Any]:
    """What this is measured on."""
    model = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.M)
    return {
        "processor": model[1] if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory": round(psutil.virtual_memory().total / 1e9),
        "system": f"Linux {platform.release().partition('-')[0]}, Python {platform.python_version()}",
    }


def stamp() -> dict[str, str]:
    """When, and on which commit."""
    commit = subprocess.run(["git", "rev-parse", "--short=10", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    now = datetime.datetime.now(datetime.UTC)
    edited = subprocess.run(["git", "diff", "--quiet", "HEAD"], cwd=ROOT, capture_output=True).returncode == 1
    return {"date": f"{now:%-d %B %Y}", "commit": (commit.stdout.strip() or "unknown") + " with edits" * edited}


def copy_project(folder: Path) -> None:
    """Copy what git would commit, as a repository of its own: pages look up when they were changed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "As measured"]):
        subprocess.run([*git, *arguments], cwd=folder, check=True, capture_output=True)


class Theirs:
    """Another tool in a folder of its own."""

    def __init__(self, contestant: Contestant, folder: Path, home: Path, jupytext: Path) -> None:
        self.contestant, self.folder, self.home, self.jupytext = contestant, folder, home, jupytext
        self.tool, self.column = contestant.tool, contestant.column
        self.package = folder / "code" / "genmodels"
        self.environment = contestants.environment(home, folder)
        self.command = self._called(contestant.command)

    def _called(self, command: Sequence[str]) -> list[str]:
        return [str(self.home / "bin" / command[0]), *command[1:]]

    def describe(self) -> dict[str, Any]:
        """Versions and settings."""
        settings = [vars(setting) for setting in self.contestant.settings]
        return {"versions": contestants.versions(self.home, self.contestant.packages), "settings": settings}

    def prepare(self, pages: Sequence[sources.Source]) -> None:
        """Write everything anew."""
        shutil.rmtree(self.folder, ignore_errors=True)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "code" / "genmodels", self.package, ignore=ignored)
        contestants.write_kernel(self.folder, self.package)
        for source in pages:
            sources.write(source, self.folder / "site" / self.contestant.pages, self.contestant.suffix, self.jupytext)
        for name, text in self.contestant.files.items():
            path = self.folder / "site" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self._filled(name, text, pages), encoding="utf-8")
        if self.contestant.once:
            once = measure.measured(self._called(self.contestant.once), self.folder / "site", self.environment)
            if once.code != 0:
                raise sources.SourceError(f"{self.tool}: {' '.join(self.contestant.once)}: {once.output.strip()}")

    def _filled(self, name: str, text: str, pages: Sequence[sources.Source]) -> str:
        before = {"_toc.yml": "- file: ", "index.rst": "   "}.get(name, "")
        return text.format(pages="\n".join(before + page.name for page in pages)) if "{pages}" in text else text

    def source(self, page: sources.Source) -> Path:
        """The page's file."""
        return self.folder / "site" / self.contestant.pages / f"{page.name}{self.contestant.suffix}"

    def built(self, page: sources.Source) -> Path:
        """The built page."""
        return self.folder / "site" / self.contestant.html.format(name=page.name)

    def build(self) -> measure.Measured:
        """Build once."""
        return measure.measured(self.command, self.folder / "site", self.environment)


class Ours:
    """This project in a folder of its own; what ran, and its stages, are read from what it says."""

    tool, column = OURS, contestants.DOCUMENTED

    def __init__(self, folder: Path, module: str, shown_on: str) -> None:
        self.folder, self.module, self.shown_on = folder, module, shown_on
        self.package = folder / "code" / "genmodels"
        self.environment = contestants.clean_environment() | {"PYTHONPATH": str(folder / "code")}
        self.command = [sys.executable, "conf/tools/build.py", "--times"]

    def describe(self) -> dict[str, Any]:
        """Versions; there are no settings."""
        return {"versions": contestants.versions(Path(sys.prefix), ("Sphinx", "myst-nb")), "settings": []}

    def prepare(self, pages: Sequence[sources.Source]) -> None:
        """Copy everything anew, with the cell that prints; with the stored outputs of all pages that are not asked."""
        shutil.rmtree(self.folder, ignore_errors=True)
        copy_project(self.folder)
        for page in pages:
            if page.question == self.shown_on:
                sources.add_printing(self.source(page), self.module)
        project, asked = Project(self.folder, self.folder / "build"), {page.name for page in pages}
        kept, store = Store(ROOT / "build" / "execution"), Store(project.store)
        for executed in read_pages(project):
            if executed.name.rpartition("/")[2] not in asked:
                outputs = kept.get(executed.digest)
                if outputs is None:
                    raise sources.SourceError(f"{executed.name} is out of date in build/: run 'make html' first.")
                store.put(executed.digest, outputs)

    def source(self, page: sources.Source) -> Path:
        """The page's file."""
        return next((self.folder / "docs").glob(f"sheet-*/{page.name}.md"))

    def built(self, page: sources.Source) -> Path:
        """The built page."""
        path = self.source(page).relative_to(self.folder / "docs").with_suffix(".html")
        return self.folder / "build" / "html" / path

    def build(self) -> measure.Measured:
        """Build once."""
        return measure.measured(self.command, self.folder, self.environment)


def problems(contestant: Theirs | Ours, pages: Iterable[sources.Source], done: measure.Measured) -> list[str]:
    """What went wrong in a build: its status, pages that are missing, outputs that are not on them."""
    if done.code != 0:
        return [f"status {done.code}: {done.output.strip()[-1500:]}"]
    found = []
    for page in pages:
        path = contestant.built(page)
        if not path.is_file():
            found.append(f"{page.name} was not built")
        elif missing := sources.missing_outputs(path.read_text(encoding="utf-8"), page.claims):
            found.append(f"{page.name} lacks {len(missing)} of {len(page.claims)} outputs, {missing[0]} first")
    return found


def play(
    contestant: Theirs | Ours, pages: Sequence[sources.Source], shown_on: str, module: str, last: str, repeats: int
) -> Cases:
    """One round: the cases one after the other, from nothing, up to the last that is asked for; what each took."""
    shown = next(page for page in pages if page.question == shown_on)
    cold, *others = speed.CASES
    found = {cold: _from_nothing(contestant, pages, shown)}
    for case in others:
        if last in found:
            break
        builds: list[Cases] = []
        while len(builds) < repeats:
            if case == "prose":
                sources.edit_prose(contestant.source(shown))
            elif case == "package":
                sources.edit_package(contestant.package, module)
            builds.append(_built(contestant, pages, shown, case, len(builds) + 1))
            if builds[-1]["wall"][0] > LONG:
                break
        found[case] = joined(builds)
    return found


def decide(
    players: Sequence[Theirs | Ours],
    played: dict[int, list[Cases]],
    again: Callable[[int], Cases],
    order: random.Random,
) -> None:
    """Have those whose cold builds are close to ours, and ours, start from nothing again until it is known well."""
    ours = next((number for number, player in enumerate(players) if player.tool == OURS), None)
    if ours is None:
        return
    cold = {number: speed.median([one["cold"]["wall"][0] for one in rounds]) for number, rounds in played.items()}
    close = [number for number in played if abs(cold[number] / cold[ours] - 1) <= CLOSE]
    if close == [ours]:
        return
    while waiting := [number for number in close if len(played[number]) < DECIDING]:
        for number in order.sample(waiting, len(waiting)):
            print(f"[close: from nothing again] {players[number].tool}, {players[number].column}", flush=True)
            played[number].append(again(number))


def _from_nothing(contestant: Theirs | Ours, pages: Sequence[sources.Source], shown: sources.Source) -> Cases:
    """Prepare and build, anew where it fails; what the last build took, and how many failed before it."""
    failed = 0
    while True:
        contestant.prepare(pages)
        done = _built(contestant, pages, shown, "cold", 1)
        if not done["problems"] or failed + 1 == STARTS:
            return done | {"failed": failed}
        failed += 1


def _built(
    contestant: Theirs | Ours, pages: Sequence[sources.Source], shown: sources.Source, case: str, edits: int
) -> Cases:
    """Build once, after so many edits; what it took, and what is wrong with the pages."""
    done = contestant.build()
    wrong, built = problems(contestant, pages, done), contestant.built(shown)
    text = built.read_text(encoding="utf-8") if built.is_file() else ""
    if case == "prose" and not wrong and text.count(sources.SENTENCE) < edits:
        wrong = [f"{shown.name} does not show the sentence that was added"]
    return told(case, done, wrong, case == "package" and sources.is_stale(text, edits))


def told(case: str, done: measure.Measured, wrong: list[str], stale: bool = False) -> Cases:
    """Say what a build took and what was wrong, and return it."""
    failed = "".join(f"\n    PROBLEM: {problem}" for problem in wrong)
    took = f"{done.wall:.1f} s, CPU {done.cpu:.1f} s, {done.peak:.0f} MB"
    print(f"  {case}: {took}{', stale' if stale else ''}{failed}", flush=True)
    return {
        "wall": [done.wall],
        "cpu": [done.cpu],
        "peak": [done.peak],
        "stale": stale,
        "problems": wrong,
        "failed": 0,
        "ran": {name.rpartition("/")[2] for name in RAN.findall(done.output)},
        "stages": [{name: float(seconds) for name, seconds in STAGE.findall(done.output)}],
    }


def importing(pages: Iterable[sources.Source], module: str) -> list[str]:
    """The names of the pages whose cells import the module, directly or not."""
    package = ROOT / "code" / "genmodels"
    code = {page.name: "\n".join(cell.source for cell in code_cells(page.notebook)) for page in pages}
    return sorted(name for name, text in code.items() if f"genmodels.{module}" in imported_modules(package, text))


def joined(builds: Sequence[Cases]) -> Cases:
    """What all these builds took; stale where one was."""
    return {
        **{name: [number for one in builds for number in one[name]] for name in (*MEASURES, "stages")},
        "stale": any(one["stale"] for one in builds),
        "problems": sorted({problem for one in builds for problem in one["problems"]}),
        "failed": sum(one["failed"] for one in builds),
        "ran": set().union(*(one["ran"] for one in builds)),
    }


def gathered(rounds: Sequence[Cases], cases: Iterable[str]) -> Cases:
    """All rounds of one contestant, as a report needs them."""
    found = {case: joined([played[case] for played in rounds if case in played]) for case in cases}
    return {
        case: {name: one[name] for name in (*MEASURES, "stale", "problems", "failed")} for case, one in found.items()
    }


def stages(rounds: Sequence[Cases], cases: Iterable[str]) -> dict[str, dict[str, float]]:
    """The seconds of each stage in each case, the median of all builds."""
    made = {}
    for case in cases:
        builds = joined([played[case] for played in rounds if case in played])["stages"]
        names = dict.fromkeys(name for build in builds for name in build)
        made[case] = {name: speed.median([build.get(name, 0.0) for build in builds]) for name in names}
    return made


def options() -> argparse.Namespace:
    """The command line."""
    names = sorted({OURS, *(contestant.tool for contestant in CONTESTANTS)})
    columns = (contestants.DOCUMENTED, contestants.BEST)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)

    def words(text: str) -> list[str]:
        return [word.strip() for word in text.split(",") if word.strip()]

    parser.add_argument(
        "--rounds", type=int, default=1, help="how often every tool starts from nothing (default: %(default)s)"
    )
    parser.add_argument(
        "--repeats", type=int, default=3, help="builds of the other cases in each round (default: %(default)s)"
    )
    parser.add_argument("--pages", type=words, default=[], help="questions, 2b,3a for example (default: all)")
    parser.add_argument("--tools", type=words, default=names, help=f"some of: {', '.join(names)} (default: all)")
    parser.add_argument("--columns", type=words, default=list(columns), help=f"some of: {', '.join(columns)}")
    parser.add_argument("--cases", type=words, default=list(speed.CASES), help=f"some of: {', '.join(speed.CASES)}")
    parser.add_argument("--module", default="adversarial", help="the module that is edited (default: %(default)s)")
    parser.add_argument(
        "--shown-on", default="2b", help="the question that shows it, and is edited (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of the order in which tools are measured (default: %(default)s)"
    )
    parser.add_argument("--keep", action="store_true", help="also write bench/results/tools.json")
    parser.add_argument("--install-only", action="store_true", help="install the tools and measure nothing")
    given = parser.parse_args()
    for option, allowed in (("tools", names), ("columns", columns), ("cases", speed.CASES)):
        if unknown := [word for word in getattr(given, option) if word not in allowed]:
            parser.error(f"--{option}: there is no {unknown[0]!r}, but {', '.join(allowed)}")
    if min(given.rounds, given.repeats) < 1:
        parser.error("--rounds and --repeats must be at least 1")
    return given


def main() -> int:
    """Install, measure, print, write the report."""
    given = options()
    try:
        return run(given)
    except (contestants.InstallationError, measure.MeasureError, sources.SourceError) as error:
        print(error, file=sys.stderr)
        return 1


def run(given: argparse.Namespace) -> int:
    """What the command line asks for."""
    measure.adopt_orphans()  # where nothing can be measured nothing is installed
    homes = {one.tool: contestants.install(one, OUT / "tools") for one in CONTESTANTS}
    if given.install_only:
        return 0
    html = ROOT / "build" / "html"
    pages, every = sources.read(html, given.pages), sources.read(html, [])
    if given.shown_on not in {page.question for page in pages}:
        raise sources.SourceError(f"--shown-on {given.shown_on}: it is none of the pages that are measured")
    last = max(given.cases, key=list(speed.CASES).index)
    pages, every = (
        [sources.printing(page, given.module) if page.question == given.shown_on else page for page in some]
        for some in (pages, every)
    )
    jupytext = homes["mkdocs-jupyter"] / "bin" / "jupytext"
    players: list[Theirs | Ours] = [
        Theirs(one, OUT / "run" / one.name, homes[one.tool], jupytext)
        for one in CONTESTANTS
        if one.tool in given.tools and one.column in given.columns
    ]
    if OURS in given.tools:
        players.insert(0, Ours(OUT / "run" / "this-project", given.module, given.shown_on))
    played: dict[int, list[Cases]] = {number: [] for number in range(len(players))}
    order = random.Random(given.seed)
    for turn in range(1, given.rounds + 1):
        for number in order.sample(range(len(players)), len(players)):
            print(f"[round {turn} of {given.rounds}] {players[number].tool}, {players[number].column}", flush=True)
            done = play(players[number], pages, given.shown_on, given.module, last, given.repeats)
            played[number].append(done)
    cold = next(iter(speed.CASES))
    decide(
        players,
        played,
        lambda number: play(players[number], pages, given.shown_on, given.module, cold, given.repeats),
        order,
    )
    result: dict[str, Any] = {
        **stamp(),
        "machine": machine(),
        "rounds": given.rounds,
        "seed": given.seed,
        "pages": [page.question for page in pages],
        "module": given.module,
        "importing": importing(every, given.module),
        "contestants": [
            {
                "tool": player.tool,
                "column": player.column,
                **player.describe(),
                "cases": gathered(played[number], given.cases),
            }
            for number, player in enumerate(players)
        ],
    }
    if OURS in given.tools:
        result["stages"] = stages(played[0], given.cases)
        if "package" in given.cases:
            result["ran_again"] = sorted(
                {name for cases in played[0] for name in cases.get("package", {"ran": ()})["ran"]}
            )
    write("tools", result, given.keep)
    return 0


def write(name: str, result: dict[str, Any], keep: bool) -> None:
    """Write the report and the figures, and show the report; ``keep`` them in bench/results, too."""
    text, figures = speed.report(name, result), json.dumps(result, indent=1) + "\n"
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.md").write_text(text, encoding="utf-8")
    (OUT / f"{name}.json").write_text(figures, encoding="utf-8")
    if keep:
        KEPT.mkdir(exist_ok=True)
        (KEPT / f"{name}.json").write_text(figures, encoding="utf-8")
    print(f"\n{text}\nReport: {OUT / f'{name}.md'}")


if __name__ == "__main__":
    sys.exit(main())
