"""The image and the Kubernetes manifests, as far as they can be tried without either."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from hookgate.address import TcpAddress
from hookgate.config.build import load
from hookgate.config.keys import KEYS
from support.kept import PUBLIC
from support.receiver import receiving
from support.sidecar import sidecar

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "sidecar/deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
BIN = Path(sys.executable).parent


def resources() -> dict[str, dict[str, Any]]:
    """The manifests by kind."""
    documents = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())
    return {document["kind"]: document for document in documents}


@pytest.fixture(scope="module")
def pod() -> dict[str, Any]:
    """The pods' specification."""
    spec: dict[str, Any] = resources()["StatefulSet"]["spec"]["template"]["spec"]
    return spec


@pytest.fixture(scope="module")
def containers(pod: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The pods' containers by name."""
    return {container["name"]: container for container in pod["containers"]}


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    """Each RUN line is read by shellcheck as well."""
    hadolint = shutil.which("hadolint", path=str(BIN))
    if hadolint is None:
        pytest.skip("no hadolint for this machine")
    done = subprocess.run([hadolint, DEPLOY / "Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_all_that_is_copied_is_there_and_in_the_build_context() -> None:
    """.dockerignore lets in what the Dockerfile copies, and nothing of the rest."""
    let_in = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists()
            assert any(fnmatch(source, f"{entry}*") for entry in let_in), source
    assert (ROOT / ".dockerignore").read_text().startswith("*\n")


def test_the_wheel_s_sources_are_all_copied() -> None:
    """What pyproject.toml names is in the build stage."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    named = {project["project"]["readme"], *project["project"]["license-files"], "hatch_build.py"}
    copied = set(" ".join(re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)).split())
    assert {package.split("/")[0] for package in packages} | named <= copied


def test_the_image_runs_as_nobody_special() -> None:
    """A number, because Kubernetes' runAsNonRoot cannot tell by a name."""
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    (user,) = re.findall(r"^USER (.+)$", final, re.MULTILINE)
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert not re.search(r"apt-get|gcc|pip install", final)


def test_the_image_s_configuration_wants_an_upstream_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It listens on all addresses, with health and metrics on loopback."""
    monkeypatch.setenv("HOOKGATE_UPSTREAM__URL", "http://endpoint:8080")
    config = load(str(DEPLOY / "container.toml"))
    assert config.sidecar.listen == ("", 8081)
    assert config.sidecar.admin == ("127.0.0.1", 9180)
    assert "EXPOSE 8081" in DOCKERFILE
    assert config.audit.path.startswith("/var/log/hookgate/")


@pytest.mark.parametrize("healthy", [True, False])
def test_the_image_s_health_check_tells_the_living_from_the_dead(
    healthy: bool, tmp_path: Path
) -> None:
    """Its command succeeds while the sidecar serves, and fails when it is gone."""
    (text,) = re.findall(r"^HEALTHCHECK .* CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    _, *arguments = json.loads(text)
    keys = {"sidecar.admin": "127.0.0.1:0"}
    with receiving() as upstream, sidecar(upstream.url, tmp_path, **keys) as gate:
        port = gate.wait_for_log("admin.listening")["port"]
        if not healthy:
            gate.stop()
        command = [argument.replace(":9180", f":{port}") for argument in arguments]
        done = subprocess.run([sys.executable, *command], capture_output=True, timeout=60)
    assert (done.returncode == 0) is healthy


@pytest.mark.parametrize("version", ["1.30", "1.34", "1.37"])
def test_the_manifests_are_valid(version: str) -> None:
    """By the API schemas of the oldest version that they are for and of newer ones, strictly."""
    done = subprocess.run(
        [BIN / "kubernetes-validate", "--strict", "-k", version, DEPLOY / "kubernetes.yaml"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (done.stdout + done.stderr).count("passed") == len(resources())


def test_the_memory_limit_has_room_for_what_senders_can_cost(
    containers: dict[str, dict[str, Any]],
) -> None:
    """A worker by itself, the bodies that it holds, and what connections may have sent ahead."""
    limit = int(containers["hookgate"]["resources"]["limits"]["memory"].removesuffix("Mi")) << 20
    toml = resources()["ConfigMap"]["data"]["hookgate.toml"]
    given = tomllib.loads(toml)["sidecar"]
    assert not given.keys() & {"max_buffered", "max_connections", "workers"}
    held = next(key for key in KEYS if key.path == "sidecar.max_buffered")
    connections = next(key for key in KEYS if key.path == "sidecar.max_connections")
    itself, ahead = 64 << 20, 256 << 10
    assert itself + held.parse(held.default) + connections.default * ahead < limit


def test_the_manifests_configuration_is_valid(
    containers: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    """hookgate takes it, certificates aside, and it agrees with ports and mounts."""
    hookgate = containers["hookgate"]
    text = resources()["ConfigMap"]["data"]["hookgate.toml"]
    given = tomllib.loads(text)["sidecar"]
    file = tmp_path / "hookgate.toml"
    file.write_text(re.sub(r"^tls_.*\n", "", text, flags=re.MULTILINE))
    config = load(str(file))
    ports = {port["name"]: port["containerPort"] for port in hookgate["ports"]}
    listen, admin = config.sidecar.listen, config.sidecar.admin
    assert isinstance(listen, TcpAddress)
    assert isinstance(admin, TcpAddress)
    assert ports == {"https": listen.port, "admin": admin.port}
    assert listen.host == admin.host == ""  # probes and senders come over either family
    mounts = {mount["mountPath"] for mount in hookgate["volumeMounts"]}
    read = re.findall(r"HOOKGATE_CONFIG=(\S+)", DOCKERFILE)
    files = (*read, given["tls_cert"], given["tls_key"], config.audit.path)
    assert {str(Path(file).parent) for file in files} == mounts


@pytest.mark.parametrize("name", ["kubernetes.yaml", "container.toml"])
def test_a_quarantine_is_turned_on_by_what_is_commented_out(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder is on a volume of its own, in a place that the image's user may write to."""
    text = re.sub(r"(?m)^( *)# (?=[-\[{ ]|path|recipients)", r"\1", (DEPLOY / name).read_text())
    if name == "kubernetes.yaml":
        (tmp_path / name).write_text(text)
        done = subprocess.run([BIN / "kubernetes-validate", "--strict", tmp_path / name])
        assert done.returncode == 0
        found = {document["kind"]: document for document in yaml.safe_load_all(text)}
        spec = found["StatefulSet"]["spec"]
        claims = {claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]}
        mounts = spec["template"]["spec"]["containers"][0]["volumeMounts"]
        (folder,) = (m["mountPath"] for m in mounts if m["name"] == "quarantine")
        assert {"ledger", "quarantine"} == claims
        text = found["ConfigMap"]["data"]["hookgate.toml"]
    else:
        folder = re.findall(r"install -d .* (\S+)$", DOCKERFILE, re.MULTILINE)[0]
    monkeypatch.setenv("HOOKGATE_UPSTREAM__URL", "http://endpoint:8080")
    file = tmp_path / "hookgate.toml"
    text = re.sub(r"<?age1\.\.\.>?", PUBLIC, text)
    file.write_text(re.sub(r"^tls_.*\n", "", text, flags=re.MULTILINE))
    assert load(str(file)).quarantine.path == f"{folder}/quarantine"


def test_every_container_is_confined(
    pod: dict[str, Any], containers: dict[str, dict[str, Any]]
) -> None:
    """As the restricted Pod Security Standard wants it, with a root file system read-only."""
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in containers.values():
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]


def test_a_pod_is_given_the_time_it_takes_to_stop(
    pod: dict[str, Any],
    containers: dict[str, dict[str, Any]],
) -> None:
    """hookgate drains while the endpoint still runs, and both are done before the grace ends."""

    def pause(name: str) -> int:
        seconds: int = containers[name]["lifecycle"]["preStop"]["sleep"]["seconds"]
        return seconds

    (drain,) = (key.default for key in KEYS if key.path == "sidecar.drain")
    assert pause("endpoint") > pause("hookgate") + int(drain.removesuffix("s"))
    assert pod["terminationGracePeriodSeconds"] > pause("endpoint")
