"""Files and their names are UTF-8 here, whatever the locale says."""

from __future__ import annotations

import io
import locale
import os
import sys


def insist() -> None:
    """Start this very command again in Python's UTF-8 mode where the locale has another encoding.

    What a terminal cannot show is written to it as an escape.
    """
    for stream in (sys.stdout, sys.stderr):  # a terminal may know fewer letters
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if not sys.flags.utf8_mode and locale.getencoding().lower() not in ("utf-8", "utf8"):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | {"PYTHONUTF8": "1"})
