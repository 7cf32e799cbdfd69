"""Where a configuration's keys come from: defaults, hookgate.toml, the environment, overrides."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from hookgate.files import FileError
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


def find_file(given: str | None, environ: Mapping[str, str]) -> str | None:
    """Find the file to read: the one given, $HOOKGATE_CONFIG, ./hookgate.toml, or none."""
    if given or environ.get("HOOKGATE_CONFIG"):
        return given or environ["HOOKGATE_CONFIG"]
    try:
        return DEFAULT_FILE if Path(DEFAULT_FILE).exists() else None
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
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{path} is no TOML: {error}")
    except RecursionError:
        problems.append(f"{path} is no TOML: it is nested too deep")
    except FileError as error:
        problems.append(f"{path} {error}")
    return {}


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
            ends = (known.removeprefix(_PREFIX) for known in by_variable)
            close = nearest(variable.removeprefix(_PREFIX), ends)
            mend = f"did you mean {_PREFIX}{close}?" if close else f"the form is {_FORM}"
            problems.append(f"${variable} names no key; {mend}")
    return given
