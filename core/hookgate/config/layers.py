"""Where a configuration's keys come from: defaults, hookgate.toml, the environment, overrides."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from hookgate.files import FileError
from hookgate.text_file import read_text

from .keys import KEYS, SECTIONS

DEFAULT_FILE = "hookgate.toml"


def find_file(given: str | None, environ: Mapping[str, str]) -> str | None:
    """Find the file to read: the one given, $HOOKGATE_CONFIG, ./hookgate.toml, or none."""
    if given or environ.get("HOOKGATE_CONFIG"):
        return given or environ["HOOKGATE_CONFIG"]
    return DEFAULT_FILE if Path(DEFAULT_FILE).exists() else None


class Given(NamedTuple):
    """Hold a key's value before it is parsed, and where it came from."""

    value: Any
    origin: str

    @property
    def is_variable(self) -> bool:
        """Tell whether it came from the environment, where it stands without quotes."""
        return self.origin.startswith("$")


class Sources(NamedTuple):
    """Hold everything that was given: keys by `section.name`, routes, and problems on the way.

    `unread` where there is a file that could not be read: what it would have said is not known.
    """

    keys: dict[str, Given]
    routes: Given
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
    routes = Given(document.pop("route", []), path or "default")
    keys = {key.path: Given(key.default, "default") for key in KEYS}
    keys.update(_from_document(document, path or "", problems))
    keys.update(_from_environment(environ, problems))
    keys.update({name: Given(value, "command line") for name, value in (overrides or {}).items()})
    return Sources(keys, routes, problems, unread)


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


def _from_document(document: dict[str, Any], path: str, problems: list[str]) -> dict[str, Given]:
    known = {key.path for key in KEYS}
    given: dict[str, Given] = {}
    for section, members in document.items():
        if section not in SECTIONS:
            names = ", ".join(SECTIONS)
            problems.append(f"{path}: [{section}] is no section; there are {names}, route")
        elif not isinstance(members, dict):
            problems.append(f"{path}: {section} is a section; write [{section}] and its keys below")
        else:
            for name, value in members.items():
                if f"{section}.{name}" in known:
                    given[f"{section}.{name}"] = Given(value, path)
                else:
                    problems.append(f"{path}: {section}.{name} is no key{_nearest(section, name)}")
    return given


def _nearest(section: str, name: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415  # 4 ms, needed for a mistake only

    names = [key.name for key in KEYS if key.section == section]
    close = get_close_matches(name, names, 1)
    return f"; did you mean {section}.{close[0]}?" if close else f"; there are {', '.join(names)}"


def _from_environment(environ: Mapping[str, str], problems: list[str]) -> dict[str, Given]:
    by_variable = {key.variable: key.path for key in KEYS}
    given: dict[str, Given] = {}
    for variable, value in environ.items():
        # Names without "__" are left alone: Kubernetes injects HOOKGATE_PORT and the like.
        if variable.startswith("HOOKGATE_") and "__" in variable:
            if variable in by_variable:
                given[by_variable[variable]] = Given(value, f"${variable}")
            else:
                problems.append(f"${variable} names no key; the form is HOOKGATE_SECTION__KEY")
    return given
