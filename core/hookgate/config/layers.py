"""Where a configuration's keys come from: defaults, hookgate.toml, the environment, overrides."""

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from hookgate.files import FileError
from hookgate.paths import is_there
from hookgate.text_file import read_text
from hookgate.wording import MOST_TOLD, nearest

from .keys import KEYS, SECTIONS

DEFAULT_FILE = "hookgate.toml"
_COMMAND_LINE = "command line"
_DEFAULT = "default"
_KEYS = frozenset(key.path for key in KEYS)
_TABLES = (*SECTIONS, "route", "signature", "channel")
_PREFIX = "HOOKGATE_"
_FORM = f"{_PREFIX}SECTION__KEY"
# How variables begin that are meant for tables, of which there may be several.
_ONLY_IN_FILES = {
    "ALARM__CHANNEL": "[[alarm.channel]]",
    "CHANNEL__": "[[alarm.channel]]",
    "ROUTE__SIGNATURE": "[route.signature]",
    "SIGNATURE__": "[route.signature]",
    "ROUTE__": "[[route]]",
}
_WHERE = re.compile(r"at line (\d+), column \d+")
# What was meant for a text, or for true and false.
_BARE = re.compile(r"\s*(?P<key>[A-Za-z0-9_.-]+)\s*=\s*(?P<word>[^\s\"'\[{#][^#]*?)\s*(?:#.*)?")
_SWITCHES = {"yes": "true", "on": "true", "true": "true", "no": "false", "false": "false"}
_LONGEST_WORD = 12


def find_file(given: str | None, environ: Mapping[str, str]) -> str | None:
    """Find the file to read: the one given, $HOOKGATE_CONFIG, ./hookgate.toml, or none."""
    if given or environ.get("HOOKGATE_CONFIG"):
        return given or environ["HOOKGATE_CONFIG"]
    try:
        return DEFAULT_FILE if is_there(DEFAULT_FILE) else None
    except OSError:  # the folder may not be looked into: whoever reads it says so
        return DEFAULT_FILE


class Given(NamedTuple):
    """Hold a key's value before it is parsed, and where it came from."""

    value: Any
    origin: str

    @property
    def is_variable(self) -> bool:
        """Tell whether it came from the environment, where it stands without quotes."""
        return self.origin.startswith("$")

    @property
    def is_typed(self) -> bool:
        """Tell whether it came from a file, where numbers, lists and texts are told apart."""
        return not self.is_variable and self.origin not in (_DEFAULT, _COMMAND_LINE)


class Sources(NamedTuple):
    """Hold everything that was given: keys by `section.name`, routes, channels of alarms, and
    problems on the way.

    `unread` where there is a file that could not be read: what it would have said is not known.
    """

    keys: dict[str, Given]
    routes: Given
    channels: Given
    problems: list[str]
    unread: bool = False


def gather(
    file: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Sources:
    """Collect, in rising order of precedence: defaults, the file, the environment, `overrides`.

    `overrides` maps `section.name` to a value as TOML or a command line would give it.
    """
    environ = os.environ if environ is None else environ
    problems: list[str] = []
    path = find_file(file, environ)
    document = _read_toml(path, problems) if path else {}
    unread = bool(problems)
    routes = Given(document.pop("route", []), path or _DEFAULT)
    channels = Given(_take_channels(document), path or _DEFAULT)
    keys = {key.path: Given(key.default, _DEFAULT) for key in KEYS}
    keys.update(_from_document(document, path or "", problems))
    keys.update(_from_environment(environ, problems))
    keys.update({name: Given(value, _COMMAND_LINE) for name, value in (overrides or {}).items()})
    return Sources(keys, routes, channels, problems, unread)


def _read_toml(path: str, problems: list[str]) -> dict[str, Any]:
    text = ""
    try:
        text = read_text(path)
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{path} is no TOML: {error}{_unquoted(str(error), text)}")
    except RecursionError:
        problems.append(f"{path} is no TOML: it is nested too deep")
    except FileError as error:
        problems.append(f"{path} {error}")
    return {}


def _unquoted(error: str, text: str) -> str:
    """Return the mend for a line whose value is a text without quotes; "" for another mistake.

    What is longer than a word may be a secret, and is not shown.
    """
    found = _WHERE.search(error)
    lines = text.split("\n")
    if found is None or "Invalid value" not in error or int(found[1]) > len(lines):
        return ""
    bare = _BARE.fullmatch(lines[int(found[1]) - 1])
    if bare is None:
        return ""
    key, word = bare["key"], bare["word"]
    if word.lower() in _SWITCHES:
        return f"; write {key} = {_SWITCHES[word.lower()]}"
    told = word if word.isalnum() and len(word) <= _LONGEST_WORD else "..."
    return f'; a text stands in quotes: write {key} = "{told}"'


def _take_channels(document: dict[str, Any]) -> Any:
    """Take [[alarm.channel]] out of its section, and the section where it has nothing else."""
    section = document.get("alarm")
    if not isinstance(section, dict) or "channel" not in section:
        return []
    channels = section.pop("channel")
    if not section:
        del document["alarm"]
    return channels


def _from_document(document: dict[str, Any], path: str, problems: list[str]) -> dict[str, Given]:
    given: dict[str, Given] = {}
    for section, members in document.items():
        meant = section
        if section not in SECTIONS:
            meant = (nearest(section, _TABLES) if len(problems) < MOST_TOLD else None) or ""
            problems.append(f"{path}: {_no_section(section, members, meant)}")
        if not isinstance(members, dict):
            if section in SECTIONS:
                mend = f"write [{section}] and its keys below"
                problems.append(f"{path}: {section} is a section; {mend}")
            continue
        # Of one that is misspelt too: what is wrong in it, and what is not missing.
        for name, value in members.items() if meant in SECTIONS else ():
            if f"{meant}.{name}" in _KEYS:
                given.setdefault(f"{meant}.{name}", Given(value, path))
            else:
                mend = _nearest(meant, name) if len(problems) < MOST_TOLD else ""
                problems.append(f"{path}: {meant}.{name} is no key; {mend}")
    return given


def _no_section(name: str, value: Any, meant: str) -> str:
    homes = [key.section for key in KEYS if key.name == name]
    if not isinstance(value, dict | list) and homes:
        return f"{name} is in no section; write it below [{'] or ['.join(homes)}]"
    if meant == "signature":
        return f"[{name}] is no section; write [route.signature] below the [[route]] that it is of"
    if meant == "channel":
        return f"[{name}] is no section; write [[alarm.channel]]"
    if meant == "route":
        return f"[{name}] is no section; did you mean [[route]]?"
    mend = f"did you mean [{meant}]?" if meant else f"there are {', '.join(SECTIONS)}, route"
    return f"[{name}] is no section; {mend}"


def _nearest(section: str, name: str) -> str:
    others = [key.path for key in KEYS if key.name == name]
    names = [key.name for key in KEYS if key.section == section]
    if section == "alarm":
        names.append("channel")
    close = nearest(name, names)
    if others or close:
        return f"did you mean {' or '.join(others) or f'{section}.{close}'}?"
    return f"there are {', '.join(names)}"


def _from_environment(environ: Mapping[str, str], problems: list[str]) -> dict[str, Given]:
    by_variable = {key.variable: key.path for key in KEYS}
    by_slip = {variable.replace("__", "_"): variable for variable in by_variable}
    given: dict[str, Given] = {}
    for variable, value in environ.items():
        if variable in by_variable:
            given[by_variable[variable]] = Given(value, f"${variable}")
        elif variable in by_slip:
            problems.append(f"${variable} names no key; did you mean {by_slip[variable]}?")
        # Others without "__" are left alone: Kubernetes injects HOOKGATE_PORT and the like.
        elif variable.startswith(_PREFIX) and "__" in variable:
            problems.append(f"${variable} names no key; {_meant_variable(variable, by_variable)}")
    return given


def _meant_variable(variable: str, known: Iterable[str]) -> str:
    """Return the mend for a variable that sets no key."""
    name = variable.removeprefix(_PREFIX)
    for begin, table in _ONLY_IN_FILES.items():
        if name.startswith(begin):
            return f"a variable sets no table; write {table} in a file"
    close = nearest(name, (other.removeprefix(_PREFIX) for other in known))
    return f"did you mean {_PREFIX}{close}?" if close else f"the form is {_FORM}"
