"""What the quarantine needs, and what needs the quarantine."""

from pathlib import Path

import pytest

from hookgate.config.build import load
from hookgate.config.contracts import load_rules
from hookgate.config.error import ConfigError
from hookgate.config.fleet import read_settings
from hookgate.config.layers import gather
from hookgate.settings import Keep
from support.kept import PUBLIC, SECRET

URL = '[upstream]\nurl = "http://127.0.0.1:8080"\n'
KEEPING = f'[quarantine]\npath = "kept"\nrecipients = ["{PUBLIC}"]\n'
ROUTE = '[[route]]\npath = "/cm/events"\ncustody = true\n'


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def problems(text: str) -> list[str]:
    """What is wrong with a configuration."""
    Path("hookgate.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load("hookgate.toml", None, {})
    return list(caught.value.problems)


def test_without_a_path_nothing_is_kept() -> None:
    """As it comes."""
    config = load(None, {"upstream.url": "http://127.0.0.1:9"}, {})
    assert config.quarantine.path == ""
    assert not config.routes[0].custody


def test_a_whole_section_is_read() -> None:
    """With a route in whose custody events are."""
    Path("hookgate.toml").write_text(f'{URL}{KEEPING}keep = ["failed", "refused"]\n{ROUTE}')
    config = load("hookgate.toml", None, {})
    assert config.quarantine.recipients == (PUBLIC,)
    assert config.quarantine.keep == {Keep.REFUSED, Keep.FAILED}
    assert (config.quarantine.max_age, config.quarantine.max_bytes) == (30 * 86_400, 2**28)
    assert config.routes[0].custody
    assert config.warnings == ()


WRONG = {
    "no recipients": ('[quarantine]\npath = "kept"\n', "quarantine.recipients is missing"),
    "no key": ('[quarantine]\npath = "kept"\nrecipients = ["age1"]\n', "recipient 1"),
    "a secret key": (f'[quarantine]\npath = "kept"\nrecipients = ["{SECRET}"]\n', "secret key"),
    "a secret key as path": (f'{KEEPING.replace("kept", SECRET)}keep = "x"\n', "may hold"),
    "nothing to keep": (f"{KEEPING}keep = []\n", '"refused", "failed", at least one'),
    "something else to keep": (f'{KEEPING}keep = ["delivered"]\n', 'may hold "refused"'),
    "no duration": (f'{KEEPING}max_age = "400d"\n', "between 1 and 31622400 seconds"),
    "custody without a quarantine": (ROUTE, "needs quarantine.path"),
    "custody that relays": (f'{KEEPING}{ROUTE}answer = "relay"\n', "leave custody out"),
    "custody of what relays": (
        f'{KEEPING}{ROUTE}contract = "cm-voice"\n',
        'write answer = "200"',
    ),
    "custody is yes": (f"{KEEPING}{ROUTE.replace('true', '1')}", "neither true nor false"),
}


@pytest.mark.parametrize(("text", "told"), WRONG.values(), ids=WRONG)
def test_what_makes_no_sense_is_told(text: str, told: str) -> None:
    """One line, with the mend, and never a secret key."""
    (problem,) = problems(URL + text)
    assert told in problem
    assert SECRET not in problem


def test_a_contract_that_relays_can_have_custody_where_its_route_does_not_relay() -> None:
    """As the message says."""
    route = f'{ROUTE}contract = "cm-voice"\nanswer = "200"\n'
    Path("hookgate.toml").write_text(f"{URL}{KEEPING}{route}")
    assert load("hookgate.toml", None, {}).routes[0].custody


def test_recipients_without_a_path_are_warned_of() -> None:
    """Nothing is kept for them."""
    Path("hookgate.toml").write_text(f'{URL}[quarantine]\nrecipients = ["{PUBLIC}"]\n')
    (warning,) = load("hookgate.toml", None, {}).warnings
    assert "quarantine.path is empty" in warning


OWN = f'{URL}{KEEPING}[[route]]\npath = "/x"\ncontract = "own.json"\n'


def test_an_own_contract_without_a_retry_rule_is_warned_of() -> None:
    """Until it has the one that the message names."""
    Path("own.json").write_text("{}")
    Path("hookgate.toml").write_text(OWN)
    (warning,) = load("hookgate.toml", None, {}).warnings
    assert warning.startswith('route 1 ("/x"): its contract has no [retry]')
    Path("own.toml").write_bytes(load_rules("cm-events"))
    assert load("hookgate.toml", None, {}).warnings == ()


def test_what_is_not_kept_cannot_be_shipped() -> None:
    """The gate serves all the same; `hookgate ship` ends and says so."""
    Path("hookgate.toml").write_text(
        f'{URL}[fleet]\nname = "ams"\ndsn_file = "ams.dsn"\nquarantine = true\n'
    )
    config = load("hookgate.toml", None, {})
    assert config.warnings == (
        "nothing is kept that fleet.quarantine could ship: quarantine.path is empty",
    )
    with pytest.raises(ConfigError, match=r"leave fleet\.quarantine out"):
        read_settings(gather("hookgate.toml"))
