"""Formulas rendered when the site is built: HTML for eyes and MathML for screen readers, by KaTeX in an embedded V8.

No Node, no helper process, nothing to run in the reader's browser. A formula that does not parse is a warning with
its place, and so fails the build.
"""

import atexit
import functools
import html
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from py_mini_racer import JSEvalException, MiniRacer
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

KATEX = Path(__file__).parents[2] / "katex" / "katex.min.js"
logger = logging.getLogger(__name__)


@functools.cache
def _engine() -> MiniRacer:
    engine = MiniRacer()
    atexit.register(engine.close)  # closed later, as Python ends, it can wait for ever
    engine.eval(KATEX.read_text(encoding="utf-8"))
    return engine


@functools.cache
def render(tex: str, display: bool) -> str:
    """Return the formula as HTML with MathML. Raises ValueError with KaTeX's message where it does not parse."""
    options = {"displayMode": display, "throwOnError": True, "strict": "error", "output": "htmlAndMathml"}
    try:
        return str(_engine().call("katex.renderToString", tex, options))
    except JSEvalException as error:
        raise ValueError(str(error).splitlines()[0]) from None


def _rendered(node: nodes.Element, display: bool) -> str:
    try:
        return render(node.astext(), display)
    except ValueError as error:
        logger.warning("bad formula %r: %s", node.astext(), error, location=node, type="katex", once=True)
        return f"<code>{html.escape(node.astext())}</code>"


def keep_punctuation(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Bind what stands around a formula to it: no line ends with its opening bracket or starts with its full stop."""
    for formula in list(doctree.findall(nodes.math)):
        siblings = formula.parent.children
        place = formula.parent.index(formula)
        for key, neighbour, marks in (
            ("before", place - 1, r"[(\[“\"]+$"),
            ("after", place + 1, r"^(?:[’']s\b)?[,.;:!?)\]”\"]*"),
        ):
            text = siblings[neighbour] if 0 <= neighbour < len(siblings) else None
            mark = re.search(marks, text.astext()) if isinstance(text, nodes.Text) else None
            if text is not None and mark and mark[0]:
                formula[key] = mark[0]
                siblings[neighbour] = nodes.Text(re.sub(marks, "", text.astext()))


def find_bare_tex(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Warn of TeX that stands in the text: a formula whose dollar sign was forgotten."""
    for text in doctree.findall(nodes.Text):
        inside = text.parent
        while inside is not None and not isinstance(
            inside, (nodes.literal, nodes.FixedTextElement, nodes.math, nodes.raw)
        ):
            inside = inside.parent
        bare = None if inside is not None else re.search(r"\$|\\[A-Za-z]+", text.astext())
        if bare:
            words = text.astext()[max(0, bare.start() - 20) : bare.end() + 20]
            logger.warning("a formula without its dollar signs? %r", words, location=text.parent, type="katex")


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    """An inline formula."""
    before, after = (html.escape(node.get(key, "")) for key in ("before", "after"))
    self.body.append(f'<span class="math notranslate">{before}{_rendered(node, display=False)}{after}</span>')
    raise nodes.SkipNode


def visit_math_block(self: HTML5Translator, node: nodes.math_block) -> None:
    """A displayed formula, in a box that scrolls where it is wider than the page, with its number beside the box."""
    number = ""
    if node["number"]:
        link = f'<a class="headerlink" href="#{node["ids"][0]}" title="Link to this equation">#</a>'
        number = f'<span class="eqno">({node["number"]}){link}</span>'
    self.body.append(self.starttag(node, "div", CLASS="math display notranslate"))
    self.body.append(f'<div class="formula">{_rendered(node, display=True)}</div>{number}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer and the style sheet that its HTML needs."""
    app.add_html_math_renderer("katex", inline_renderers=(visit_math, None), block_renderers=(visit_math_block, None))
    app.add_css_file("katex/katex.min.css")
    app.connect("doctree-resolved", find_bare_tex)
    app.connect("doctree-resolved", keep_punctuation)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
