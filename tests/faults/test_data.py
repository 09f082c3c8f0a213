"""A data file that is damaged is found before anything is run with it."""

from __future__ import annotations

from small_site import ran
from tried_site import TriedSite

DATA = "code/genmodels/data/mnist.npz"


def test_a_data_file_with_one_wrong_bit_is_named_before_any_cell_runs(site: TriedSite) -> None:
    path = site.root / DATA
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    output = site.fails(f"{DATA} is damaged", "git checkout -- code/genmodels/data")
    assert "running" not in output and len(output.strip().splitlines()) == 3
    path.write_bytes(content)
    assert ran(site.is_right()) == set()


def test_a_data_file_whose_checksum_is_missing_is_named(site: TriedSite) -> None:
    note = site.root / DATA.replace(".npz", ".md")
    content = note.read_bytes()
    for less in (None, content.replace(b"sha256 `cf", b"sha256 `xf")):
        note.unlink()
        if less is not None:
            note.write_bytes(less)
        site.fails(f"{DATA}: beside it there must be mnist.md with its sha256")
        note.write_bytes(content)
    assert ran(site.is_right()) == set()
