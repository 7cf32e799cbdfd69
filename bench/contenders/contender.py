"""What a contender is: where it runs, what starts it, what it leaves out of the job."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
TOOLS = HERE.parent / ".tools"
OWN = ("31.169.56.0/21", "85.119.48.0/21", "188.94.184.0/22")


class Site(NamedTuple):
    """Where a contender runs: a folder of its own, ports on 127.0.0.1, whom it lets in."""

    folder: Path
    port: int
    upstream: int
    ranges: tuple[str, ...]

    def write(self, name: str, text: str) -> Path:
        """Write a file into its folder."""
        file = self.folder / name
        file.write_text(text)
        return file

    def fill(self, template: str, **values: object) -> str:
        """Return one of the files here, with each @NAME@ replaced by its value."""
        text = (HERE / template).read_text()
        known = {"FOLDER": self.folder, "PORT": self.port, "UPSTREAM": self.upstream, **values}
        for name, value in known.items():
            text = text.replace(f"@{name}@", str(value))
        return text


class Command(NamedTuple):
    """The command line that starts a contender, and its environment."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = {}


@dataclass(frozen=True)
class Contender:
    """Who is measured; `needs` are programs, `leaves_out` is what it does not do of the job.

    `judges_body` tells those that parse the event and hold it against the contract, `compiles`
    those that get faster as they run. `is_slow` sets aside those that are no measure for the
    others, and `is_minor` those that fewer rounds are enough for.
    """

    key: str
    name: str
    leaves_out: str
    prepare: Callable[[Site], Command]
    version: Callable[[], str]
    needs: tuple[str, ...] = ()
    judges_body: bool = field(default=True, kw_only=True)
    compiles: bool = field(default=False, kw_only=True)
    is_slow: bool = field(default=False, kw_only=True)
    is_minor: bool = field(default=False, kw_only=True)
