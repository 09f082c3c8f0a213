"""The built site, for all tests that look at it."""

from pathlib import Path

import pytest
import torch
from hypothesis import settings

torch.set_num_threads(1)  # as cells have it: more round otherwise, which training amplifies

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def html() -> Path:
    built = ROOT / "build" / "html"
    if not (built / "index.html").is_file():
        pytest.fail("there is no built site: run 'make html' first ('make test' does it by itself)", pytrace=False)
    return built


# a property is slow on a busy machine, not wrong
settings.register_profile("site", deadline=None)
settings.load_profile("site")
