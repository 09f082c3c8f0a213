"""Scripts without comments and with short names, made by terser in the V8 that renders the formulas.

Readers of the repository get sources that explain themselves, readers of the site less than half of the bytes.
"""

from __future__ import annotations

import atexit
import functools
from pathlib import Path

from py_mini_racer import JSEvalException, MiniRacer

TERSER = Path(__file__).parents[1] / "minify" / "terser.min.js"
OPTIONS = {"compress": False, "mangle": True, "format": {"comments": "/^!/"}}  # licences begin with /*!


@functools.cache
def _engine() -> MiniRacer:
    engine = MiniRacer()
    atexit.register(engine.close)  # closed later, as Python ends, it can wait for ever
    engine.eval(TERSER.read_text(encoding="utf-8"))
    # what it returns holds functions, which do not leave the engine
    engine.eval("const small = (source, options) => Terser.minify_sync(source, options).code")
    return engine


def minified(source: str) -> str:
    """The same script in fewer letters. Raises ValueError where it does not parse."""
    try:
        return str(_engine().call("small", source, OPTIONS)) + "\n"
    except JSEvalException as error:
        raise ValueError(f"not a script: {str(error).splitlines()[0]}") from None
