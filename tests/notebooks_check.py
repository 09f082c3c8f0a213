"""Run a notebook of the site as a reader does: does the package installed from the site give the ledger's numbers?

A fresh environment gets the package from the site's wheel and nothing else of this project; what the package depends
on, torch above all, is lent by the environment that built the site. The notebook runs in an empty folder.
"""

import json
import math
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from genmodels.site.claims import MIME

CELL_SECONDS = 600
RELATIVE, ABSOLUTE = 1e-9, 1e-12  # the same machine and versions; deviations from a formula are about 1e-15
VARIABLES = {"PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}  # as when the site was built


def environment(folder: Path, wheel: Path) -> Path:
    """A fresh environment with the package from ``wheel`` and a kernel of that name; where its kernels are listed."""
    venv.create(folder, with_pip=False)
    python = str(folder / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, str(wheel)], check=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    # a plain path: the checkout's own package, which a .pth file in there names, does not come along
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    kernel = [python, "-m", "ipykernel", "install", "--prefix", str(folder), "--name", "genmodels"]
    subprocess.run(kernel, check=True, capture_output=True, env=VARIABLES)
    return folder / "share" / "jupyter" / "kernels"


def run(notebook: Path, kernels: Path, folder: Path) -> Any:
    """The notebook, executed in ``folder``. Raises nbclient's CellExecutionError where a cell fails."""
    copy = nbformat.read(notebook, as_version=4)
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    listed = KernelSpecManager(kernel_dirs=[str(kernels)])
    manager = AsyncKernelManager(kernel_name="genmodels", kernel_spec_manager=listed)
    client = NotebookClient(copy, km=manager, timeout=CELL_SECONDS, resources={"metadata": {"path": str(folder)}})
    return client.execute(cleanup_kc=True, env=VARIABLES | {"HOME": str(folder)})


def claims(notebook: Any) -> Iterator[dict[str, Any]]:
    """What an executed notebook claims."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if MIME in output.get("data", {}):
                yield output["data"][MIME]


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
