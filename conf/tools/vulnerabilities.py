"""Ask pip-audit whether the locked packages have known vulnerabilities; all that are known must be gone or excused.

Exceptions stand, each with its reason, in requirements/vulnerabilities.toml. An old Django, whose vulnerabilities are
well known, is asked about as well: a service that knows of none there is not believed about the others.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tool
from advice import SetupError

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"
LOCKED = (REQUIREMENTS / "lock.txt", REQUIREMENTS / "torch.txt")
EXCEPTIONS = REQUIREMENTS / "vulnerabilities.toml"
KNOWN_BAD = "django==2.0"  # not among the locked packages
SERVICES = {"pypi": "the advisories of PyPI", "osv": "osv.dev"}


class AuditError(Exception):
    """Its message says why nothing is known about the packages."""


def exceptions(file: Path) -> dict[str, str]:
    """The identifiers of the vulnerabilities that are left, with the reason of each. Raises ValueError."""
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    for name, reason in content.items():
        if not isinstance(reason, str) or not reason.strip():
            raise ValueError(f'{file}: {name} needs a reason: "{name}" = "why it does no harm here"')
    return content


def audited(files: Iterable[Path]) -> list[str]:
    """Every package with its version, on whatever system: without hashes, which pip-audit wants for all or none."""
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    return re.findall(r"(?m)^\w[\w.-]*==[^\s;]+", text)


def ask(pip_audit: Path, service: str) -> dict[str, Any]:
    """What pip-audit reports about the locked packages and the known bad one. Raises AuditError."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text("\n".join([*audited(LOCKED), KNOWN_BAD, ""]), encoding="utf-8")
        command = [str(pip_audit), "--disable-pip", "--no-deps", "--vulnerability-service", service]
        command += ["--format", "json", "--progress-spinner", "off", "--timeout", "15", "--requirement", str(file)]
        run = subprocess.run(command, capture_output=True, text=True)
    try:
        return json.loads(run.stdout)
    except ValueError:
        said = run.stderr.strip().splitlines() or ["nothing"]
        raise AuditError(f"{SERVICES[service]} cannot be asked. pip-audit says: {said[-1]}") from None


def judge(report: dict[str, Any], excused: dict[str, str]) -> tuple[list[str], bool]:
    """What to say about a report, and whether all is well. Raises AuditError where the report is not to be believed."""
    bad, count, lines, met = KNOWN_BAD.split("==")[0], 0, [], set()
    fine = True
    packages = report["dependencies"]
    if not any(package["name"].lower() == bad and package.get("vulns") for package in packages):
        raise AuditError(
            f"the service knows of nothing against {KNOWN_BAD}, so that it is not believed about the rest."
        )
    for package in packages:
        if package["name"].lower() == bad:
            continue
        if "skip_reason" in package:
            lines.append(f"NOT AUDITED  {package['name']}: {package['skip_reason']}")
            fine = False
            continue
        count += 1
        for found in package["vulns"]:
            names = {found["id"], *found["aliases"]}
            reason = next((excused[name] for name in sorted(names) if name in excused), None)
            met |= names
            fine &= reason is not None
            mended = f", mended in {', '.join(found['fix_versions'])}" if found["fix_versions"] else ", not mended yet"
            what = f"{package['name']} {package['version']}: {' '.join(sorted(names))}{mended}"
            lines.append(f"VULNERABLE   {what}" if reason is None else f"excused      {what}. {reason}")
    for name in sorted(excused.keys() - met):
        lines.append(f"NOT NEEDED   the exception {name}: remove it from {EXCEPTIONS.name}")
        fine = False
    lines.append(f"{count} packages audited.")
    return lines, fine


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="The exit status is 0 where all is well, 1 where something is to be done, 2 where nothing is known.",
    )
    parser.add_argument("--service", choices=SERVICES, help="who is asked (default: PyPI, and if that fails OSV)")
    options = parser.parse_args()
    try:
        excused = exceptions(EXCEPTIONS)
    except ValueError as error:
        parser.error(str(error))
    try:
        pip_audit = tool.get("pip-audit")
    except SetupError as error:
        print(f"Not audited: pip-audit cannot be installed. {error}", file=sys.stderr)
        return 2
    for service in [options.service] if options.service else SERVICES:
        print(f"Asking {SERVICES[service]}", flush=True)
        try:
            lines, fine = judge(ask(pip_audit, service), excused)
        except AuditError as error:
            print(f"Not audited: {error}", file=sys.stderr)
            continue
        print("\n".join(lines))
        print(
            "No vulnerability is known."
            if fine and not excused
            else "All is well."
            if fine
            else "Something is to be done."
        )
        return 0 if fine else 1
    print(
        "Nothing is known about the packages: this is no clean result. Try again with another network.", file=sys.stderr
    )
    return 2


if __name__ == "__main__":
    sys.exit(main())
