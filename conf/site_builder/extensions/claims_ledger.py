"""The ledger of checked numbers: quoted in the prose, listed on the results page, written for programs.

``{claim}`id``` in a page quotes the number; ``{claim}`id .3f``` says how (a Python format), ``{claim}`id seeds```
over how many seeds it was measured. ``{claims}`` lists all of them, page by page, and ``claims.json`` beside
index.html holds the same for programs.
"""

import html
import itertools
import json
import operator
import posixpath
import re
from collections.abc import Mapping
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

from site_builder.site_state import site

FIELDS = "id page anchor value expected tolerance kind source seeds over ok text low high".split()
HEADER = ("What", "Value", "Expected", "Kind")


def formatted(value: float, spec: str) -> str:
    """The number as a reader expects it: a true minus sign, powers of ten instead of e-06."""
    return _typeset(
        format(int(value) if spec == "d" else value, spec or (".0f" if float(value).is_integer() else ".4g"))
    )


def _typeset(number: str) -> str:
    mantissa, _, exponent = number.partition("e")
    if exponent:
        raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        number = f"{mantissa}\u202f·\u202f10{raised}"
    return number.replace("-", "\u2212")


def expected(record: dict[str, Any]) -> str:
    """What a claim expects, its numbers typeset."""
    return re.sub(r"-?\d+(\.\d+)?(e[-+]\d+)?", lambda number: _typeset(number[0]), record["expected"])


def check_lines(claims: list[dict[str, Any]], docname: str) -> str:
    """The checks of one cell, folded: a link to one, the browser's find and print open it."""
    lines = [f'<li id="claim-{record["id"]}">{check(record, docname)}</li>' for record in claims]
    summary = f"{len(lines)} checks, all hold" if len(lines) > 1 else "1 check, it holds"
    return f'<details class="claims"><summary>{summary}</summary><ul class="claims">{"".join(lines)}</ul></details>'


def check(record: dict[str, Any], docname: str) -> str:
    """A check in a line of HTML: what is checked, its value, what was expected and how it was found."""
    link = _link(record, f"{_relative('results', docname)}#{record['id']}")
    where = html.escape(f"; {record['source']}" if record["source"] else "")
    return (
        f"{link} = <b>{formatted(record['value'], '.4g')}</b> <small>expected {html.escape(expected(record))} "
        f"({record['kind']}{_over(record)}{where})</small>"
    )


def _link(record: Mapping[str, Any], address: str) -> str:
    """What a claim is about, with its losses as variables, as a link."""
    words = re.sub(r"\bL_([DG])\b", r"<i>L</i><sub>\1</sub>", html.escape(record["text"] or record["id"]))
    return f'<a href="{address}">{words}</a>'


def _over(record: dict[str, Any]) -> str:
    """The statistic over how many seeds a claim is, if it is one."""
    if record["seeds"] is None:
        return ""
    return ", one seed" if record["seeds"] == 1 else f", {record['over']} over {record['seeds']} seeds"


def quoted(record: Mapping[str, Any], spec: str) -> str:
    """A claim as the role quotes it. Raises ValueError where it cannot be quoted so."""
    if spec != "seeds":
        return formatted(record["value"], spec)
    if record["seeds"] is None:
        raise ValueError("it was not measured over seeds")
    return str(record["seeds"])


def _relative(target: str, docname: str) -> str:
    """The link from page ``docname`` to page ``target``."""
    return posixpath.relpath(target, posixpath.dirname(docname) or ".") + ".html"


class ClaimRole(SphinxRole):
    """Quotes a checked number."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The number as a link to the line where it is checked."""
        claim_id, _, spec = self.text.partition(" ")
        record = site(self.config).ledger.get(claim_id)
        if record is None:
            return self._problem(f"no claim {claim_id!r} is made on any page")
        try:
            text = quoted(record, spec)
        except ValueError as error:
            return self._problem(f"claim {claim_id!r} cannot be quoted as {spec!r}: {error}")
        page = "" if record["page"] == self.env.docname else _relative(record["page"], self.env.docname)
        return [nodes.reference("", text, refuri=f"{page}#{record['anchor']}", classes=["claim"])], []

    def _problem(self, message: str) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        return [nodes.problematic(self.rawtext, self.rawtext)], [self.inliner.reporter.error(message, line=self.lineno)]


class ClaimsDirective(SphinxDirective):
    """Lists all claims in a table per page."""

    def run(self) -> list[nodes.Node]:
        """A section per page."""
        ledger = site(self.config).ledger
        if not ledger:
            raise self.error("no page makes a claim")
        result: list[nodes.Node] = []
        page_of = operator.itemgetter("page")
        for page, records in itertools.groupby(sorted(ledger.values(), key=page_of), page_of):
            short = site(self.config).titles[page].partition(":")[0]
            name, rows = f"page {posixpath.basename(page)}", [self._row(record) for record in records]
            fold = f"<details><summary>{len(rows)} checks</summary>", "</details>"
            start, end = (nodes.raw("", markup, format="html") for markup in fold)
            section = nodes.section("", nodes.title("", short), start, _table(rows), end, ids=[nodes.make_id(name)])
            result.append(section)
        return result

    def _row(self, record: dict[str, Any]) -> list[nodes.Node]:
        link = f"{_relative(record['page'], self.env.docname)}#{record['anchor']}"
        what = nodes.paragraph("", "", nodes.raw("", _link(record, link), format="html"))
        what["ids"] = [record["id"]]
        kind = record["kind"] + _over(record)
        kind += f": {record['source']}" if record["source"] else ""
        cells = [formatted(record["value"], ".6g"), expected(record), kind]
        return [what, *(nodes.paragraph("", cell) for cell in cells)]


def _table(rows: list[list[nodes.Node]]) -> nodes.table:
    """A table with the ledger's header."""
    header = [nodes.paragraph("", title) for title in HEADER]
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in HEADER), cols=len(HEADER))
    group += nodes.thead("", _table_row(header))
    group += nodes.tbody("", *(_table_row(row) for row in rows))
    return nodes.table("", group, classes=["ledger"])


def _table_row(cells: list[nodes.Node]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", cell) for cell in cells))


def write(app: Sphinx, exception: Exception | None) -> None:
    """Write claims.json."""
    if exception is None:
        ledger = sorted(site(app.config).ledger.items())
        records = [{field: record[field] for field in FIELDS} for _, record in ledger]
        text = json.dumps({"claims": records}, indent=1, ensure_ascii=False)
        (app.outdir / "claims.json").write_text(f"{text}\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the role, the directive, and the file for programs."""
    app.add_role("claim", ClaimRole())
    app.add_directive("claims", ClaimsDirective)
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
