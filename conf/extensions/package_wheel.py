"""The package as a wheel beside the notebooks, which need it: built without network, the same bytes every time."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import tomllib
from pathlib import Path

EPOCH = "1580601600"  # no time of now: hatchling's own default for builds that can be repeated


def wheel_name(root: Path) -> str:
    """The file's name, as the project's name and version give it."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return f"{project['name']}-{project['version']}-py3-none-any.whl"


def sources(root: Path) -> dict[str, str]:
    """The digests of the files that the package is built from."""
    files = [root / name for name in ("pyproject.toml", "LICENSE", ".gitignore")]
    files += (path for path in (root / "code").rglob("*") if "__pycache__" not in path.parts)
    return {path.relative_to(root).as_posix(): _digest(path) for path in sorted(files) if path.is_file()}


def _digest(path: Path) -> str:
    return f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_mode & 0o111}"


def build_wheel(root: Path, folder: Path) -> Path:
    """Build the project at ``root`` into ``folder`` and return the file."""
    from hatchling.builders.wheel import WheelBuilder

    folder.mkdir(parents=True, exist_ok=True)
    before = os.environ.get("SOURCE_DATE_EPOCH"), tempfile.tempdir
    with tempfile.TemporaryDirectory(dir=folder) as scratch:  # where a killed build's leftovers are removed
        os.environ["SOURCE_DATE_EPOCH"], tempfile.tempdir = EPOCH, scratch  # hatchling leaves a file where it fails
        try:
            (built,) = WheelBuilder(str(root)).build(directory=scratch, versions=["standard"])
            return Path(shutil.copyfile(built, folder / wheel_name(root)))
        finally:
            os.environ.pop("SOURCE_DATE_EPOCH")
            if before[0] is not None:
                os.environ["SOURCE_DATE_EPOCH"] = before[0]
            tempfile.tempdir = before[1]
