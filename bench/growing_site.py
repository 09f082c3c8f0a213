"""A site of any number of pages like those of the questions, on all that makes the real one.

A page has the seven sections, the site's own sentences in an order of its own, formulas, claims and a figure. Ten pages
make a sheet, with its page of exercises and its page of all answers.
"""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

A_SHEET = 10  # pages
SECTIONS = {"Answer": 2, "Derivation": 10, "Evidence": 6, "Explore": 4, "Mistakes": 10, "Marking": 4, "Further": 8}
FRONT = '---\ndescription: "{description}"\n{more}---\n'
DESCRIPTION = "{what}, made to measure how long the building of a site takes as it grows, and how fast its search is."
FORMULA = """\
$$
\\begin{{aligned}}
F_{{{n}}}(x) &= \\frac{{x^{{{n}}}}}{{1+x^2}}+\\log\\tfrac{{{n}}}{{2}}\\\\
&\\le \\mathbb E_p[x]
\\end{{aligned}}
$$ (eq-{label})
"""
NUMBERS = """\
```{{code-cell}} python
import numpy as np
from genmodels.claims import claim
from genmodels.densities import Gaussian

x = np.linspace(-8, 8, 4001)
density = Gaussian(0, 1 + {n} / 1000).pdf(x)
claim("{label}-whole", np.sum(density) * (x[1] - x[0]), equals=1, tolerance=1e-3,
      text="area below density {n}")
claim("{label}-peak", density.max(), at_most=0.4, text="peak of density {n}");
```
"""
FIGURE = """\
```{{code-cell}} python
:alt: A bell curve over the line, number {n}, with its peak in the middle and feet on both sides.
:caption: "**A bell.** Density {n}; its area is {{claim}}`{label}-whole .0f`."
:name: fig-{label}
from genmodels.figures import colour, panels

left, right = fig = panels(2)
left.plot(x, density, color=colour("data"))
right.plot(x, np.cumsum(density) * (x[1] - x[0]), color=colour("generator"))
left.set(title="density {n}", xlabel="$x$")
right.set(title="its integral", xlabel="$x$")
fig
```
"""
SUMS = """\
```{{code-cell}} python
total = sum(k**{power} for k in range(1, {n} + 2))
claim("{label}-sum", total, at_least=1, text="sum of powers {n}");
```
"""


def sentences(docs: Path) -> list[str]:
    """The plain sentences of the site's own question pages: without formulas, roles and links."""
    found = []
    for path in sorted(docs.glob("sheet-*/[0-9][a-z]-*.md")):
        text = re.sub(r"(?s)\A---\n.*?\n---\n|^(`{3,}|:{3,}).*?^\1$|\$\$.*?\$\$", "", path.read_text(encoding="utf-8"))
        for line in text.split("\n"):
            found += [
                part for part in re.split(r"(?<=[.?]) ", line) if re.fullmatch(r"[A-Z][\w ,;:'’()-]{30,200}[.?]", part)
            ]
    return sorted(set(found))


def names(count: int) -> list[tuple[str, str]]:
    """The sheet and the name of each page: ("sheet-01", "0a-page-0"); no question's number comes twice."""
    if count > 10 * 26:
        raise ValueError(f"count: {count} pages are more than there are numbers of questions, 260")
    return [
        (f"sheet-{number // A_SHEET + 1:02}", f"{number // 26}{chr(97 + number % 26)}-page-{number}")
        for number in range(count)
    ]


def page(number: int, name: str, pool: Sequence[str]) -> str:
    """The source of one page."""
    question, draw = name.partition("-")[0], random.Random(number)
    chosen = iter(draw.sample(pool, min(len(pool), 150)) * 3)
    label = f"{question}-g{number}"

    def prose(paragraphs: int) -> str:
        return "\n\n".join(" ".join(next(chosen) for _ in range(3)) for _ in range(paragraphs)) + "\n"

    front = FRONT.format(
        description=DESCRIPTION.format(what=f"Page {number}"),
        more=f"file_format: mystnb\nkeywords: [growth {number}]\n",
    )
    parts = [
        f"{front}# {question[0]} ({question[1]}) Page {number}\n",
        f"*5 points.* Which page is this, and why $n={number}$?\n",
        ":::{admonition} Hint\n:class: hint\nLook at its number.\n:::\n",
    ]
    for section, paragraphs in SECTIONS.items():
        parts.append(f"## {section}\n\n{prose(paragraphs)}")
        if section == "Answer":
            parts.append(f":::{{admonition}} Value\n:class: answer\n$$\nn={number}\n$$\n:::\n")
        elif section == "Derivation":
            parts += [FORMULA.format(n=number + step, label=f"{label}-{step}") for step in range(1, 7)]
            parts.append(f"By {{eq}}`eq-{label}-1` the first is bounded.\n")
        elif section == "Evidence":
            values = {"n": number, "label": label, "power": 2}
            parts += [template.format(**values) for template in (NUMBERS, FIGURE, SUMS)]
            parts.append(f"The peak is {{claim}}`{label}-peak .3f`.\n")
    return "\n".join(parts)


def write(root: Path, project: Path, count: int) -> list[Path]:
    """Write a site of so many pages into a folder; return the pages' files."""
    for name in ("conf", "code", "requirements"):
        shutil.copytree(project / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(project / name, root / name)
    pool, made = sentences(project / "docs"), []
    for number, (sheet, name) in enumerate(names(count)):
        path = root / "docs" / sheet / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(number, name, pool), encoding="utf-8")
        made.append(path)
    sheets = sorted({path.parent for path in made})
    for folder in sheets:
        _write(
            folder / "exercises.md",
            f"Exercises of {folder.name}",
            _toctree(path.stem for path in made if path.parent == folder),
        )
        _write(folder / "answers.md", f"Answers of {folder.name}", "```{answers}\n```\n")
    listed = [f"{folder.name}/{name}" for folder in sheets for name in ("exercises", "answers")]
    others = {"results": "```{claims}\n```\n", "links": "```{all-links}\n```\n"}
    for name, text in others.items():
        _write(root / "docs" / f"{name}.md", name.capitalize(), text)
    _write(root / "docs" / "index.md", "A growing site", "```{notebooks}\n```\n\n" + _toctree([*listed, *others]))
    return made


def _toctree(entries: Iterable[str]) -> str:
    return "```{toctree}\n" + "\n".join(entries) + "\n```\n"


def _write(path: Path, title: str, text: str) -> None:
    front = FRONT.format(description=DESCRIPTION.format(what=title), more="")
    path.write_text(f"{front}# {title}\n\n{text}", encoding="utf-8")
