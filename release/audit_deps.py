"""Ask what is known against the versions of the lock, of all its Pythons and extras; needs uv.

Exit status: 0 nothing is known; 1 something is, and listed; 3 it could not be asked of everything.
Arguments are pip-audit's, such as `--ignore-vuln ID`, or `--vulnerability-service osv`.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FOUND, NOT_ASKED = 1, 3


def exported(folder: Path) -> None:
    """Each file of requirements/ in the form whose lines pip-audit reads whatever their markers."""
    for file in sorted((ROOT / "requirements").glob("*.txt")):
        options = file.read_text().splitlines()[0].partition("uv.lock: ")[2].split()
        command = ["uv", "export", "--quiet", "--frozen", "--no-emit-project", "--output-file"]
        command += [str(folder / f"pylock.{file.stem}.toml"), "--format", "pylock.toml", *options]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def audited(folder: Path, options: list[str]) -> tuple[list[dict[str, Any]], str]:
    """What pip-audit says of each package, and what it said beside; nothing where it failed."""
    report = folder / "report.json"
    command = [
        "pip-audit",
        "--locked",
        str(folder),
        "--progress-spinner",
        "off",
        "--format",
        "json",
    ]
    done = subprocess.run(
        [*command, "--output", str(report), *options], capture_output=True, text=True, check=False
    )
    text = report.read_text() if report.exists() else ""
    return (json.loads(text)["dependencies"] if text else []), done.stderr


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        exported(Path(name))
        packages, said = audited(Path(name), sys.argv[1:])
    found, reasons = 0, []
    for package in packages:
        if "skip_reason" in package:
            reasons.append(package["skip_reason"])
        for each in package.get("vulns", []):
            found += 1
            mended = ", ".join(each["fix_versions"]) or "no version yet"
            print(f"{package['name']} {package['version']}: {each['id']}, mended in {mended}")
    if not packages or reasons:
        asked = f"{len(reasons)} of {len(packages)} packages" if packages else "any package"
        reason = [*reasons, *said.strip().splitlines()[-1:], "it gave no reason"][0]
        print(
            f"audit-deps: the service could not be asked about {asked}: {reason}", file=sys.stderr
        )
        print(
            "What could not be asked is not known. Run it where pypi.org/pypi/NAME/VERSION/json,"
            " or api.osv.dev can be reached: make audit-deps AUDIT='--vulnerability-service osv'",
            file=sys.stderr,
        )
    else:
        print(f"{len(packages)} packages were asked about, {found} findings.")
    sys.exit(FOUND if found else NOT_ASKED if reasons or not packages else 0)


if __name__ == "__main__":
    main()
