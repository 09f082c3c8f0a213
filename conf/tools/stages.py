"""Where a build's seconds go: one stopwatch for all parts of a build, which build.py --times prints.

Stages follow each other, so they add up to the whole. Pages run side by side: the time that this takes is shared out to
starting kernels and running cells as all pages together spent it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping


class Stopwatch:
    """Adds up seconds by stage; each lap ends a stage and begins the next."""

    def __init__(self, seconds_before: float = 0.0) -> None:
        self.seconds: dict[str, float] = {"imports": seconds_before}
        self._since = time.perf_counter()

    def lap(self, stage: str) -> None:
        """What has been done since the last lap was this stage."""
        self.share({stage: 1.0})

    def share(self, parts: Mapping[str, float]) -> None:
        """What has been done since the last lap were these stages, in these proportions."""
        now, whole = time.perf_counter(), sum(parts.values())
        for stage, part in parts.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + (now - self._since) * part / (whole or 1.0)
        self._since = now

    def lines(self) -> list[str]:
        """A line for each stage, and one for the whole."""
        stages = [*self.seconds.items(), ("all", sum(self.seconds.values()))]
        return [f"Seconds, {stage}: {seconds:.2f}" for stage, seconds in stages]


# until here the process has done little but import: its CPU time stands for the imports
clock = Stopwatch(time.process_time())
