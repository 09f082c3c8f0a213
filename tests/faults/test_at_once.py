"""Builds of one folder at once: they wait for each other, and the last word is right."""

from __future__ import annotations

from small_site import ran
from tried_site import TriedSite


def test_builds_at_once_wait_for_each_other(site: TriedSite) -> None:
    site.edit("docs/one.md", "axes.plot([0, 1])", "axes.plot([1, 0])")
    builds = [site.start() for _ in range(3)]
    outputs = [build.communicate(timeout=300)[0] for build in builds]
    assert [build.returncode for build in builds] == [0, 0, 0], outputs
    assert sum("Another build is running here" in output for output in outputs) >= 1, outputs
    assert [ran(output) for output in outputs].count({"one"}) == 1, outputs
    assert site.litter() == set()
    site.edit("docs/one.md", "axes.plot([1, 0])", "axes.plot([0, 1])")
    site.is_right()
