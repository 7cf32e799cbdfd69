"""The hookgate.toml that `hookgate config init` writes: every key, its default and its purpose."""

from hookgate.config.contracts import DEFAULT_CONTRACT
from hookgate.config.keys import CHANNEL_KEYS, KEYS, ROUTE_KEYS, SECTIONS, SIGNATURE_KEYS

from .common import ASSUMED_UPSTREAM
from .terminal import to_json


def template() -> str:
    """Return a hookgate.toml with every key, all commented out but `upstream.url`."""
    lines = ["# hookgate.toml: every key with its default. Remove the # to change one.", ""]
    for section in SECTIONS:
        if section == "checks":
            lines += _route_template()
        if section == "sidecar":
            lines += _channel_template()
        lines.append(f"[{section}]")
        for key in KEYS:
            if key.section == section:
                mark = "" if key.path == "upstream.url" else "# "
                value = ASSUMED_UPSTREAM if not mark else key.default
                lines += [f"# {key.about}", f"{mark}{key.name} = {to_json(value)}"]
        lines.append("")
    return "\n".join(lines)


def _route_template() -> list[str]:
    about = {name: text for name, (_, text) in ROUTE_KEYS.items()}
    return [
        "# Without routes every path is taken. With these, CM.com's events, messages and status",
        "# reports are, each on a path of its own; `hookgate schema list` has more contracts.",
        "# [[route]]",
        f'# path = "/cm/events"  # {about["path"]}',
        f'# contract = "{DEFAULT_CONTRACT}"  # {about["contract"]}',
        f'# answer = "200"  # {about["answer"]}',
        "# [[route]]",
        '# path = "/cm/messages"',
        '# contract = "cm-messages"',
        "# [[route]]",
        '# path = "/cm/status"',
        '# contract = "cm-status"',
        "# Where a sender signs its events, below its route:",
        "# [route.signature]",
        f'# scheme = "standard-webhooks"  # {SIGNATURE_KEYS["scheme"][1]}',
        f'# secret_file = "/etc/hookgate/status.secret"  # {SIGNATURE_KEYS["secret_file"][1]}',
        f'# tolerance = "5m"  # {SIGNATURE_KEYS["tolerance"][1]}',
        "",
    ]


def _channel_template() -> list[str]:
    return [
        "# By which channels hookgate watch tells of alarms:",
        "# [[alarm.channel]]",
        f'# kind = "slack"  # {CHANNEL_KEYS["kind"][1]}',
        f'# url_file = "/etc/hookgate/slack.url"  # {CHANNEL_KEYS["url_file"][1]}',
        f'# severity = "warning"  # {CHANNEL_KEYS["severity"][1]}',
        "",
    ]
