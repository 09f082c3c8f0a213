"""The lock holds what pyproject.toml asks for, hashed, without CUDA, and this environment is made of it."""

import re
import tomllib
from importlib.metadata import distribution, requires
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements/lock.txt").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TORCH = Requirement((ROOT / "requirements/torch.txt").read_text(encoding="utf-8").strip())


def locked() -> list[tuple[Requirement, int]]:
    """Every requirement of the lock with its number of hashes."""
    entries = re.findall(r"(?m)^(\w[^\\\n]*)((?: \\\n    --hash=sha256:[0-9a-f]{64})*)$", LOCK)
    return [(Requirement(line), hashes.count("--hash=")) for line, hashes in entries]


def direct() -> list[Requirement]:
    """What pyproject.toml asks for, torch apart."""
    groups = [PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"].values()]
    asked = [Requirement(line) for group in groups for line in group]
    return [requirement for requirement in asked if requirement.name != "torch"]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_lock_is_understood_whole_and_every_package_is_hashed() -> None:
    lines = [line for line in LOCK.splitlines() if line and not line.startswith(("#", " "))]
    assert len(locked()) == len(lines) > 100
    assert [str(requirement) for requirement, hashes in locked() if hashes == 0] == []
    assert all([sign.operator for sign in requirement.specifier] == ["=="] for requirement, _ in locked())


def test_lock_holds_no_cuda_and_no_address() -> None:
    names = {canonical(requirement.name) for requirement, _ in locked()}
    assert not {name for name in names if re.match(r"nvidia|triton|cuda|torch", name)}
    assert not re.search(r"https?:|file:|--index-url|--find-links|--trusted-host", LOCK)


@pytest.mark.parametrize("python", ["3.11", "3.14"])
@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_lock_satisfies_every_direct_dependency(python: str, system: str) -> None:
    there = {**default_environment(), "python_version": python, "python_full_version": f"{python}.5"}
    there["sys_platform"] = system
    versions = {
        canonical(requirement.name): next(iter(requirement.specifier)).version
        for requirement, _ in locked()
        if requirement.marker is None or requirement.marker.evaluate(there)
    }
    wrong = [
        str(wanted)
        for wanted in direct()
        if not wanted.specifier.contains(versions.get(canonical(wanted.name), "0"), prereleases=True)
    ]
    assert wrong == []


def test_the_package_installs_beside_what_colab_and_anaconda_have() -> None:
    """The oldest set on which all pages were tried; pip would else replace half of what is there."""
    old = {"matplotlib": "3.10.0", "numpy": "2.0.2", "scikit-learn": "1.6.1", "scipy": "1.15.3", "torch": "2.6.0"}
    asked = {one.name: one.specifier for one in map(Requirement, PROJECT["project"]["dependencies"])}
    assert {name for name, version in old.items() if version in asked[name]} == asked.keys()


def test_torch_is_pinned_once_and_described_as_it_is() -> None:
    (asked,) = (Requirement(line) for line in PROJECT["project"]["dependencies"] if line.startswith("torch"))
    (version,) = (sign.version for sign in TORCH.specifier)
    assert asked.specifier.contains(version)
    (described,) = PROJECT["tool"]["uv"]["dependency-metadata"]
    assert (described["name"], described["version"]) == ("torch", version)
    needed = {str(Requirement(line)) for line in requires("torch") or [] if "extra ==" not in line}
    assert needed == {str(Requirement(line)) for line in described["requires-dist"]}


def test_this_environment_is_what_the_lock_says() -> None:
    here = [requirement for requirement, _ in locked() if not requirement.marker or requirement.marker.evaluate()]
    wrong = {str(r): distribution(r.name).version for r in here if distribution(r.name).version not in r.specifier}
    assert wrong == {}
    assert distribution("torch").version.split("+")[0] in TORCH.specifier
