"""A gate serves with a certificate that nobody will take for valid, and says so in its log."""

import datetime as dt
import signal
from pathlib import Path

import pytest
import trustme

from support.pair import paired


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_expired_certificate_is_told_at_the_start_and_at_a_reload(
    tmp_path: Path, workers: str
) -> None:
    authority, today = trustme.CA(), dt.datetime.now(dt.UTC)
    file = tmp_path / "leaf.pem"

    def issue(begins: int, ends: int) -> None:
        leaf = authority.issue_cert(
            "gate", not_before=today + dt.timedelta(begins), not_after=today + dt.timedelta(ends)
        )
        leaf.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "new.pem"))
        (tmp_path / "new.pem").chmod(0o600)
        (tmp_path / "new.pem").rename(file)

    issue(-9, -1)
    # What is renewed is seen by a reload alone here.
    patch = "import hookgate_sidecar.watching as watching\nwatching._WATCH_SECONDS = 3600\n"
    keys = {"sidecar.tls_cert": str(file), "sidecar.workers": workers}
    with paired(tmp_path, patch=patch, **keys) as pair:
        told = f'sidecar.tls_cert = "{file}"'
        (first,) = pair.gate.log.records("config.warning")
        assert first["problem"].startswith(f"{told} has expired (valid from ")
        assert first["level"] == "warning"
        for count, (begins, ends, fault) in enumerate(
            [(1, 9, "is not valid yet"), (-1, 3, "expires in 2 d")], 2
        ):
            issue(begins, ends)
            pair.gate.process.send_signal(signal.SIGHUP)
            last = pair.gate.log.records("config.warning", count=count)[-1]
            assert last["problem"].startswith(f"{told} {fault} (")
        issue(-1, 90)
        pair.gate.process.send_signal(signal.SIGHUP)
        pair.gate.log.lines("gate.reload_applied", count=3 * int(workers))
    assert pair.gate.log.whole().count("config.warning") == 3
