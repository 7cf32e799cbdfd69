"""Every key of hookgate.toml: its type, its default and what it is for.

`draft.py` reads by this table, `hookgate config init` prints it, docs/configuration.md is tested
against it.
"""

from typing import Any, NamedTuple

from hookgate.alarm_settings import ChannelKind, Stdin
from hookgate.policy import OBSERVABLE
from hookgate.policy.document import DEEPEST
from hookgate.settings import AnswerMode, Fsync, Keep, Mode, PersonalData
from hookgate.signing.schemes import SCHEMES

from .channel_values import channel_name, command_line, proxy_url
from .client_field import client_field
from .field_names import field_names
from .parsers import (
    Parser,
    admin_address,
    boolean,
    choice,
    choices,
    duration,
    file_mode,
    frequency,
    listen_address,
    methods,
    number,
    or_off,
    percentage,
    size,
    strings,
    text,
    upstream_host,
    upstream_url,
)
from .route_path import parse_route_path


class Key(NamedTuple):
    """Describe a key. `default` is what TOML would give."""

    section: str
    name: str
    default: Any
    parse: Parser
    about: str

    @property
    def path(self) -> str:
        """Return the key as messages name it: `section.name`."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """Return the environment variable that overrides the key."""
        return f"HOOKGATE_{self.section}__{self.name}".upper()


_MODE = choice(*Mode)
_SPAN = or_off(duration(0, 366 * 86_400))
_OFTEN = or_off(frequency)

KEYS: tuple[Key, ...] = (
    Key("upstream", "url", "", upstream_url, 'Where clean events go: http://, https:// or "unix:/path". Required, here or by --upstream.'),
    Key("upstream", "host", "preserve", upstream_host, 'The Host sent upstream: "preserve", "upstream" (the one in url), or a literal.'),
    Key("upstream", "timeout", "5s", duration(0.01, 3600), "Connecting and the whole exchange."),
    Key("upstream", "max_connections", 128, number(1, 65535), "Pooled connections to the upstream."),
    Key("upstream", "max_response", "1MiB", size(1024, 2**30), "The largest answer that is relayed."),
    Key("upstream", "ca_file", "", text, "CA certificates for https, PEM; empty means the system's."),
    Key("upstream", "client_cert", "", text, "Client certificate for https, PEM."),
    Key("upstream", "client_key", "", text, "Its key, PEM; empty means it is in client_cert."),
    Key("upstream", "sign_key_file", "", text, "The keys that sign each event for the endpoint, one or two lines of whsec_ and base64: the new one, and below it the one before."),
    Key("source", "allow", ["cm.com"], strings, "Who may send: CIDRs and names of shipped range sets."),
    Key("source", "allow_file", "", text, "A file of more of them, one a line, watched for changes."),
    Key("source", "watch", ["cm.com-other"], strings, "Where to look for CM.com's next range: CIDRs and names of shipped lists. Who comes from there is refused like anybody outside, and told of as a near miss."),
    Key("source", "trusted_proxies", [], strings, 'Peers whose forwarding field is believed: CIDRs, and "unix" for whoever connects to a Unix socket.'),
    Key("source", "trusted_proxies_file", "", text, "A file of more of them, one a line, watched for changes."),
    Key("source", "header", "x-forwarded-for", client_field, "The field that names the client: x-forwarded-for, forwarded, x-real-ip, or one that holds a single address, like cf-connecting-ip. Read from trusted proxies only."),
    Key("source", "proxy_protocol", False, boolean, "Trusted proxies begin each connection with a PROXY protocol header, v1 or v2."),
    Key("request", "methods", ["POST"], methods, "The methods that events may come with."),
    Key("request", "max_body", "1MiB", size(1, 2**30), "The largest body that is read."),
    Key("request", "max_depth", 64, number(1, DEEPEST), "The deepest nesting of objects and arrays."),
    Key("request", "max_values", 10_000, number(1, 1_000_000), "The most values in a body: objects, arrays, strings, numbers, true, false and null."),
    *(
        Key("checks", name, "enforce", _MODE, f"What a finding of the {name} check does: enforce or observe.")
        for name in OBSERVABLE
    ),
    Key("audit", "path", "hookgate-audit.jsonl", text, 'The ledger; "-" is stdout.'),
    Key("audit", "personal_data", "mask", choice(*PersonalData), "How from and to are recorded: mask, hmac, plain or omit."),
    Key("audit", "key_file", "", text, "The secret for hmac, at least 16 bytes."),
    Key("audit", "seal_key_file", "", text, "The keys that seal each line, one a line, at least 16 bytes each: the first seals, older ones below it still prove."),
    Key("audit", "fsync", "interval", choice(*Fsync), "When lines are forced to disk: never, interval (1 s or 50 records, but 50 ms apart) or always."),
    Key("quarantine", "path", "", text, "The folder where bodies that were refused are kept, encrypted; empty keeps none."),
    Key("quarantine", "recipients", [], strings, "The public keys that they are encrypted to: age1..., made by hookgate keys new quarantine. The gate itself cannot read them."),
    Key("quarantine", "keep", ["refused"], choices(*Keep), "What is kept of senders that are allowed: refused by the route, media_type, document or contract check, and failed at the endpoint."),
    Key("quarantine", "max_age", "30d", duration(1, 366 * 86_400), "How long; what has custody stays."),
    Key("quarantine", "max_items", 10_000, number(1, 1_000_000), "How many are kept at a time; beyond, no more is kept until some are gone."),
    Key("quarantine", "max_bytes", "256MiB", size(2**20, 2**40), "Bytes that they may take on the disk in all."),
    Key("fleet", "name", "", text, "What this gate is called in its fleet, as hookgate fleet init --gate was told."),
    Key("fleet", "dsn_file", "", text, "The file with the DSN that hookgate ship logs in with, which hookgate fleet init --gate wrote."),
    Key("fleet", "quarantine", False, boolean, "Whether hookgate ship sends what quarantine.path holds too, encrypted as it is: it is then sent on from the store alone."),
    Key("sidecar", "listen", "127.0.0.1:8081", listen_address, 'Where the sidecar listens: host:port, ":8081" for every address of both families, or "unix:/path".'),
    Key("sidecar", "socket_mode", "0660", file_mode, "Who may connect to a Unix socket of listen or admin, as a file mode."),
    Key("sidecar", "workers", 1, number(1, 256), "Worker processes; each writes a ledger of its own."),
    Key("sidecar", "max_connections", 1024, number(1, 1_000_000), "Open connections in all."),
    Key("sidecar", "max_foreign_connections", 64, number(1, 1_000_000), "Of those, by senders that are not allowed, also through a trusted proxy."),
    Key("sidecar", "max_unnamed_connections", 128, number(1, 1_000_000), "Of those, by trusted proxies that have not named their client yet; beyond, the oldest is closed."),
    Key("sidecar", "max_in_flight", 512, number(1, 1_000_000), "Deliveries at a time in one worker; beyond, 503 and try again."),
    Key("sidecar", "max_buffered", "64MiB", size(1024, 2**40), "Bytes of bodies that one worker holds at a time; beyond, 503 and try again."),
    Key("sidecar", "max_head", "16KiB", size(256, 2**20), "The largest request head."),
    Key("sidecar", "max_fields", 100, number(1, 10_000), "The most header fields."),
    Key("sidecar", "varying_fields", [], field_names, "Fields besides trace ids that differ in each request, and that nothing of hookgate reads: heads that differ in these alone cost as if they were the same."),
    Key("sidecar", "head_timeout", "10s", duration(0.05, 3600), "For the whole head, from its first byte or the connection's start."),
    Key("sidecar", "body_timeout", "30s", duration(0.05, 3600), "For the whole body."),
    Key("sidecar", "keep_alive", "75s", duration(0.05, 86400), "How long an idle connection stays open."),
    Key("sidecar", "drain", "15s", duration(0, 3600), "How long a stop waits for deliveries in flight."),
    Key("sidecar", "worker_timeout", "30s", duration(1, 3600), "How long one of several workers may leave its supervisor without an answer; it is then killed and replaced."),
    Key("sidecar", "admin", "", admin_address, 'Where health and metrics are served, like "127.0.0.1:9180"; empty is off. Written as listen is.'),
    Key("sidecar", "ready_needs_upstream", False, boolean, "Whether /readyz also wants a connection to the upstream."),
    Key("sidecar", "tls_cert", "", text, "Certificate chain of the listener, PEM."),
    Key("sidecar", "tls_key", "", text, "Its key, PEM."),
    Key("sidecar", "tls_client_ca", "", text, "CA that senders' certificates must come from, PEM."),
    Key("alarm", "gate", "", text, "What this gate is called in alarms; empty is the name of the machine."),
    Key("alarm", "state", "hookgate-alarms.json", text, "Where hookgate watch keeps what it knows from one run to the next."),
    Key("alarm", "ledgers", [], strings, "More ledgers that it follows: the addon's, nginx's log."),
    Key("alarm", "silence", "15m", _SPAN, "Nothing was delivered for so long, on a route where at least ten events usually come meanwhile."),
    Key("alarm", "lost", "1 in 1h", _OFTEN, "Events that are lost, or that may be: nobody sends them again."),
    Key("alarm", "endpoint", "3 in 5m", _OFTEN, "Events that failed at the endpoint, if they are a twentieth of all, or as many in a row."),
    Key("alarm", "refusals", "3 in 15m", _OFTEN, "Requests from inside the ranges that were refused."),
    Key("alarm", "near", "1 in 1h", _OFTEN, "Refused senders outside the ranges that look like the provider."),
    Key("alarm", "gate_fails", "3 in 10m", _OFTEN, "Events that the gate itself failed: overloaded or gate_error."),
    Key("alarm", "ledger_fails", "5m", _SPAN, "The ledger could not be written or synced, now or so long ago."),
    Key("alarm", "ledger_gone", "10s", _SPAN, "The ledger's file is gone for so long, or lines of it since an hour."),
    Key("alarm", "ledger_unread", "0s", _SPAN, "hookgate watch cannot read a ledger for so long, or finds none."),
    Key("alarm", "stopped", "2m", _SPAN, "No gate runs for so long."),
    Key("alarm", "not_ready", "2m", _SPAN, "The gate is not ready for so long."),
    Key("alarm", "restarts", "3 in 15m", _OFTEN, "Starts of the gate, or of one worker."),
    Key("alarm", "workers", "2m", _SPAN, "Fewer workers serve than sidecar.workers says, for so long."),
    Key("alarm", "custody", "1h", _SPAN, "The quarantine has had events in custody for so long: nobody sends them again."),
    Key("alarm", "not_kept", "1 in 15m", _OFTEN, "Requests that should be in the quarantine and are not."),
    Key("alarm", "quarantine_full", "90%", or_off(percentage), "The quarantine is so full, of quarantine.max_items or max_bytes."),
    Key("alarm", "quarantine_old", "3d", _SPAN, "The oldest item of the quarantine expires within so long."),
    Key("alarm", "shipping", "10m", _SPAN, "The store of the fleet lacks lines for so long, or no hookgate ship runs."),
    Key("alarm", "certificate", "14d", _SPAN, "A certificate of the listener, or the one shown to the endpoint, ends within so long."),
    Key("alarm", "ranges", "180d", _SPAN, "The shipped ranges that are allowed were reviewed longer ago."),
)  # fmt: skip

ROUTE_KEYS = {
    "path": (
        parse_route_path,
        "An exact path, byte for byte. Without any route every path is taken.",
    ),
    "contract": (text, "A shipped contract's name, or the path of a JSON Schema file."),
    "answer": (
        choice(*AnswerMode),
        'What is answered when the endpoint took an event: "200", or "relay" for the endpoint\'s own 2xx and its body. Default: the contract\'s.',
    ),
    "custody": (
        boolean,
        "Whether an event that is refused is answered 200 once it is safely in the quarantine, so that its sender takes it as delivered and sends it no more. Default: false.",
    ),
    "silence": (
        _SPAN,
        'alarm.silence of this route alone, or "off".',
    ),
}
# Keys of [route.signature].
SIGNATURE_KEYS = {
    "scheme": (
        choice(*SCHEMES),
        "How the events are signed: " + ", ".join(SCHEMES) + ".",
    ),
    "secret_file": (text, "The secrets, one a line; any of them may match."),
    "tolerance": (
        duration(1, 86_400),
        'How far the time that was signed may be behind or ahead, as in "5m", which is the default.',
    ),
}
# Keys of [[alarm.channel]]. `url` and `command` are read by channels.py, which shows no secret.
CHANNEL_KEYS = {
    "kind": (choice(*ChannelKind), "How it is told: " + ", ".join(ChannelKind) + "."),
    "name": (
        channel_name,
        "What messages call it, and what waits for it is kept under. Default: the kind.",
    ),
    "severity": (
        choice("warning", "critical"),
        "The least severe alarm that is told: warning, which is the default, or critical.",
    ),
    "url": (text, "Where it is posted to. As a rule that is a secret: better in url_file."),
    "url_file": (text, "A file that holds the URL, in one line."),
    "token_file": (
        text,
        "A file that holds a token, which is sent as Authorization: Bearer. For ntfy, alertmanager and json.",
    ),
    "proxy": (
        proxy_url,
        'The HTTP proxy that it is posted through, like "http://proxy.example.com:3128". That of the environment is not used.',
    ),
    "ca_file": (text, "CA certificates for https, PEM; empty means the system's."),
    "command": (
        command_line,
        'The program that is run, and its arguments: ["/usr/local/bin/tell", "--now"]. No shell takes part.',
    ),
    "stdin": (
        choice(*Stdin),
        "What the command reads on its standard input: text, which is the default, or json.",
    ),
}
SECTIONS = tuple(dict.fromkeys(key.section for key in KEYS))
