"""The tools that are compared: how each is installed, set up and called, and where its documentation says so.

Each comes in two columns: as its documentation sets it up, and with the best settings that its documentation names. A
setting without which these pages cannot be built is in both columns. Every tool has an environment of its own in
build/bench/tools, without torch: cells run in a kernel of the site's environment, the same for all.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

DOCUMENTED, BEST = "as documented", "best settings"
OURS = "this project"
THREADS = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "MKL", "OPENBLAS", "NUMEXPR")}
ADVICE = (
    "The environment of {} could not be installed into {}:\n{}\n"
    "Check the network (HTTPS_PROXY, PIP_INDEX_URL), then try again."
)


class InstallationError(Exception):
    """A tool's environment cannot be made; the message says what pip says."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """A setting, why it is as it is, and where the tool's documentation speaks of it."""

    what: str
    why: str
    source: str


@dataclasses.dataclass(frozen=True)
class Contestant:
    """A tool in one column. ``files`` may name the pages: {pages} stands for their names, one on each line."""

    tool: str
    column: str
    packages: tuple[str, ...]  # for pip; the first is the one whose version is told
    suffix: str  # of the pages' files
    files: Mapping[str, str]
    command: tuple[str, ...]
    pages: str  # the folder of the pages' sources
    html: str  # where a built page is; {name} stands for its name
    settings: tuple[Setting, ...]
    once: tuple[str, ...] = ()  # a command of the tool that is called before the first build, and not measured

    @property
    def name(self) -> str:
        """A name for folders: "sphinx-myst-nb-best-settings"."""
        words = "".join(letter if letter.isalnum() else " " for letter in f"{self.tool} {self.column}".lower())
        return "-".join(words.split())

    @property
    def environment(self) -> str:
        """The name of the folder of the tool's environment."""
        return "-".join("".join(letter if letter.isalnum() else " " for letter in self.tool.lower()).split())


MYST_DOCS = "https://myst-nb.readthedocs.io/en/latest"
BOOK_DOCS = "https://jupyterbook.org/v1"
NBSPHINX_DOCS = "https://nbsphinx.readthedocs.io/en/latest"
MKDOCS_DOCS = "https://www.mkdocs.org/user-guide"
MKDOCS_JUPYTER_DOCS = "https://github.com/danielfrg/mkdocs-jupyter"

FORMULAS = Setting(
    '`myst_enable_extensions = ["dollarmath"]`',
    "the pages have formulas between dollar signs",
    f"{MYST_DOCS}/authoring/markdown.html",
)
PATIENCE = Setting(
    "`nb_execution_timeout = 300`",
    "a cell may take longer than the default of 30 s, and would be stopped",
    f"{MYST_DOCS}/computation/execute.html",
)
MYST_INDEX = "# Pages\n\n```{{toctree}}\n{pages}\n```\n"
MYST_CONF = """\
extensions = ["myst_nb"]
master_doc = "index"
project = "Pages"
exclude_patterns = ["_build", "Thumbs.db", ".DS_Store", "**.ipynb_checkpoints"]
myst_enable_extensions = ["dollarmath"]
nb_execution_timeout = 300
"""
SPHINX_OUT = ("-b", "html", ".", "_build/html")

# what `jupyter-book create` writes, without its LaTeX, bibliography and repository buttons
BOOK_CONFIG = """\
title: Pages
author: The Jupyter Book Community
execute:
  execute_notebooks: {mode}
  timeout: 300
"""
BOOK_TOC = "format: jb-book\nroot: index\nchapters:\n{pages}\n"
BOOK_PATIENCE = Setting("`execute: timeout: 300`", PATIENCE.why, f"{BOOK_DOCS}/content/execute.html")

NBSPHINX_CONF = """\
project = "Pages"
extensions = ["nbsphinx"]
exclude_patterns = ["_build", "**.ipynb_checkpoints"]
"""
NBSPHINX_INDEX = "Pages\n=====\n\n.. toctree::\n\n{pages}\n"

MKDOCS_CONFIG = """\
site_name: Pages
plugins:
  - search
  - mkdocs-jupyter:
      execute: true
"""
EXECUTE = Setting(
    "`execute: true`", "off by default; without it no cell runs", f"{MKDOCS_JUPYTER_DOCS}#execute-notebook"
)
CACHE = Setting(
    "`cache: true`, its default",
    "converted pages are kept as long as their file and the settings are the same",
    f"{MKDOCS_JUPYTER_DOCS}#caching",
)
SCRIPTS = Setting(
    "pages as scripts of jupytext, in its percent format",
    "one of the two kinds of page that it reads",
    MKDOCS_JUPYTER_DOCS,
)


def _book(column: str, mode: str, why: str, source: str) -> Contestant:
    """Jupyter Book with cells run in this mode, by its own command."""
    return Contestant(
        tool="Jupyter Book 1",
        column=column,
        packages=("jupyter-book<2",),
        suffix=".md",
        files={"_config.yml": BOOK_CONFIG.format(mode=mode), "_toc.yml": BOOK_TOC, "index.md": "# Pages\n"},
        command=("jupyter-book", "build", "."),
        pages=".",
        html="_build/html/{name}.html",
        settings=(Setting(f"`execute_notebooks: {mode}`", why, source), BOOK_PATIENCE),
    )


BOOK = _book(
    DOCUMENTED,
    "force",
    "what `jupyter-book create` writes: every page runs whenever it is read",
    f"{BOOK_DOCS}/start/create.html",
)
CACHED_BOOK = _book(
    BEST,
    "cache",
    "outputs are kept by jupyter-cache as long as the cells are the same",
    f"{BOOK_DOCS}/content/execute.html#caching-the-notebook-execution",
)
CONTESTANTS = (
    Contestant(
        tool="Sphinx + myst-nb",
        column=DOCUMENTED,
        packages=("myst-nb", "sphinx"),
        suffix=".md",
        files={"conf.py": MYST_CONF, "index.md": MYST_INDEX},
        command=("sphinx-build", *SPHINX_OUT),
        pages=".",
        html="_build/html/{name}.html",
        settings=(
            Setting(
                'what `mystnb-quickstart` writes; `nb_execution_mode = "auto"`, its default',
                "pages without outputs run whenever Sphinx reads them",
                f"{MYST_DOCS}/quickstart.html",
            ),
            FORMULAS,
            PATIENCE,
        ),
    ),
    Contestant(
        tool="Sphinx + myst-nb",
        column=BEST,
        packages=("myst-nb", "sphinx"),
        suffix=".md",
        files={"conf.py": MYST_CONF + 'nb_execution_mode = "cache"\n', "index.md": MYST_INDEX},
        command=("sphinx-build", "-j", "auto", *SPHINX_OUT),
        pages=".",
        html="_build/html/{name}.html",
        settings=(
            Setting(
                '`nb_execution_mode = "cache"`',
                "outputs are kept by jupyter-cache as long as the cells are the same",
                f"{MYST_DOCS}/computation/execute.html#notebook-execution-modes",
            ),
            Setting(
                "`sphinx-build -j auto`",
                "a process for each core, for reading and for writing",
                "https://www.sphinx-doc.org/en/master/man/sphinx-build.html#cmdoption-sphinx-build-j",
            ),
            FORMULAS,
            PATIENCE,
        ),
    ),
    BOOK,
    dataclasses.replace(
        CACHED_BOOK,
        once=("jupyter-book", "config", "sphinx", "."),
        command=("sphinx-build", "-j", "auto", *SPHINX_OUT),
        settings=(
            *CACHED_BOOK.settings,
            Setting(
                "`jupyter-book config sphinx`, once and not measured; then `sphinx-build -j auto`",
                "the other documented way to build a book; it still reads one page after the other, as it says itself, "
                "for the book's extension sphinx_multitoc_numbering is not declared safe for several at a time",
                f"{BOOK_DOCS}/sphinx/index.html",
            ),
        ),
    ),
    Contestant(
        tool="nbsphinx",
        column=DOCUMENTED,
        packages=("nbsphinx", "sphinx", "pypandoc_binary"),
        suffix=".ipynb",
        files={"conf.py": NBSPHINX_CONF, "index.rst": NBSPHINX_INDEX},
        command=("python", "-m", "sphinx", *SPHINX_OUT),
        pages=".",
        html="_build/html/{name}.html",
        settings=(
            Setting(
                '`nbsphinx_execute = "auto"`, its default',
                "pages without outputs run whenever Sphinx reads them",
                f"{NBSPHINX_DOCS}/executing-notebooks.html",
            ),
        ),
    ),
    Contestant(
        tool="nbsphinx",
        column=BEST,
        packages=("nbsphinx", "sphinx", "pypandoc_binary"),
        suffix=".ipynb",
        files={"conf.py": NBSPHINX_CONF, "index.rst": NBSPHINX_INDEX},
        command=("python", "-m", "sphinx", "-j", "auto", *SPHINX_OUT),
        pages=".",
        html="_build/html/{name}.html",
        settings=(
            Setting(
                "`-j auto`",
                "several pages at a time, one on each core; it keeps no outputs",
                f"{NBSPHINX_DOCS}/usage.html",
            ),
        ),
    ),
    Contestant(
        tool="mkdocs-jupyter",
        column=DOCUMENTED,
        packages=("mkdocs-jupyter", "mkdocs", "jupytext"),
        suffix=".py",
        files={"mkdocs.yml": MKDOCS_CONFIG, "docs/index.md": "# Pages\n"},
        command=("mkdocs", "build"),
        pages="docs",
        html="site/{name}/index.html",
        settings=(EXECUTE, CACHE, SCRIPTS),
    ),
    Contestant(
        tool="mkdocs-jupyter",
        column=BEST,
        packages=("mkdocs-jupyter", "mkdocs", "jupytext"),
        suffix=".py",
        files={"mkdocs.yml": MKDOCS_CONFIG, "docs/index.md": "# Pages\n"},
        command=("mkdocs", "build", "--dirty"),
        pages="docs",
        html="site/{name}/index.html",
        settings=(
            Setting("`--dirty`", "only pages whose file changed are built again", f"{MKDOCS_DOCS}/cli/#mkdocs-build"),
            EXECUTE,
            CACHE,
            SCRIPTS,
        ),
    ),
)


def install(contestant: Contestant, folder: Path) -> Path:
    """Make the tool's environment, unless it is there; return it. Raises InstallationError."""
    home = folder / contestant.environment
    stamp = home / "installed.json"
    if stamp.is_file() and json.loads(stamp.read_text(encoding="utf-8")) == list(contestant.packages):
        return home
    print(f"Installing {contestant.tool} into {home.relative_to(folder.parents[2])}: once, a minute.", flush=True)
    venv.create(home, clear=True, with_pip=True)
    command = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", *contestant.packages]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise InstallationError(ADVICE.format(contestant.tool, home, done.stderr.strip()[-2000:]))
    stamp.write_text(json.dumps(contestant.packages), encoding="utf-8")
    return home


def versions(home: Path, packages: Sequence[str]) -> dict[str, str]:
    """The versions of these packages in an environment, and that of its Python."""
    names = [package.partition("<")[0] for package in packages]
    code = (
        "import importlib.metadata, json, platform, sys; "
        "print(json.dumps({'Python': platform.python_version(), "
        "**{name: importlib.metadata.version(name) for name in sys.argv[1:]}}))"
    )
    command = [str(home / "bin" / "python"), "-c", code, *names]
    found: dict[str, str] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def clean_environment() -> dict[str, str]:
    """This process's environment without what could change a build, and with one thread for each process."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "IPYTHON", "JUPYTER", "MPL", "GENMODELS", "SITE_", "READTHEDOCS", "PYTEST"))
        and name not in ("VIRTUAL_ENV", "SOURCE_DATE_EPOCH")
    }
    return kept | THREADS | {"VECLIB_MAXIMUM_THREADS": "1"}


def environment(home: Path, folder: Path) -> dict[str, str]:
    """The environment that a tool is called in: its own programs first, and one kernel, that of the site."""
    pandoc = next(iter(home.glob("lib/python*/site-packages/pypandoc/files")), home / "bin")
    path = os.pathsep.join([str(home / "bin"), str(pandoc), os.environ.get("PATH", "/usr/bin:/bin")])
    return clean_environment() | {"PATH": path, "JUPYTER_PATH": str(folder / "jupyter")}


def write_kernel(folder: Path, package: Path) -> None:
    """A kernel python3 that is this very Python, with the package at ``package``, for tools called in ``folder``."""
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    variables = {
        "PYTHONPATH": str(package.parent),
        "PYTHONHASHSEED": "0",
        "CUDA_VISIBLE_DEVICES": "",
        "IPYTHONDIR": str(folder / "ipython"),
        "VIRTUAL_ENV": sys.prefix,
    }
    kernel = {"argv": argv, "display_name": "Python 3", "language": "python", "env": variables}
    place = folder / "jupyter" / "kernels" / "python3"
    place.mkdir(parents=True, exist_ok=True)
    (place / "kernel.json").write_text(json.dumps(kernel, indent=1), encoding="utf-8")
