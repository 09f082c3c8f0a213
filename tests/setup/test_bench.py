"""The benchmark of the build: pages for other tools, edits, what is stale, what is promised, and what commands take."""

from __future__ import annotations

import copy
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import contestants
import growing_site
import measure
import nbformat
import pytest
import sources
import speed
import tools

ROOT = Path(__file__).resolve().parents[2]
BUILT = [
    nbformat.v4.new_markdown_cell("*A page of the site*"),
    nbformat.v4.new_code_cell("# %pip install torch"),
    nbformat.v4.new_markdown_cell("# 2 (b) Title\n\nWords."),
    nbformat.v4.new_code_cell(
        "1 + 1",
        execution_count=2,
        outputs=[nbformat.v4.new_output("display_data", {"text/plain": "ok  2b-two = 2  (expected 2)"})],
    ),
    nbformat.v4.new_markdown_cell("## Explore\n\nMore."),
    nbformat.v4.new_markdown_cell("## Further\n\nThe end."),
]


@pytest.fixture
def source(tmp_path: Path) -> sources.Source:
    folder = tmp_path / "html" / "sheet-2"
    folder.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=BUILT), folder / "2b-title.ipynb")
    (found,) = sources.read(tmp_path / "html", [])
    return found


# ---- pages and edits


def test_a_page_comes_without_outputs_and_installation(source: sources.Source) -> None:
    assert (source.name, source.question, source.claims) == ("2b-title", "2b", ("2b-two",))
    assert [cell.source.split("\n")[0] for cell in source.notebook.cells][:2] == ["# 2 (b) Title", "1 + 1"]
    code = source.notebook.cells[1]
    assert (code.outputs, code.execution_count) == ([], None)


def test_pages_that_are_not_there_are_named(tmp_path: Path, source: sources.Source) -> None:
    with pytest.raises(sources.SourceError, match="no page with cells is called 9z: there are 2b"):
        sources.read(tmp_path / "html", ["9z"])
    with pytest.raises(sources.SourceError, match="run 'make html' first"):
        sources.read(tmp_path, [])


def test_the_cell_that_prints_stands_before_explore_and_only_there(source: sources.Source) -> None:
    printing = sources.printing(source, "adversarial")
    assert [cell.source[:10] for cell in printing.notebook.cells][2:4] == ["from genmo", "## Explore"]
    assert len(source.notebook.cells) == 4


@pytest.mark.parametrize(
    ("suffix", "text", "edited"),
    [
        (".md", "a\n## Further\n\nEnd.\n", "a\n## Further\n\n{}\n\nEnd.\n"),
        (".py", "# a\n#\n# ## Further\n#\n# End.\n", "# a\n#\n# ## Further\n#\n# {}\n#\n# End.\n"),
    ],
)
def test_one_sentence_is_added(tmp_path: Path, suffix: str, text: str, edited: str) -> None:
    page = tmp_path / f"page{suffix}"
    page.write_text(text)
    sources.edit_prose(page)
    assert page.read_text() == edited.format(sources.SENTENCE)


def test_one_sentence_is_added_to_a_notebook(tmp_path: Path, source: sources.Source) -> None:
    page = sources.write(source, tmp_path, ".ipynb", Path("jupytext"))
    sources.edit_prose(page)
    assert nbformat.read(page, as_version=4).cells[-1].source == f"## Further\n\n{sources.SENTENCE}\n\nThe end."


def test_what_cannot_be_edited_is_said(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Nothing\n")
    with pytest.raises(sources.SourceError, match=r"page.md has no '## Further'"):
        sources.edit_prose(page)


def test_an_edit_of_the_package_changes_what_the_cell_prints(tmp_path: Path) -> None:
    package = tmp_path / "genmodels"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "some.py").write_text('"""First line.\n\nMore.\n"""\n\n\ndef f():\n    """Not this."""\n')
    shown = []
    for _ in range(2):
        command = [sys.executable, "-B", "-c", sources.PRINTING.format(module="some")]
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        shown.append(run.stdout)
        sources.edit_package(package, "some")
    assert shown == ["First line.\n", f"{sources.EDITED}First line.\n"]
    assert [sources.is_stale(f"<pre>{text}</pre>") for text in shown] == [True, False]


def test_outputs_are_found_in_pages_of_any_tool() -> None:
    theirs, ours = "<pre>ok  2b-two = 2 (expected)</pre>", '<li id="claim-2b-two">two</li>'
    assert sources.missing_outputs(theirs, ["2b-two"]) == sources.missing_outputs(ours, ["2b-two"]) == []
    assert sources.missing_outputs(theirs, ["2b-two", "2b-three"]) == ["2b-three"]


def test_pages_that_import_a_module_are_known(source: sources.Source) -> None:
    printing = sources.printing(source, "adversarial")
    assert tools.importing([printing], "adversarial") == ["2b-title"]
    assert tools.importing([printing], "divergences") == ["2b-title"]  # by way of it
    assert tools.importing([source], "adversarial") == []


# ---- tools


def test_every_tool_is_there_in_both_columns_with_reasons_and_sources() -> None:
    columns: dict[str, list[str]] = {}
    for contestant in contestants.CONTESTANTS:
        columns.setdefault(contestant.tool, []).append(contestant.column)
        assert contestant.settings
        for setting in contestant.settings:
            assert setting.what and setting.why and setting.source.startswith("https://"), contestant
    assert set(columns) == {"Sphinx + myst-nb", "Jupyter Book 1", "nbsphinx", "mkdocs-jupyter"}
    assert all(found == [contestants.DOCUMENTED, contestants.BEST] for found in columns.values())
    assert len({contestant.name for contestant in contestants.CONTESTANTS}) == 8


def test_all_tools_run_cells_by_this_python_on_one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    contestants.write_kernel(tmp_path, tmp_path / "code" / "genmodels")
    kernel = json.loads((tmp_path / "jupyter/kernels/python3/kernel.json").read_text())
    assert kernel["argv"][0] == sys.executable
    assert kernel["env"]["PYTHONPATH"] == str(tmp_path / "code")
    environment = contestants.environment(tmp_path / "home", tmp_path)
    assert environment["OMP_NUM_THREADS"] == "1"
    assert "PYTHONPATH" not in environment
    assert environment["PATH"].startswith(str(tmp_path / "home" / "bin"))


def test_what_the_build_says_is_understood() -> None:
    said = (
        "Cells: running 1 of 2 pages, 2 at a time.\n  sheet-2/2b-x: done, 9 cells, 5 s\nSeconds, Sphinx reads: 1.25\n"
    )
    assert tools.RAN.findall(said) == ["sheet-2/2b-x"]
    assert tools.STAGE.findall(said) == [("Sphinx reads", "1.25")]


def test_an_unknown_tool_is_refused_with_the_list() -> None:
    command = [sys.executable, "bench/tools.py", "--tools", "pandoc"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 2
    assert "there is no 'pandoc', but Jupyter Book 1, Sphinx + myst-nb" in run.stderr


# ---- measuring


def test_a_command_is_measured_with_what_it_leaves_behind(tmp_path: Path) -> None:
    """It starts a child that outlives it and works for half a second."""
    child = "import time; block = bytearray(60_000_000)\nwhile time.process_time() < 0.5: pass"
    parent = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}]); print('left')"
    script = (
        "import json, os, sys; from pathlib import Path; import measure; "
        f"print(json.dumps(vars(measure.measured([sys.executable, '-c', {parent!r}], Path('.'), dict(os.environ)))))"
    )
    run = subprocess.run(  # in a process of its own: it becomes the parent of all that is left behind
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT / "bench")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(run.stdout)
    assert (found["code"], found["output"]) == (0, "left\n")
    assert found["cpu"] >= 0.5
    assert found["peak"] >= 60


def test_looking_at_the_memory_takes_little_of_a_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would slow down a build that uses all cores, and no other."""
    clock, pauses = [0.0], []

    class Over:
        def wait(self, pause: float) -> bool:
            pauses.append(pause)
            return len(pauses) > 3

    def look(process: object) -> float:
        clock[0] += 0.05 if len(pauses) < 3 else 0.0001
        return 7.0

    monkeypatch.setattr(measure.time, "thread_time", lambda: clock[0])
    monkeypatch.setattr(measure.psutil.Process, "children", lambda *_, **__: ["one"])
    monkeypatch.setattr(measure, "_proportional", look)
    memory = measure.Memory()
    monkeypatch.setattr(memory, "_over", Over())
    memory.run()
    assert pauses == pytest.approx([0.1, 5.0, 5.0, 0.1])  # 50 ms a look: a hundredth of five seconds
    assert memory.peak == 7.0


def test_an_interrupted_measurement_ends_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(process: int, options: int) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    started: list[subprocess.Popen[bytes]] = []
    begin = subprocess.Popen

    def remember(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        started.append(begin(*arguments, **options))  # type: ignore[call-overload]
        return started[-1]

    monkeypatch.setattr(measure, "adopt_orphans", lambda: None)
    monkeypatch.setattr(measure.subprocess, "Popen", remember)
    monkeypatch.setattr(measure.os, "wait4", interrupt)
    with pytest.raises(KeyboardInterrupt):
        measure.measured([sys.executable, "-c", "import time; time.sleep(600)"], tmp_path, dict(os.environ))
    assert started[0].wait(timeout=60) == -signal.SIGKILL


def test_a_failing_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "other")
    with pytest.raises(measure.MeasureError, match="on Linux only"):
        measure.measured(["true"], tmp_path, {})


# ---- results


def case(wall: list[float], stale: bool = False, problems: tuple[str, ...] = ()) -> dict[str, object]:
    measures = {"wall": wall, "cpu": wall, "peak": [100.0] * len(wall)}
    return {**measures, "stale": stale, "problems": list(problems), "failed": 0}


def contestant(tool: str, cold: float, package: float, stale: bool) -> dict[str, object]:
    cases = {"cold": case([cold, cold + 1, cold - 1]), "package": case([package], stale)}
    settings = [{"what": "a = 1", "why": "it is", "source": "https://example.org/a"}]
    return {"tool": tool, "column": "as documented", "versions": {tool: "1"}, "settings": settings, "cases": cases}


RESULT = {
    "date": "1 May 2030",
    "commit": "abc",
    "rounds": 3,
    "machine": {"processor": "Chip", "cores": 2, "memory": 24, "system": "Linux 6, Python 3.11"},
    "pages": ["2b", "3a"],
    "importing": ["2b-x"],
    "ran_again": ["2b-x"],
    "stages": {"cold": {"imports": 1.0, "cells": 2.5}, "package": {"imports": 1.0}},
    "contestants": [
        contestant("this project", 5, 3, False),
        contestant("Sphinx + myst-nb", 10, 2, True),
        contestant("nbsphinx", 20, 19, False),
    ],
}


def test_promises_are_held_to_the_medians() -> None:
    verdicts = {row[0]: (row[1], row[2]) for row in speed.tool_verdicts(RESULT).rows}
    assert verdicts == {
        "Cold: faster than every other tool": (
            "5.00 s (4.00 to 6.00); Sphinx + myst-nb, as documented: 10.0 s (9.00 to 11.0)",
            "met",
        ),
        "Package: faster than every other tool": ("3.00 s; Sphinx + myst-nb, as documented: 2.00 s", "NOT MET"),
        "Package: faster than every other tool until pages are true, all built anew where some are stale": (
            "3.00 s; Sphinx + myst-nb, as documented: 12.0 s",
            "met",
        ),
        "Cold: at most 60% of the time of Sphinx + myst-nb, as documented": (
            "50%, with 50% of its CPU seconds",
            "met",
        ),
        "Package: only pages run again that import the edited module": ("ran: 2b-x; import it: 2b-x", "met"),
    }


def test_a_failed_build_wins_nothing() -> None:
    result = copy.deepcopy(RESULT)
    result["contestants"][1]["cases"]["cold"] = case([0.1], problems=("status 1",))
    assert speed.tool_tables(result)[0].rows[1] == ["Sphinx + myst-nb", "as documented", "1", "failed", "", ""]
    assert speed.tool_verdicts(result).rows[0][1].endswith("; nbsphinx, as documented: 20.0 s (19.0 to 21.0)")
    result["contestants"][0]["cases"]["cold"] = case([0.1], problems=("status 1",))
    assert speed.tool_verdicts(result).rows[0][1:] == [
        "failed; nbsphinx, as documented: 20.0 s (19.0 to 21.0)",
        "NOT MET",
    ]


def test_a_lead_smaller_than_the_difference_between_builds_is_called_so() -> None:
    result = copy.deepcopy(RESULT)
    for walls, verdict in (
        ([6.1, 6.2, 7.0], "met"),
        ([5.0, 5.9, 7.0], "met, by less than builds differ"),
        ([4.9, 4.9, 6.0], "NOT MET"),
    ):
        result["contestants"][1]["cases"]["cold"] = case(walls)
        assert speed.tool_verdicts(result).rows[0][2] == verdict


def test_this_projects_stale_pages_count_as_those_of_others() -> None:
    result = copy.deepcopy(RESULT)
    result["contestants"][0]["cases"]["package"] = case([3.0], stale=True)
    assert [row[1:] for row in speed.tool_verdicts(result).rows if "anew" in row[0]] == [
        ["8.00 s; Sphinx + myst-nb, as documented: 12.0 s", "met"]
    ]


def test_the_report_holds_all_that_was_measured() -> None:
    report = speed.report("tools", RESULT)
    assert "Measured 1 May 2030 at commit abc; medians of as many builds as are named." in report
    assert "| Sphinx + myst-nb | as documented | 3 | 10.0 | 10.0 | 100 |" in report
    assert "| Sphinx + myst-nb | as documented | 1 | 2.00 | 2.00 | 100 | yes |" in report
    assert "| cells | 2.50 | 0.00 |" in report
    assert "- a = 1: it is. <https://example.org/a>" in report


def test_growth_is_seconds_a_page_at_the_largest_size_of_those_at_the_smallest() -> None:
    sizes = [
        {"pages": pages, "cases": {"cold": case([wall]), "unchanged": case([wall / 10])}, "search": search}
        for pages, wall, search in ((10, 10.0, [10.0]), (200, 230.0, [100.0, 310.0]))
    ]
    result = {**RESULT, "sizes": sizes}
    del result["pages"]
    assert [row[1:] for row in speed.growth_verdicts(result).rows] == [
        ["115%", "met"],
        ["23.0 s", "NOT MET"],
        ["310 ms", "NOT MET"],
    ]
    assert "| 200 | 1 | 230.0 | 1.150 | 230.0 | 100 |" in speed.report("growth", result)


def build(wall: float, stale: bool = False) -> dict[str, object]:
    measures = {"wall": [wall], "cpu": [1.0], "peak": [2.0], "stages": [{"imports": wall}]}
    return {**measures, "stale": stale, "problems": [], "failed": 0, "ran": set()}


def test_rounds_are_gathered() -> None:
    rounds = [{"cold": build(wall, wall > 1)} for wall in (1.0, 3.0, 2.0)]
    found = tools.gathered(rounds, ["cold"])["cold"]
    assert (found["wall"], found["stale"]) == ([1.0, 3.0, 2.0], True)
    assert tools.stages(rounds, ["cold"]) == {"cold": {"imports": 2.0}}


def test_whoever_comes_close_starts_from_nothing_again_and_so_does_this_project() -> None:
    players = [
        SimpleNamespace(tool=tool, column="as documented") for tool in ("far", "this project", "slower", "faster")
    ]
    walls = {0: 60.0, 1: 100.0, 2: 119.0, 3: 81.0}
    played = {number: [{"cold": build(wall), "prose": build(1.0)}] for number, wall in walls.items()}
    again: list[int] = []

    def play(number: int) -> dict[str, object]:
        again.append(number)
        return {"cold": build(200.0)}

    tools.decide(players, played, play, random.Random(0))
    assert sorted(again) == [1, 1, 2, 2, 3, 3]
    found = tools.gathered(played[1], ["cold", "prose"])
    assert (found["cold"]["wall"], found["prose"]["wall"]) == ([100.0, 200.0, 200.0], [1.0])
    assert tools.stages(played[1], ["cold", "prose"]) == {"cold": {"imports": 200.0}, "prose": {"imports": 1.0}}
    for alone in (players[:1], players[1:2]):  # with whom should it be compared?
        tools.decide(alone, {0: played[1][:1]}, lambda number: pytest.fail(f"{number} plays again"), random.Random(0))


class Player:
    """A tool that takes as long as it is told for each build, and shows every edit."""

    def __init__(self, page: Path, walls: list[float]) -> None:
        self.page, self.walls, self.package = page, walls, page.parent

    def prepare(self, pages: object) -> None:
        """Everything is there."""

    def source(self, page: object) -> Path:
        return self.page

    built = source

    def build(self) -> measure.Measured:
        return measure.Measured(self.walls.pop(0), 1.0, 2.0, 0, "  2b-title: done, 1 cell, 0 s\n")


def test_short_cases_are_repeated_with_an_edit_more_each_time(
    tmp_path: Path, source: sources.Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "problems", lambda *_: [])
    page = tmp_path / "page.md"
    page.write_text("\n## Further\n")
    player = Player(page, [100.0, 1.0, 2.0, 3.0, 50.0, 70.0])
    played = tools.play(player, [source], "2b", "adversarial", "prose", 3)
    assert {case: found["wall"] for case, found in played.items()} == {
        "cold": [100.0],
        "unchanged": [1.0, 2.0, 3.0],
        "prose": [50.0, 70.0],  # and no third: it would take more than a minute again
    }
    assert page.read_text().count(sources.SENTENCE) == 2
    assert played["prose"]["problems"] == []
    monkeypatch.setattr(sources, "edit_prose", lambda page: None)
    player.walls = [1.0] * 7
    page.write_text(sources.SENTENCE)
    assert tools.play(player, [source], "2b", "adversarial", "prose", 3)["prose"]["problems"]  # the second is not there


@pytest.mark.parametrize(("faults", "failed"), [(0, 0), (1, 1), (9, 2)])
def test_a_tool_that_fails_from_nothing_starts_anew(
    faults: int, failed: int, tmp_path: Path, source: sources.Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [faults]

    def problems(*_: object) -> list[str]:
        left[0] -= 1
        return ["a race"] if left[0] >= 0 else []

    monkeypatch.setattr(tools, "problems", problems)
    player = Player(tmp_path / "page.md", [1.0, 2.0, 3.0, 4.0])
    cold = tools.play(player, [source], "2b", "adversarial", "cold", 3)["cold"]
    assert (cold["wall"], cold["failed"], bool(cold["problems"])) == ([failed + 1.0], failed, faults > 2)
    result = copy.deepcopy(RESULT)
    result["contestants"][1]["cases"]["cold"] = tools.gathered([{"cold": cold}], ["cold"])["cold"]
    builds = {0: "1", 1: "1, after 1 that failed", 2: "1, after 2 that failed"}
    assert speed.tool_tables(result)[0].rows[1][2] == builds[failed]


@pytest.mark.parametrize("name", ["tools", "growth"])
def test_what_is_kept_was_measured(name: str) -> None:
    kept = json.loads((ROOT / "bench" / "results" / f"{name}.json").read_text(encoding="utf-8"))
    assert speed.report(name, kept).startswith("- Measured ")


# ---- growing sites


def test_a_synthetic_site_has_the_pages_that_it_is_asked_for(tmp_path: Path) -> None:
    pages = growing_site.write(tmp_path, ROOT, 12)
    assert len(pages) == 12
    assert len({page.name.partition("-")[0] for page in pages}) == 12
    assert {page.parent.name for page in pages} == {"sheet-01", "sheet-02"}
    text = pages[3].read_text(encoding="utf-8")
    assert text == growing_site.page(3, pages[3].stem, growing_site.sentences(ROOT / "docs"))  # the same every time
    assert [line[3:] for line in text.split("\n") if line.startswith("## ")] == list(growing_site.SECTIONS)
    with pytest.raises(ValueError, match="260"):
        growing_site.names(261)
