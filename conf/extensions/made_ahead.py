"""Make what a build will need, in a process beside it: site_state.Memory.ahead starts this and hands it the work.

It keeps what it makes where the build looks. What it cannot make the build makes itself, and says what is wrong.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

CONF = Path(__file__).resolve().parents[1]


def main() -> None:
    """Read the work from standard input and do it."""
    sys.path[:0] = [str(CONF / "tools"), str(CONF.parent / "code")]
    from site_state import Memory

    work = json.load(sys.stdin)
    memory = Memory(Path(work["folder"]), work["recipe"])
    make = getattr(importlib.import_module(work["module"]), work["name"])
    for inputs in work["calls"]:
        memory.recall(make, *inputs)


if __name__ == "__main__":
    main()
