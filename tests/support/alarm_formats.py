"""What receivers of alarms take, from their own documentation, as JSON Schema."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs

_ROOT = Path(__file__).parents[2]
_TEXT = {"type": "string", "minLength": 1}


def _plain(most: int) -> dict[str, Any]:
    """A text object of Slack: an "&" that begins no entity, a "<" or a ">" would be markup."""
    return {
        "type": "object",
        "required": ["type", "text"],
        "additionalProperties": False,
        "properties": {
            "type": {"const": "plain_text"},
            "emoji": {"type": "boolean"},
            "text": {
                "type": "string",
                "minLength": 1,
                "maxLength": most,
                "pattern": "^([^&<>]|&(amp|lt|gt);)*$",
            },
        },
    }


# docs.slack.dev: incoming webhooks; blocks (at most 50), header (150), section (3,000 characters).
_SLACK = {
    "type": "object",
    "required": ["text", "blocks"],
    "additionalProperties": False,
    "properties": {
        "text": {**_TEXT, "maxLength": 4000, "pattern": "^([^&<>]|&(amp|lt|gt);)*$"},
        "blocks": {
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "items": {
                "oneOf": [
                    {
                        "required": ["type", "text"],
                        "additionalProperties": False,
                        "properties": {"type": {"const": kind}, "text": _plain(most)},
                    }
                    for kind, most in (("header", 150), ("section", 3000))
                ]
            },
        },
    },
}
# docs.ntfy.sh/publish: publish as JSON. The message's bound is one of bytes.
_NTFY = {
    "type": "object",
    "required": ["topic", "message"],
    "additionalProperties": False,
    "properties": {
        "topic": {"type": "string", "pattern": "^[-_A-Za-z0-9]{1,64}$"},
        "title": _TEXT,
        "message": _TEXT,
        "priority": {"type": "integer", "minimum": 1, "maximum": 5},
        "tags": {"type": "array", "items": _TEXT},
    },
}
# prometheus/alertmanager, api/v2/openapi.yaml: postableAlerts; label names as in its data model.
_LABELS = {
    "type": "object",
    "propertyNames": {"pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$"},
    "additionalProperties": _TEXT,
}
_ALERTMANAGER = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["labels"],
        "additionalProperties": False,
        "properties": {
            "labels": {**_LABELS, "required": ["alertname"]},
            "annotations": _LABELS,
            "startsAt": {"type": "string", "format": "date-time"},
            "endsAt": {"type": "string", "format": "date-time"},
            "generatorURL": {"type": "string", "format": "uri"},
        },
    },
}
_OURS = json.loads((_ROOT / "core/hookgate/alarms/notice.schema.json").read_text())
_VALIDATORS = {
    kind: jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    for kind, schema in (
        ("json", _OURS),
        ("slack", _SLACK),
        ("ntfy", _NTFY),
        ("alertmanager", _ALERTMANAGER),
    )
}


def faults(kind: str, body: bytes) -> list[str]:
    """What a receiver of this kind would not take."""
    document = json.loads(body)
    found = [error.message for error in _VALIDATORS[kind].iter_errors(document)]
    # binwiederhier/ntfy, util/peek.go and server/server.go: what reaches the limit is an
    # attachment, which most servers refuse; the JSON around it may have twice as much.
    if kind == "ntfy" and (len(document.get("message", "").encode()) >= 4096 or len(body) > 8192):
        found.append("the message is too long")
    if kind == "alertmanager":
        found += ["ends before it starts" for each in document if each["endsAt"] < each["startsAt"]]
    return found
