"""The site in each engine that is here; at the end it is said which these were, and without any it is a failure."""

import engine_drivers
import pytest
from static_host import serve

FOUND = pytest.StashKey[dict[str, str]]()


def pytest_configure(config):
    config.stash[FOUND] = {}


@pytest.fixture(scope="session")
def site(html):
    with serve(html) as address:
        yield address


@pytest.fixture(scope="session", params=engine_drivers.ENGINES)
def engine(request):
    found = request.config.stash[FOUND]
    try:
        with engine_drivers.start(request.param) as started:
            found[started.name] = "tested with"
            yield started
    except engine_drivers.MissingError as missing:
        found[str(missing)] = "not found"
        pytest.skip(str(missing))


def pytest_sessionfinish(session):
    if set(session.config.stash[FOUND].values()) == {"not found"}:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    for name, how in config.stash[FOUND].items():
        terminalreporter.write_line(f"{how}: {name}")
