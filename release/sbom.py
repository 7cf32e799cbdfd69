"""Print a CycloneDX list of what hookgate's wheel with its extras needs, of uv.lock; needs uv.

The same lock gives the same bytes: the time is SOURCE_DATE_EPOCH.
"""

import json
import os
import subprocess
import sys
import tomllib
import uuid
from datetime import UTC, datetime
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).parents[1]


def parts() -> dict[str, object]:
    """What requirements/run.txt holds, as uv writes it: versions, files, hashes, who needs whom."""
    first = (ROOT / "requirements/run.txt").read_text().splitlines()[0]
    command = ["uv", "export", "--quiet", "--frozen", "--preview-features", "sbom-export"]
    command += ["--format", "cyclonedx1.5", *first.partition("uv.lock: ")[2].split()]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)  # type: ignore[no-any-return]


def of(version: str, bom: dict[str, object], seconds: int) -> str:
    """The list with hookgate itself named, and without what differs from run to run."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    del bom["serialNumber"]
    metadata = bom["metadata"]
    assert isinstance(metadata, dict)
    metadata["timestamp"] = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    metadata["component"] |= {
        "type": "application",
        "version": version,
        "description": project["description"],
        "purl": f"pkg:pypi/hookgate@{version}",
        "licenses": _licence(project["license"]),
    }
    licences = tomllib.loads((ROOT / "release/licences.toml").read_text())
    components = bom["components"]
    assert isinstance(components, list)
    for component in components:
        component["licenses"] = _licence(licences[component["name"]])
    bom["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(bom))}"
    return json.dumps(bom, indent=1)


def _licence(expression: str) -> list[dict[str, object]]:
    is_one = " " not in expression
    return [{"license": {"id": expression}} if is_one else {"expression": expression}]


def main() -> None:
    """Argument: hookgate's version."""
    text = of(sys.argv[1], parts(), int(os.environ["SOURCE_DATE_EPOCH"]))
    wrong = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text)
    if wrong:
        sys.exit(f"The list of parts does not keep CycloneDX's schema: {wrong}")
    print(text)


if __name__ == "__main__":
    main()
