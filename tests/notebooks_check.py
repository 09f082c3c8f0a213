#!/usr/bin/env python3
"""Run the built site's notebooks as a reader does: does the package installed from the site give the ledger's numbers?

A fresh environment gets the package from the site's wheel and nothing else of this project; what the package depends
on, torch above all, is lent by the environment that built the site. Each notebook runs in an empty folder.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from genmodels.claims import MIME
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

CELL_SECONDS = 600
RELATIVE, ABSOLUTE = 1e-9, 1e-12  # the same machine and versions; deviations from a formula are about 1e-15


def environment(folder: Path, wheel: Path) -> Path:
    """A fresh environment with the package from ``wheel``; its Python. Raises subprocess.CalledProcessError."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, str(wheel)], check=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    # a plain path: the checkout's own package, which a .pth file in there names, does not come along
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    where = [str(python), "-I", "-c", "import genmodels; print(genmodels.__file__)"]
    found = subprocess.run(where, check=True, capture_output=True, text=True).stdout.strip()
    if not Path(found).is_relative_to(packages):
        raise RuntimeError(f"the package comes from {found}, not from the wheel")
    return python


def run(notebook: Path, python: Path) -> dict[str, float]:
    """Execute a copy of the notebook in an empty folder; the numbers that it claims, by their ids.

    Raises nbclient's CellExecutionError where a cell fails.
    """
    copy = nbformat.read(notebook, as_version=4)
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    with tempfile.TemporaryDirectory() as scratch:
        kernel = AsyncKernelManager(
            connection_file=f"{scratch}/kernel.json", transport="ipc", ip=str(Path(scratch) / "kernel")
        )
        command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        kernel._kernel_spec = KernelSpec(argv=command, language="python")
        (Path(scratch) / "empty").mkdir()
        client = NotebookClient(
            copy, km=kernel, timeout=CELL_SECONDS, resources={"metadata": {"path": f"{scratch}/empty"}}
        )
        client.execute(cleanup_kc=True, env=_variables(Path(scratch)))
    return {claim["id"]: claim["value"] for claim in claims(copy)}


def claims(notebook: Any) -> Iterator[dict[str, Any]]:
    """What an executed notebook claims."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if MIME in output.get("data", {}):
                yield output["data"][MIME]


def _variables(scratch: Path) -> dict[str, str]:
    """One thread, as when the site was built, and nothing of this checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "IPYTHON", "JUPYTER"))}
    return kept | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "IPYTHONDIR": str(scratch / "ipython")}


def problems(site: Path, name: str, numbers: dict[str, float]) -> list[str]:
    """Where the numbers of the page called ``name`` are not those of the site's ledger."""
    ledger = json.loads((site / "claims.json").read_text(encoding="utf-8"))["claims"]
    expected = {claim["id"]: claim["value"] for claim in ledger if claim["page"] == name}
    found = [f"{claim} is missing" for claim in sorted(expected.keys() - numbers.keys())]
    found += [f"{claim} is not in the ledger" for claim in sorted(numbers.keys() - expected.keys())]
    for claim in sorted(expected.keys() & numbers.keys()):
        if not math.isclose(numbers[claim], expected[claim], rel_tol=RELATIVE, abs_tol=ABSOLUTE):
            found.append(f"{claim} is {numbers[claim]:.10g}, in the ledger {expected[claim]:.10g}")
    return found


def notebooks(site: Path, pages: list[str]) -> list[Path]:
    """The site's notebooks, all or those whose names start so ("2a"). Raises ValueError on a page that has none."""
    every = sorted(site.glob("sheet-*/*.ipynb"))
    chosen = [path for path in every if not pages or path.name.partition("-")[0] in pages]
    missing = set(pages) - {path.name.partition("-")[0] for path in chosen}
    if missing or not every:
        raise ValueError(f"no notebook of {', '.join(sorted(missing)) or 'any page'} in {site}: build it first")
    return chosen


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="2a 3b …; all where none is named")
    root = Path(__file__).resolve().parents[2]
    parser.add_argument("--site", type=Path, default=root / "build" / "html", help="a built site")
    options = parser.parse_args()
    failed = False
    try:
        chosen = notebooks(options.site, options.pages)
    except ValueError as error:
        parser.error(str(error))
    with tempfile.TemporaryDirectory() as scratch:
        (wheel,) = chosen[0].parent.glob("*.whl")
        python = environment(Path(scratch) / "venv", wheel)
        for path in chosen:
            started = time.monotonic()
            try:
                numbers = run(path, python)
                found = problems(options.site, path.relative_to(options.site).with_suffix("").as_posix(), numbers)
            except CellExecutionError as error:
                numbers, found = {}, [f"{error.ename}: {error.evalue}"]
            seconds = f"{time.monotonic() - started:.0f} s"
            words = "; ".join(found) or f"{len(numbers)} numbers, all as in the ledger"
            print(f"{path.stem}: {words} ({seconds})", flush=True)
            failed |= bool(found)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
