"""What `hookgate watch` goes by, whatever else is wrong or cannot be read."""

from pathlib import Path

import pytest

from hookgate.config.error import ConfigError
from hookgate.config.layers import gather
from hookgate.config.watching import WatchSettings, gate_name, read_watch_settings


def read(text: str, **environ: str) -> WatchSettings:
    file = Path("hookgate.toml")
    file.write_text(text)
    return read_watch_settings(gather(str(file), {}, environ))


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_no_secret_is_read_and_no_endpoint_is_needed() -> None:
    """Another user may run it, who may read neither."""
    settings = read('[upstream]\nsign_key_file = "/none"\n[audit]\nseal_key_file = "/none"\n')
    assert settings.ledger == "hookgate-audit.jsonl"
    assert settings.ranges == ("cm.com",)


def test_a_route_has_a_silence_of_its_own() -> None:
    """Or the one of all, or none."""
    settings = read(
        '[alarm]\nsilence = "1h"\n[[route]]\npath = "/a"\nsilence = "5m"\n'
        '[[route]]\npath = "/b"\ncontract = "none.json"\n[[route]]\npath = "/c"\nsilence = "off"\n'
    )
    assert settings.silences == {"/a": 300.0, "/b": 3600.0, "/c": None}


def test_files_of_certificates_are_named_by_their_keys() -> None:
    settings = read('[sidecar]\ntls_cert = "a"\ntls_key = "b"\n[upstream]\nca_file = "c"\n')
    assert settings.certificates == {"sidecar.tls_cert": "a", "upstream.ca_file": "c"}


def test_a_gate_without_a_name_has_that_of_its_machine() -> None:
    assert gate_name(read("").alarm) != ""
    assert gate_name(read('[alarm]\ngate = "gate1"\n').alarm) == "gate1"


# What is written, and what the problem says; each mend is tried.
PROBLEMS = {
    "no span": (
        'silence = "soon"',
        'write a number with ms, s, m, h or d, like "30s"; "off" turns it off',
    ),
    "no frequency": ('lost = "often"', 'write it like "3 in 15m"; "off" turns it off'),
    "a number": ("endpoint = 3", 'write it like "3 in 15m"'),
    "never": ('near = "0 in 5m"', 'write at least "1 in ..."'),
    "too long": ('near = "1 in 48h"', "not between 1 and 86400 seconds"),
    "no share": ('quarantine_full = "0.9"', 'like "90%"'),
    "beyond all": ('quarantine_full = "101%"', 'from "1%" to "100%"'),
    "no key of ours": ('silense = "5m"', "did you mean alarm.silence?"),
    "no state": ('state = ""', "alarm.state is empty"),
}


@pytest.mark.parametrize(("text", "told"), PROBLEMS.values(), ids=PROBLEMS)
def test_what_cannot_be_used_is_told_with_its_mend(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(f"[alarm]\n{text}\n")
    (problem,) = caught.value.problems
    assert told in problem


def test_a_route_that_cannot_be_used_is_told() -> None:
    with pytest.raises(ConfigError) as caught:
        read('[[route]]\npath = "/a"\nsilence = "x"\n')
    assert "route 1: silence" in caught.value.problems[0]


def test_what_is_wrong_with_the_gates_own_keys_is_for_the_gate_to_tell() -> None:
    assert read("[sidecar]\nworker = 2\n[audit]\nfsync = 1\n").alarm.silence == 900.0


def test_a_file_that_is_no_toml_is_told() -> None:
    with pytest.raises(ConfigError):
        read("[alarm")
