"""The commands that try what was written, and those that put it to use."""

import os
import secrets
import shutil
import tempfile
from pathlib import Path
from shlex import quote

import netaddr

from hookgate.address import ListenAddress, TcpAddress
from hookgate.nginx import tell_relayed
from hookgate.samples import CONTRACTS
from hookgate_cli.installation import HOMES, TEMPORARY, own_command, own_program, python_of

from .answers import PROXY_PROTOCOL, Answers, build_config
from .files import CONFIG, SEAL_KEY, UNITS

_PORT = 8081
_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104  # to be told of, not listened on
_LEDGER = "audit.jsonl"
_USER = "10001"  # of the image
_INSTALLED = "/opt/hookgate/bin/hookgate"


def trial(answers: Answers, folder: Path) -> list[str]:
    """Return commands: one runs the gate, one is let in, one is refused, one reads the ledger."""
    if answers.place == "kubernetes":
        return [
            "kubectl create secret tls cm-webhook-tls --cert=tls.crt --key=tls.key",
            f"kubectl apply -f {quote(str(folder / 'kubernetes.yaml'))}",
            "kubectl rollout status statefulset/cm-webhook",
        ]
    listen = build_config(answers).sidecar.listen
    port = _port(listen)
    allowed, foreign, settings = _senders(answers)
    # Named by nobody before: the commands of other terminals read what the first one writes.
    scratch = f"{tempfile.gettempdir()}/hookgate-try-{secrets.token_hex(4)}"
    route = next((r for r in answers.routes if r["contract"] in CONTRACTS), None)
    path = (route or answers.routes[0])["path"] if answers.routes else "/cm/events"
    url = quote(f"http://127.0.0.1:{port}{path}")
    send = f"{own_command()} send {url}"
    if route and route["contract"] != "cm-events":
        send += f" --contract {route['contract']}"
    if not route:
        send += " --clean --only rcs"  # what the strict contract takes of the samples
    elif answers.place == "nginx":
        send += " --clean"
    if allowed != "127.0.0.1":
        send += f" --from {allowed}"
    return [
        _run(answers, folder, port, settings, scratch),
        send,
        f"curl -si --interface {foreign} -H 'Content-Type: application/json' -d '{{}}' {url}",
        _read(answers, folder, scratch),
    ]


def _port(listen: ListenAddress) -> int:
    return listen.port if isinstance(listen, TcpAddress) and listen.port else _PORT


def _senders(answers: Answers) -> tuple[str, str, list[str]]:
    """An address of loopback that may send, one that may not, and what makes it so."""
    proxies = netaddr.IPSet(
        [proxy for proxy in answers.keys.get("source.trusted_proxies", ()) if proxy != "unix"]
    )
    free = [address for n in range(1, 255) if (address := f"127.0.0.{n}") not in proxies]
    settings = []
    if len(free) < 2 or (answers.place == "nginx" and answers.keys.get("source.proxy_protocol")):
        free = ["127.0.0.1", "127.0.0.2"]
        settings = ["HOOKGATE_SOURCE__TRUSTED_PROXIES=", "HOOKGATE_SOURCE__PROXY_PROTOCOL=false"]
    return free[0], free[1], [f"HOOKGATE_SOURCE__ALLOW={free[0]},cm.com", *settings]


def _run(answers: Answers, folder: Path, port: int, settings: list[str], scratch: str) -> str:
    if answers.place == "container":
        return _run_container(answers, folder, settings)
    begin = f"cd {quote(str(folder))} && mkdir -p -m 700 {quote(scratch)} &&"
    if answers.place == "nginx":
        found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        to = f"--out {quote(scratch)} --log {_LEDGER}"
        render = f"{own_command()} nginx render --config {CONFIG} {to}"
        nginx = f"{found or 'nginx'} -p {quote(scratch)} -e stderr -c example.conf"
        listen = f"HOOKGATE_SIDECAR__LISTEN=127.0.0.1:{port}"
        return f"{begin} {' '.join([*settings, listen])} {render} && {nginx} -g 'daemon off;'"
    settings = [*settings, f"HOOKGATE_AUDIT__PATH={quote(f'{scratch}/{_LEDGER}')}"]
    verb = "mitmdump" if answers.place == "mitmdump" else "serve"
    if verb == "serve":
        settings.append("HOOKGATE_SIDECAR__ADMIN=")
    if answers.keys.get("quarantine.path"):
        settings.append(f"HOOKGATE_QUARANTINE__PATH={quote(f'{scratch}/kept')}")
    run = f"{own_command()} {verb} --config {CONFIG} --listen 127.0.0.1:{port}"
    return f"{begin} {' '.join(settings)} {run}"


def _read(answers: Answers, folder: Path, scratch: str) -> str:
    if answers.place != "container":
        return f"{own_command()} audit tail -n 40 {quote(f'{scratch}/{_LEDGER}')}"
    path = answers.where.keys(folder)["audit.path"]
    return f"docker run --rm -v hookgate-try:/var/log/hookgate:ro hookgate audit tail -n 40 {path}"


def _run_container(answers: Answers, folder: Path, settings: list[str]) -> str:
    mounts = [f"{folder / CONFIG}:/etc/hookgate/{CONFIG}:ro", "hookgate-try:/var/log/hookgate"]
    if answers.is_sealed:
        mounts.append(f"{folder / SEAL_KEY}:/etc/hookgate/{SEAL_KEY}:ro")
    if answers.keys.get("quarantine.path"):
        mounts.append("hookgate-try-quarantine:/var/lib/hookgate")
    words = ["docker run --rm --network host --read-only --cap-drop ALL"]
    words += ["--security-opt no-new-privileges"]
    words += [f"-v {quote(mount)}" for mount in mounts] + [f"-e {quote(s)}" for s in settings]
    return f"{' '.join(words)} hookgate"


def notes(answers: Answers) -> list[str]:
    """Return what to know of what was written."""
    config = build_config(answers)
    listen = config.sidecar.listen
    told = []
    if answers.place not in ("container", "kubernetes") and listen[0] in _EVERYWHERE:
        told.append(
            f'It listens on every address of this machine (sidecar.listen = "{listen}"), so that'
            " CM.com or a balancer can reach it. Behind a proxy of this machine write"
            f' "127.0.0.1:{_port(listen)}".'
        )
    if answers.place == "nginx":
        told.append(tell_relayed(config))
    return list(filter(None, told))


def before(answers: Answers, folder: Path) -> list[str]:
    """Return what has to be done before the trial, "# ..." where it is no command."""
    if answers.place == "kubernetes":
        return [f"# Change what stands in angle brackets in {folder / 'kubernetes.yaml'}."]
    if answers.place != "container":
        return []
    build = f"docker build -f {quote(str(folder / 'Dockerfile'))} -t hookgate ."
    lines = ["# In a checkout of hookgate:", build]
    if answers.is_sealed:
        lines.append(f"chown {_USER} {quote(str(folder / SEAL_KEY))}")
    return lines


def use(answers: Answers, folder: Path) -> list[str]:
    """Return what puts it to use, once the trial has gone well."""
    where = quote(str(folder))
    program = own_program()
    needed = (str(folder), program, python_of(program))
    hidden = [path for path in needed if f"{path}/".startswith(HOMES + TEMPORARY)]
    if answers.place == "systemd" and hidden:
        program = program if hidden == [str(folder)] else _INSTALLED
        return [
            "# The unit hides folders from what it runs, so it cannot see",
            *(f"#   {path}" for path in hidden),
            f"# With hookgate installed as {program} (docs/running.md, systemd):",
            f"{quote(program)} init /etc/hookgate {_as_options(answers)}",
            "# That says what is left to do.",
        ]
    if answers.place == "systemd":
        key = f"{where}/{SEAL_KEY}"
        owned = [f"chgrp hookgate {key} && chmod 640 {key}"] if answers.is_sealed else []
        return [
            "id hookgate || useradd --system --no-create-home --shell /usr/sbin/nologin hookgate",
            *owned,
            f"cp {' '.join(f'{where}/{name}' for name in UNITS)} /etc/systemd/system/",
            f"cp {where}/logrotate.conf /etc/logrotate.d/hookgate",
            "systemctl daemon-reload && systemctl enable --now hookgate",
            "# hookgate-watch.service tells of alarms, once there is an [[alarm.channel]].",
        ]
    if answers.place == "here":
        return [f"cd {where} && {own_command()} serve"]
    if answers.place == "mitmdump":
        return [f"{own_command()} mitmdump --config {where}/{CONFIG}"]
    if answers.place == "nginx":
        return [
            f"# Include {folder}/hookgate-http.conf in http, hookgate-realip.conf and",
            "# hookgate-location.conf in a server, as example.conf beside them does. Then:",
            "nginx -t && nginx -s reload",
        ]
    return []


def _as_options(answers: Answers) -> str:
    """The same answers as options."""
    keys = answers.keys
    words = ["--on", answers.place, "--upstream", keys["upstream.url"]]
    for route in answers.routes:
        words += ["--webhook", f"{route['contract']}={route['path']}"]
    for proxy in keys.get("source.trusted_proxies", ()):
        words += ["--proxy", proxy]
    if keys.get("source.trusted_proxies"):
        words += ["--client-by", keys.get("source.header", PROXY_PROTOCOL)]
    words += ["--listen", keys["sidecar.listen"]]
    for recipient in keys.get("quarantine.recipients", ()):
        words += ["--recipient", recipient]
    return " ".join(map(quote, [*words, *(["--seal"] if answers.is_sealed else []), "-y"]))
