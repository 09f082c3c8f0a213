"""Get a tool that neither the site nor its tests need, in its newest version; print where it is.

It gets an environment of its own in build/tools: what it requires is kept out of the lock.
"""

import argparse
import contextlib
import sys
from pathlib import Path

import advice
import environment

TOOLS = Path(__file__).resolve().parents[2] / "build" / "tools"


def get(name: str) -> Path:
    """Install or renew the tool of this name and return its executable. Raises SetupError."""
    venv = TOOLS / name
    with contextlib.redirect_stdout(sys.stderr), environment.alone(venv):
        print(f"Getting the newest {name}, in {venv}", flush=True)
        if not environment.is_usable(venv):
            environment.create(venv)
        output = environment.pip_install(venv, "--upgrade", "--only-binary", ":all:", name)
    if output:
        raise advice.SetupError(advice.from_output(output))
    return venv / "bin" / name


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("name", help="as it is called on PyPI, which must be how its command is called")
    try:
        print(get(parser.parse_args().name))
    except advice.SetupError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(advice.from_os_error(error))


if __name__ == "__main__":
    main()
