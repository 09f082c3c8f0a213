"""``{speed} tools`` and ``{speed} growth`` show what the benchmarks measured last, from bench/results.

No number is typed: what was measured, when, on what, and whether what is promised was met all come from the file that
the benchmarks keep. Their own reports are made of the same tables.
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

OURS = "this project"
STOCK = ("Sphinx + myst-nb", "as documented")
CASES = {
    "cold": "Cold: an empty build folder, all cells run",
    "unchanged": "Unchanged: nothing was edited",
    "prose": "Prose: one sentence was added to one page",
    "package": "Package: a module was edited that some pages import",
}
FASTER = 0.6  # of the time of stock Sphinx with myst-nb, the most that a cold build may take
PER_PAGE = 1.2  # of the seconds a page at the smallest size, the most at the largest
UNCHANGED_SECONDS = 15.0
SEARCH_MS = 300.0
Result = dict[str, Any]


class Table(NamedTuple):
    """A table of text."""

    title: str
    header: list[str]
    rows: list[list[str]]


def median(numbers: list[float]) -> float:
    """The middle one, also of one; of an even number the mean of the two in the middle."""
    return float(statistics.median(numbers))


def circumstances(result: Result) -> list[str]:
    """What was measured, when and on what, a sentence for each."""
    machine = result["machine"]
    measured = f"Measured {result['date']} at commit {result['commit']}; medians of as many builds as are named."
    on = f"{machine['processor']}, {machine['cores']} cores, {machine['memory']} GB; {machine['system']}."
    pages = f"Pages: {', '.join(result['pages'])}." if "pages" in result else ""
    return [line for line in (measured, on, pages) if line]


def _case(contestant: Result, case: str) -> Result | None:
    return contestant["cases"].get(case)


def _seconds(contestant: Result, case: str) -> float | None:
    """Wall seconds in the middle; nothing where the case was not measured or failed."""
    found = _case(contestant, case)
    return median(found["wall"]) if found and not found["problems"] else None


def _name(contestant: Result) -> str:
    return f"{contestant['tool']}, {contestant['column']}"


def _wall(contestant: Result, case: str) -> list[float]:
    """Wall seconds of each build."""
    return list(contestant["cases"][case]["wall"])


def _range(numbers: list[float]) -> str:
    """From the smallest to the largest, where there are several."""
    return f" ({_rounded(min(numbers))} to {_rounded(max(numbers))})" if len(numbers) > 1 else ""


def until_true(contestant: Result, case: str) -> float | None:
    """Wall seconds until the pages are true: a tool that shows stale output has to build again from nothing."""
    own, found = _seconds(contestant, case), _case(contestant, case)
    if own is None or found is None or not found["stale"]:
        return own
    cold = _seconds(contestant, "cold")
    return None if cold is None else own + cold


def tool_tables(result: Result) -> list[Table]:
    """A table for each case, a row for each tool and column; then where this project's time goes."""
    tables = []
    for case, title in CASES.items():
        rows = [row for contestant in result["contestants"] if (row := _tool_row(contestant, case))]
        header = ["Tool", "Settings", "Builds", "Seconds", "CPU seconds", "Peak MB"]
        if rows:
            tables.append(Table(title, header + (["Stale output"] if case == "package" else []), rows))
    if result.get("stages"):
        tables.append(_stages(result["stages"]))
    return tables


def _tool_row(contestant: Result, case: str) -> list[str]:
    found = _case(contestant, case)
    if found is None:
        return []
    numbers = [_rounded(median(found["wall"])), _rounded(median(found["cpu"])), f"{median(found['peak']):.0f}"]
    if found["problems"]:
        numbers = ["failed", "", ""]
    stale = [{True: "yes", False: "no"}[found["stale"]]] if case == "package" else []
    builds = f"{len(found['wall'])}" + (f", after {found['failed']} that failed" if found["failed"] else "")
    return [contestant["tool"], contestant["column"], builds, *numbers, *stale]


def _rounded(seconds: float) -> str:
    """To a tenth of a second, or, of a few, to a hundredth."""
    return f"{seconds:.2f}" if seconds < 10 else f"{seconds:.1f}"


def _stages(stages: dict[str, dict[str, float]]) -> Table:
    """Seconds by stage, a column for each case."""
    cases = [case for case in CASES if case in stages]
    names = list(dict.fromkeys(name for case in cases for name in stages[case]))
    rows = [[name, *(f"{stages[case].get(name, 0.0):.2f}" for case in cases)] for name in names]
    header = ["Stage", *(CASES[case].partition(":")[0] for case in cases)]
    return Table("Where this project's seconds go", header, rows)


def settings(result: Result) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """For each tool and column: its name, its versions, and its settings, each with the address of its source.

    What stands between backticks is meant literally.
    """
    found = []
    for contestant in result["contestants"]:
        versions = ", ".join(f"{name} {version}" for name, version in contestant["versions"].items())
        lines = [(f"{setting['what']}: {setting['why']}", setting["source"]) for setting in contestant["settings"]]
        found.append((f"{contestant['tool']}, {contestant['column']}", versions, lines))
    return found


def tool_verdicts(result: Result) -> Table:
    """What is promised of the comparison, what was found, and whether it was met."""
    ours = next((one for one in result["contestants"] if one["tool"] == OURS), None)
    others = [one for one in result["contestants"] if one["tool"] != OURS]
    rows = []
    for case, title in CASES.items():
        for meant, of in (("", _seconds), (" until pages are true, all built anew where some are stale", until_true)):
            times = {_name(one): seconds for one in others if (seconds := of(one, case)) is not None}
            if ours is None or case not in ours["cases"] or not times or (meant and case != "package"):
                continue
            own, best = of(ours, case), min(times, key=lambda name: times[name])
            words = f"{title.partition(':')[0]}: faster than every other tool{meant}"
            met, sure, ranges = own is not None and own < times[best], True, ("", "")
            if not meant:  # sums of medians have no range
                mine, its = _wall(ours, case), _wall(next(one for one in others if _name(one) == best), case)
                sure, ranges = max(mine) < min(its), (_range(mine), _range(its))
            found = "failed" if own is None else f"{_rounded(own)} s{ranges[0]}"
            rows.append([words, f"{found}; {best}: {_rounded(times[best])} s{ranges[1]}", _verdict(met, sure)])
    stock = next((one for one in others if (one["tool"], one["column"]) == STOCK), None)
    cold, theirs = (_seconds(one, "cold") if one else None for one in (ours, stock))
    if ours and stock and cold and theirs:
        share = cold / theirs
        words = f"Cold: at most {FASTER:.0%} of the time of {STOCK[0]}, {STOCK[1]}"
        work = median(ours["cases"]["cold"]["cpu"]) / median(stock["cases"]["cold"]["cpu"])
        rows.append([words, f"{share:.0%}, with {work:.0%} of its CPU seconds", _verdict(share <= FASTER)])
    if (ran := result.get("ran_again")) is not None:
        importing = sorted(result["importing"])
        words = "Package: only pages run again that import the edited module"
        rows.append([words, f"ran: {', '.join(ran)}; import it: {', '.join(importing)}", _verdict(ran == importing)])
    return Table("What is promised", ["Promise", "Found", "Verdict"], rows)


def growth_tables(result: Result) -> list[Table]:
    """A row for each size: seconds and memory in each case; then how long search takes."""
    tables = []
    for case, title in CASES.items():
        rows = [
            [
                f"{size['pages']}",
                f"{len(found['wall'])}",
                _rounded(median(found["wall"])),
                f"{median(found['wall']) / size['pages']:.3f}",
                f"{median(found['cpu']):.1f}",
                f"{median(found['peak']):.0f}",
            ]
            for size in result["sizes"]
            if (found := size["cases"].get(case)) and not found["problems"]
        ]
        if rows:
            tables.append(
                Table(title, ["Pages", "Builds", "Seconds", "Seconds a page", "CPU seconds", "Peak MB"], rows)
            )
    rows = [
        [f"{size['pages']}", f"{median(size['search']):.0f}", f"{max(size['search']):.0f}", f"{len(size['search'])}"]
        for size in result["sizes"]
        if size.get("search")
    ]
    if rows:
        header = ["Pages", "Median ms", "Longest ms", "Searches"]
        tables.append(Table("Search: from the last key to the first result, in a browser", header, rows))
    for size in result["sizes"]:
        if size.get("stages"):
            table = _stages(size["stages"])
            tables.append(table._replace(title=f"Where the seconds go, {size['pages']} pages"))
    return tables


def growth_verdicts(result: Result) -> Table:
    """What is promised of large sites, what was found, and whether it was met."""
    sizes = sorted(result["sizes"], key=lambda size: int(size["pages"]))
    small, large = sizes[0], sizes[-1]
    rows = []
    few, many = _seconds(small, "cold"), _seconds(large, "cold")
    if few and many and small is not large:
        share = many / large["pages"] / (few / small["pages"])
        words = f"Cold: seconds a page at {large['pages']} pages, of those at {small['pages']}"
        rows.append([f"{words}, at most {PER_PAGE:.0%}", f"{share:.0%}", _verdict(share <= PER_PAGE)])
    if unchanged := _seconds(large, "unchanged"):
        words = f"Unchanged, {large['pages']} pages: at most {UNCHANGED_SECONDS:.0f} s"
        rows.append([words, f"{unchanged:.1f} s", _verdict(unchanged <= UNCHANGED_SECONDS)])
    if search := large.get("search"):
        words = f"Search, {large['pages']} pages: at most {SEARCH_MS:.0f} ms"
        rows.append([words, f"{max(search):.0f} ms", _verdict(max(search) <= SEARCH_MS)])
    return Table("What is promised", ["Promise", "Found", "Verdict"], rows)


def _verdict(met: bool, sure: bool = True) -> str:
    """Met or not; not ``sure`` where the slowest of our builds took longer than the fastest that it is held against."""
    return ("met" if sure else "met, by less than builds differ") if met else "NOT MET"


def markdown(table: Table) -> str:
    """The table for a report."""
    lines = [f"**{table.title}**", "", f"| {' | '.join(table.header)} |", f"|{'---|' * len(table.header)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in table.rows)])


def report(name: str, result: Result) -> str:
    """The report of ``make bench`` as Markdown: ``name`` is "tools" or "growth"."""
    tables, verdicts = TABLES[name](result), VERDICTS[name](result)
    parts = ["\n".join(f"- {line}" for line in circumstances(result))]
    parts += [markdown(table) for table in (verdicts, *tables) if table.rows]
    for what, versions, lines in settings(result) if name == "tools" else []:
        parts.append(
            "\n".join([f"**{what}** ({versions})", "", *(f"- {words}. <{source}>" for words, source in lines)])
        )
    return "\n\n".join(parts) + "\n"


TABLES = {"tools": tool_tables, "growth": growth_tables}
VERDICTS = {"tools": tool_verdicts, "growth": growth_verdicts}


class Speed(SphinxDirective):
    """The tables of one benchmark."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Circumstances, verdicts, tables, and of the comparison every setting with its source."""
        name = self.arguments[0]
        if name not in TABLES:
            raise self.error(f"no benchmark {name!r}: there are {', '.join(TABLES)}")
        path = Path(self.config.site_root) / "bench" / "results" / f"{name}.json"
        self.env.note_dependency(str(path))
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise self.error(f"there is no {path}: bench/{name}.py --keep writes it") from None
        made: list[nodes.Node] = [_list([[nodes.Text(line)] for line in circumstances(result)])]
        made += [_table(table) for table in (VERDICTS[name](result), *TABLES[name](result)) if table.rows]
        if name == "tools":
            made += _settings(result)
        return made


def _settings(result: Result) -> list[nodes.Node]:
    made: list[nodes.Node] = []
    for what, versions, lines in settings(result):
        made.append(nodes.paragraph("", "", nodes.strong("", what), nodes.Text(f" ({versions})")))
        if lines:
            items = [[*_literal(words), nodes.Text(" ("), _source(source), nodes.Text(")")] for words, source in lines]
            made.append(_list(items))
    return made


def _literal(words: str) -> list[nodes.Node]:
    """Text, and between backticks what is to be copied: no quotes and dashes of printers there."""
    parts = enumerate(words.split("`"))
    return [nodes.literal("", part) if number % 2 else nodes.Text(part) for number, part in parts if part]


def _source(address: str) -> nodes.reference:
    return nodes.reference("", "documentation", refuri=address)


def _list(items: list[list[nodes.Node]]) -> nodes.bullet_list:
    return nodes.bullet_list("", *(nodes.list_item("", nodes.paragraph("", "", *item)) for item in items))


def _table(table: Table) -> nodes.table:
    """A table with its title."""
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in table.header), cols=len(table.header))
    group += nodes.thead("", _row(table.header))
    group += nodes.tbody("", *(_row(row) for row in table.rows))
    return nodes.table("", nodes.title("", table.title), group, classes=["measurements"])


def _row(cells: list[str]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", cell)) for cell in cells))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("speed", Speed)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
