"""A small site that is built once and copied for each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_site import Site


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A small site that has been built, below a path with blanks and umlauts."""
    site = Site(tmp_path_factory.mktemp("with blank and ümlaut") / "site")
    site.make()
    assert site.builds() == {"one", "two"}
    yield site
    shutil.rmtree(site.outside)


@pytest.fixture
def site(built: Site, tmp_path: Path) -> Iterator[Site]:
    """A copy of it, at another place: no executed cell may depend on where it lies."""
    site = built.copy(tmp_path / "site")
    yield site
    shutil.rmtree(site.outside)
