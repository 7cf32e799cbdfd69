"""Which of the certificates that a configuration names are not valid, or not for long."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from hookgate.config.build import load
from hookgate.config.certificates import CERTIFICATES, find_aging

NOW = datetime.now(UTC).replace(microsecond=0)
CA = trustme.CA()


def days(count: float) -> float:
    return (NOW + timedelta(count)).timestamp()


@pytest.fixture
def named(tmp_path: Path) -> dict[str, str]:
    """A key that names a file, for each: leaves valid for a month, and who signed them."""
    leaf = CA.issue_cert("gate", not_before=NOW - timedelta(1), not_after=NOW + timedelta(30))
    leaf.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "leaf.pem"))
    (tmp_path / "leaf.pem").chmod(0o600)
    CA.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return {
        key: str(tmp_path / ("leaf.pem" if key.endswith("cert") else "ca.pem"))
        for key in CERTIFICATES
    } | {"upstream.url": "https://127.0.0.1:1"}


def test_what_is_valid_for_a_while_is_not_found(named: dict[str, str]) -> None:
    assert list(find_aging(load(None, named, {}), days(0))) == []
    assert list(find_aging(load(None, {"upstream.url": "http://127.0.0.1:1"}, {}), days(0))) == []


@pytest.mark.parametrize(
    ("when", "fault", "is_valid"),
    [(-2, "is not valid yet", False), (20, "expires in 10 d", True), (31, "has expired", False)],
)
def test_each_leaf_that_is_not_is_found(
    named: dict[str, str], when: float, fault: str, is_valid: bool
) -> None:
    found = list(find_aging(load(None, named, {}), days(when)))
    keys = ("sidecar.tls_cert", "upstream.client_cert")
    told = [f'{key} = "{named[key]}" {fault} (valid from' for key in keys]
    assert [aging.says.partition(" 20")[0] for aging in found] == told
    assert [aging.is_valid for aging in found] == [is_valid, is_valid]


def test_one_authority_that_is_valid_is_enough_and_a_chain_needs_all(
    named: dict[str, str], tmp_path: Path
) -> None:
    old = CA.issue_cert("old", not_before=NOW - timedelta(9), not_after=NOW - timedelta(1))
    for file in ("ca.pem", "leaf.pem"):
        with (tmp_path / file).open("ab") as more:
            more.write(old.cert_chain_pems[0].bytes())
    keys = [aging.says.partition(" ")[0] for aging in find_aging(load(None, named, {}), days(0))]
    assert keys == ["sidecar.tls_cert", "upstream.client_cert"]


def test_a_file_that_went_meanwhile_is_passed_over(named: dict[str, str], tmp_path: Path) -> None:
    config = load(None, named, {})
    (tmp_path / "leaf.pem").unlink()
    assert list(find_aging(config, days(31))) == []
