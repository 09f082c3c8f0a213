"""Margins are measured on other seeds, the same at every call, and what does not hold is named."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from genmodels.site import claims
from genmodels.site.seeds import REPEAT
from site_builder.cell_process import surroundings
from site_builder.margins import repeat, table

ROOT = Path(__file__).resolve().parents[2]
CELLS = [
    "from genmodels.site.claims import claims\nfrom genmodels.site.seeds import seeds\nshown = seeds(3)",
    'claims("x", steady=(0.5, 0.5), varies=shown, fails=shown)\nprint("not shown")',
]
TABLE = """\
steady = { tolerance = 0, text = "" }
varies = { at_least = 1000, over = "min", text = "" }
fails = { at_most = 1999, over = "min", text = "" }
"""


@pytest.fixture(autouse=True)
def restored(monkeypatch, tmp_path):
    monkeypatch.setenv(REPEAT, "0")
    monkeypatch.setattr(claims, "TABLES", tmp_path)
    (tmp_path / "x.toml").write_text(TABLE)
    claims.expectations.cache_clear()


def test_repetitions_record_what_does_not_hold(capsys):
    lines, failed = table([repeat(CELLS, number) for number in (1, 2, 3)])
    assert failed == 1
    assert [line.split()[:5] for line in lines] == [
        ["ok", "3", "of", "3", "x-varies"],
        ["OFF", "1", "of", "3", "x-fails"],
        ["1", "other", "claims", "had", "the"],
    ]
    assert "1000 to        3000" in lines[0]
    assert "at least 1000" in lines[0]
    assert capsys.readouterr().out == ""


def test_a_closed_form_that_is_off_is_shown():
    cells = ['from genmodels.site.claims import claims\nclaims("x", steady=(1, 2))']
    lines, failed = table([repeat(cells, 1)])
    assert failed == 1
    assert lines[0].startswith("OFF   0 of 1  x-steady")


def test_an_unknown_page_is_an_error_that_names_the_pages():
    command = [sys.executable, "-m", "site_builder", "margins", "9z"]
    run = subprocess.run(command, cwd=ROOT / "conf", capture_output=True, text=True)
    assert run.returncode == 2
    assert (
        "No page with cells is called 9z: there are gan-laboratory, 1-vae, 1a-sampling, 1b-latent-space" in run.stderr
    )


def test_the_build_shows_its_own_seeds_whatever_the_environment_says(monkeypatch, tmp_path):
    """A page that inherited the setting would show the seeds of a repetition."""
    monkeypatch.setenv(REPEAT, "3")
    code = "from genmodels.site.seeds import seeds; import json; print(json.dumps(list(seeds(2))))"
    with surroundings(tmp_path):
        run = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT / "code", capture_output=True, text=True, check=True
        )
    assert json.loads(run.stdout) == [200, 201]
