"""What is said about known vulnerabilities, and that nothing counts as clean that was not really audited."""

from pathlib import Path
from typing import Any

import pytest
import tool
import vulnerabilities
from advice import SetupError
from vulnerabilities import AuditError, judge


def package(name: str, *found: str, mended: tuple[str, ...] = ("2.0",)) -> dict[str, Any]:
    vulns = [{"id": each, "aliases": [f"CVE-{each}"], "fix_versions": list(mended)} for each in found]
    return {"name": name, "version": "1.0", "vulns": vulns}


DJANGO = package("django", "OLD-1", "OLD-2")


def report(*packages: dict[str, Any]) -> dict[str, Any]:
    return {"dependencies": [*packages, DJANGO], "fixes": []}


def test_nothing_known_is_clean() -> None:
    assert judge(report(package("one"), package("two")), {}) == (["2 packages audited."], True)


def test_what_is_found_is_named_with_its_remedy() -> None:
    lines, fine = judge(report(package("one", "A-1"), package("two", "B-1", mended=())), {})
    assert not fine
    assert lines[:2] == [
        "VULNERABLE   one 1.0: A-1 CVE-A-1, mended in 2.0",
        "VULNERABLE   two 1.0: B-1 CVE-B-1, not mended yet",
    ]


@pytest.mark.parametrize("name", ["A-1", "CVE-A-1"])
def test_an_exception_excuses_by_any_of_its_names(name: str) -> None:
    lines, fine = judge(report(package("one", "A-1")), {name: "never called"})
    assert fine
    assert lines[0] == "excused      one 1.0: A-1 CVE-A-1, mended in 2.0. never called"


def test_an_exception_that_is_not_needed_must_go() -> None:
    lines, fine = judge(report(package("one")), {"A-1": "never called"})
    assert not fine
    assert lines[0] == "NOT NEEDED   the exception A-1: remove it from vulnerabilities.toml"


def test_what_was_not_audited_is_not_clean() -> None:
    lines, fine = judge(report({"name": "one", "skip_reason": "not on the index"}), {})
    assert not fine
    assert lines == ["NOT AUDITED  one: not on the index", "0 packages audited."]


@pytest.mark.parametrize("django", [[], [package("django")], [{"name": "django", "skip_reason": "no answer"}]])
def test_a_service_that_knows_nothing_is_not_believed(django: list[dict[str, Any]]) -> None:
    with pytest.raises(AuditError, match=r"knows of nothing against django==2\.0"):
        judge({"dependencies": [package("one"), *django]}, {})


def test_the_known_bad_package_is_not_locked() -> None:
    names = [line.split("==")[0] for line in vulnerabilities.audited(vulnerabilities.LOCKED)]
    assert vulnerabilities.KNOWN_BAD.split("==")[0] not in names


def test_every_locked_package_is_audited_on_every_system() -> None:
    lines = vulnerabilities.audited(vulnerabilities.LOCKED)
    lock = vulnerabilities.LOCKED[0].read_text(encoding="utf-8")
    assert lines[:-1] == [line.split()[0] for line in lock.splitlines() if line and line[0] not in "# "]
    assert lines[-1].startswith("torch==")
    assert any(line.startswith("appnope==") for line in lines)  # macOS alone needs it


@pytest.mark.parametrize("content", ['A-1 = ""', 'A-1 = " "', "A-1 = true"])
def test_an_exception_needs_a_reason(content: str, tmp_path: Path) -> None:
    (tmp_path / "exceptions.toml").write_text(content)
    with pytest.raises(ValueError, match="A-1 needs a reason"):
        vulnerabilities.exceptions(tmp_path / "exceptions.toml")


def test_the_exceptions_of_this_project_have_reasons() -> None:
    assert isinstance(vulnerabilities.exceptions(vulnerabilities.EXCEPTIONS), dict)


def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> int:
    """Run the tool with a script in the place of pip-audit."""
    stand = tmp_path / "pip-audit"
    stand.write_text(f"#!/bin/sh\n{script}\n")
    stand.chmod(0o755)
    (tmp_path / "none.toml").touch()
    monkeypatch.setattr(vulnerabilities, "EXCEPTIONS", tmp_path / "none.toml")
    monkeypatch.setattr(tool, "get", lambda name: stand)
    monkeypatch.setattr("sys.argv", ["vulnerabilities.py"])
    return vulnerabilities.main()


def test_a_service_that_cannot_be_reached_is_no_clean_result(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path, 'echo "Traceback" >&2; echo "ConnectionError: no route" >&2; exit 1') == 2
    said = capsys.readouterr()
    assert "the advisories of PyPI cannot be asked. pip-audit says: ConnectionError: no route" in said.err
    assert "osv.dev cannot be asked" in said.err
    assert "this is no clean result" in said.err
    assert "No vulnerability is known" not in said.out


def test_the_second_service_is_asked_where_the_first_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = '{"dependencies": [{"name": "django", "version": "2.0", "vulns": [{"id": "A"}]}]}'
    script = f"case \"$*\" in *'service pypi'*) exit 1;; esac; echo '{answer}'"
    assert run(monkeypatch, tmp_path, script) == 0
    assert "No vulnerability is known." in capsys.readouterr().out


def test_pip_audit_that_cannot_be_installed_is_no_clean_result(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(name: str) -> Path:
        raise SetupError("The package index cannot be reached.")

    monkeypatch.setattr(tool, "get", fail)
    monkeypatch.setattr("sys.argv", ["vulnerabilities.py"])
    assert vulnerabilities.main() == 2
    assert "Not audited: pip-audit cannot be installed." in capsys.readouterr().err


def test_a_tool_has_an_environment_of_its_own_and_says_where_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(tool, "TOOLS", tmp_path)
    monkeypatch.setattr(tool.environment, "create", lambda venv: venv.mkdir(exist_ok=True))
    monkeypatch.setattr(tool.environment, "pip_install", lambda venv, *arguments: asked.append(arguments) or "")
    monkeypatch.setattr("sys.argv", ["tool.py", "uv"])
    tool.main()
    said = capsys.readouterr()
    assert said.out == f"{tmp_path}/uv/bin/uv\n"  # alone: make takes it for a path
    assert "Getting the newest uv" in said.err
    assert asked == [("--upgrade", "--only-binary", ":all:", "uv")]
    monkeypatch.setattr(tool.environment, "pip_install", lambda venv, *arguments: "ERROR: the moon is full\n")
    with pytest.raises(SystemExit, match="pip failed: the moon is full"):
        tool.main()
