"""What a page says as plain text, for search: formulas as one would type them, no TeX, no code.

``readable`` turns a formula into text, ``prose`` a part of a page, without its sub-sections, cells and displayed
formulas.
"""

import html
import re

from docutils import nodes
from sphinx import addnodes

WORDS = {
    "log": "log", "max": "max", "min": "min", "sigma": "σ", "beta": "β", "mu": "μ", "theta": "θ", "varepsilon": "ε",
    "psi": "ψ", "Sigma": "Σ", "gamma": "γ", "delta": "δ", "pi": "π", "tau": "τ", "Phi": "Φ", "lambda": "λ",
    "ell": "ℓ", "nabla": "∇", "partial": "∂", "infty": "∞", "sum": "Σ", "prod": "Π", "int": "∫", "dots": "…",
    "sim": " ~ ", "mid": " | ", "|": "‖", "Vert": "‖", "lVert": "‖", "rVert": "‖", "lvert": "|", "rvert": "|",
    "pm": " ± ", "le": " ≤ ", "ge": " ≥ ", "approx": " ≈ ", "to": " → ", "mapsto": " ↦ ", "ll": " ≪ ", "gg": " ≫ ",
    "odot": " ⊙ ", "times": " × ", "cdot": " · ", "cap": " ∩ ", "circ": " ∘ ", "%": "%", "{": "{", "}": "}",
    "in": " ∈ ", "notin": " ∉ ", "iff": " ⇔ ", "top": "T", "arg": "arg ", "sin": "sin",
    "quad": " ", "qquad": " ", ",": " ", ";": " ", " ": " ", "!": "", ":": " ", "\\": " ",
}  # fmt: skip
ACCENTS = {"hat": "\u0302", "bar": "\u0304", "dot": "\u0307"}
TOKEN = re.compile(r"\\([A-Za-z]+|.)|(\s+)|(.)", re.S)
# one number, one symbol with its indices, or a bracket
FACTOR = re.compile(r"\d+|\w[\u0302\u0304]?(_\w+|_\([^()]*\))?(\^\w+)?|\([^()]*\)")
NEW_LINE = re.compile(r"\\\\(\[[^\]]*\])?")
# what is searched as a place of its own, see search_index, and what is no text
PLACES = (nodes.figure, nodes.math_block, nodes.citation, addnodes.desc)
SKIPPED = (*PLACES, nodes.section, nodes.literal_block, nodes.comment, nodes.image, nodes.raw, nodes.target)
LISTS = {"toctree-wrapper", "ledger"}


def readable(tex: str) -> str:
    r"""A formula as text: ``\tfrac12`` is 1/2, ``p_{data}`` p_data, ``\mathcal L_D`` L_D; unknown commands vanish."""
    tex = re.sub(r"\\text\{([^}]*)\}", lambda match: match[0].replace(" ", "~"), tex)
    tokens = [(match[1], match[3]) for match in TOKEN.finditer(NEW_LINE.sub(r"\\quad ", tex)) if not match[2]]
    text = re.sub(r"\s+", " ", _sequence(tokens, until=None)).strip()
    return re.sub(r"([(\[∇∂∫])\s+|\s+(?=[)\],;])|\s*\\\[.*?\]", r"\1", text)


def _sequence(tokens: list[tuple[str | None, str | None]], until: str | None) -> str:
    """Read up to the closing bracket, or all."""
    parts: list[str] = []
    while tokens:
        if tokens[0][1] == until and until:
            tokens.pop(0)
            break
        parts.append(_item(tokens))
        if (
            len(parts) > 1
            and parts[-1][:1].isalnum()
            and re.search(r"(log|max|min|sin|_\w\w+|(max|min|[ΣΠ])_\w)$", "".join(parts[-3:-1]))
        ):
            parts[-1] = " " + parts[-1]
    return "".join(parts)


def _item(tokens: list[tuple[str | None, str | None]]) -> str:
    """Read one symbol, group or command with its arguments."""
    if not tokens:
        return ""
    command, symbol = tokens.pop(0)
    if symbol == "{":
        return _sequence(tokens, until="}")
    if symbol == "^":
        raised = _item(tokens)
        return raised if raised == "*" else "^" + _bracketed(raised)
    if symbol == "_":
        return "_" + _bracketed(_item(tokens))
    if symbol is not None:
        return f" {symbol} " if symbol in "=<>" else {"-": "−", "&": " ", "~": " "}.get(symbol, symbol)
    if command in ("frac", "tfrac", "dfrac"):
        over, under = _item(tokens), _item(tokens)
        under = under.strip()
        return f" {_bracketed(over)}/{under if not under or FACTOR.fullmatch(under) else f'({under})'} "
    if command == "sqrt":
        return "√" + _bracketed(_item(tokens))
    if command in ACCENTS:
        return _item(tokens) + ACCENTS[command]
    if command in ("begin", "end"):
        return _item(tokens) and " "
    if command in ("log", "max", "min", "sin", "operatorname"):
        return f" {command}" if command != "operatorname" else f" {_item(tokens)} "
    return WORDS.get(command or "", "")


def _bracketed(text: str) -> str:
    """The text, in brackets where it has several terms."""
    text = text.strip()
    return f"({text})" if re.search(r"[\s+−=/(]", text) else text


def prose(*parts: nodes.Node) -> str:
    """The text of parts of a page, with its headings and items as sentences; nothing of a part that is a place."""
    text = "".join(piece for part in parts for piece in _pieces(part))
    text = re.sub(r"\s+", " ", text)
    return re.sub(r" (?=[.,;:!?)])", "", re.sub(r"([.!?:;,][)\]”’\"]?)(?:\s*[.;])+", r"\1", text)).strip(" .;").strip()


def _pieces(node: nodes.Node) -> list[str]:
    """The text of a node in reading order."""
    if isinstance(node, nodes.math):
        return [readable(node.astext())]
    if isinstance(node, nodes.Text):
        return [node.astext()]
    if isinstance(node, SKIPPED) or not isinstance(node, nodes.Element) or LISTS & set(node["classes"]):
        return []
    pieces = [piece for child in node.children for piece in _pieces(child)]
    if isinstance(node, nodes.entry):
        pieces.append(" " if node is node.parent.children[-1] else " – ")
    if _stands_apart(node) and not isinstance(node.parent, nodes.entry):
        pieces.append(" . " if not isinstance(node, nodes.term) else ": ")
    return pieces


def _stands_apart(node: nodes.Node) -> bool:
    """Whether the end of a node is the end of a sentence or an item."""
    text = isinstance(node, nodes.TextElement) and not isinstance(node, nodes.Inline)
    return text or isinstance(node, (nodes.row, nodes.field))


def checks(markup: str) -> list[tuple[str, str]]:
    """Of raw HTML, the list of checks that a cell made: anchor and words of each."""
    if 'class="claims"' not in markup:
        return []
    lines = re.findall(r'<li id="([^"]*)">(.*?)</li>', re.sub(r" = <b>.*?</small>", "", markup, flags=re.S), re.S)
    return [(anchor, html.unescape(re.sub(r"<[^>]+>", "", line)).strip()) for anchor, line in lines]


def alt_text(figure: nodes.figure) -> str:
    """What a figure's alt text says is seen, as a sentence of its own; empty where it has none."""
    for raw in figure.findall(nodes.raw):
        label = re.search(r'(?:aria-label|alt)="([^"]*)"', raw.astext())
        if label:
            return html.unescape(label[1])
    return ""
