"""The files that a configuration names: what they may be, who may write them, and what is said."""

import codecs
import os
import re
import shlex
import socket
import subprocess
from pathlib import Path

import pytest
import trustme

from hookgate.config.build import load
from hookgate.config.error import ConfigError
from hookgate.config.reload import ReloadableConfig
from hookgate.files import LARGEST, FileError, read_file
from support.problems import MINIMAL, URL, problem, problems, write

SECRET = "0123456789abcdef0123456789abcdef"
SIGN_KEY = f"whsec_{SECRET}"
SECRETS = {
    "audit.key_file": SECRET,
    "audit.seal_key_file": SECRET,
    "upstream.sign_key_file": SIGN_KEY,
}
FILES: dict[str, dict[str, str]] = {
    **{key: {} for key in ("source.allow_file", *SECRETS)},
    "upstream.ca_file": {"upstream.url": "https://127.0.0.1:1"},
    "upstream.client_cert": {"upstream.url": "https://127.0.0.1:1"},
    "sidecar.tls_cert": {},
}


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("fifo")
    Path("folder").mkdir()
    with Path("huge").open("wb") as file:
        file.truncate(LARGEST + 1)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")


ODD = {
    "/dev/zero": "cannot be read: it is a device; name a regular file",
    "fifo": "cannot be read: it is a FIFO; name a regular file",
    "folder": "cannot be read: it is a folder; name a regular file",
    "socket": "cannot be read: No such device or address",
    "huge": "cannot be read: it is larger than 1 MiB",
    "missing": "cannot be read: No such file or directory",
}


@pytest.mark.parametrize("key", FILES)
@pytest.mark.parametrize(("path", "words"), ODD.items(), ids=ODD)
def test_a_file_that_is_none_is_refused_at_once(key: str, path: str, words: str) -> None:
    """Nothing is waited for and no memory is filled; key, value and reason are named."""
    assert f'{key} = "{path}" {words}' in problem(keys={**FILES[key], key: path})


@pytest.mark.parametrize(("path", "words"), ODD.items(), ids=ODD)
def test_so_is_a_contract_and_the_configuration_itself(path: str, words: str) -> None:
    """By their own names."""
    file = write(f'[[route]]\npath = "/"\ncontract = "{path}"\n')
    assert f'route 1 ("/"): contract = "{path}" {words}' in problem(file)
    assert problem(path) == f"{path} {words}" or problem(path).startswith(
        (f"{path} {words};", f"{path} {words} in /")
    )


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
@pytest.mark.parametrize("key", [key for key in FILES if key != "source.allow_file"])
def test_a_byte_order_mark_before_a_key_or_a_certificate_is_named(key: str, mark: bytes) -> None:
    """It would be part of the key; of two certificates OpenSSL would pass over the first."""
    Path("saved").write_bytes(mark + SECRET.encode())
    Path("saved").chmod(0o600)
    words = "begins with a byte order mark; save it as ASCII, or UTF-8 without one"
    assert problem(keys={**FILES[key], key: "saved"}) == f'{key} = "saved" {words}'


def test_a_link_to_a_file_and_an_empty_configuration_are_read(tmp_path: Path) -> None:
    """As a mounted Kubernetes secret is; /dev/null stands for no file."""
    Path("real").write_text(SECRET)
    Path("real").chmod(0o600)
    Path("key").symlink_to("real")
    assert load("/dev/null", {**URL, "audit.key_file": "key"}, {}).audit.key == SECRET.encode()


@pytest.mark.parametrize("path", ["a\0b", "\ud800", "x" * 5000])
def test_a_name_that_is_none_is_an_error_like_any_other(path: str) -> None:
    with pytest.raises(FileError, match="cannot be read: "):
        read_file(path)


@pytest.mark.parametrize("key", SECRETS)
@pytest.mark.parametrize("mode", [0o660, 0o620, 0o602, 0o666, 0o622])
def test_a_secret_that_others_can_write_is_refused_and_the_mend_works(key: str, mode: int) -> None:
    """Who writes the key can make the chain anew."""
    path = Path("the key")
    path.write_text(SECRETS[key])
    path.chmod(mode)
    said = problem(keys={key: "the key"})
    assert said.startswith(f'{key} = "the key" can be written by others than its owner')
    assert f"(mode {mode:04o})" in said
    follow(said)
    assert load(None, {**URL, key: "the key"}, {}).warnings == ()


@pytest.mark.parametrize(
    ("mode", "warned"),
    [(0o400, False), (0o600, False), (0o440, False), (0o640, False), (0o644, True), (0o604, True)],
)
@pytest.mark.parametrize("key", SECRETS)
def test_a_secret_that_everybody_can_read_is_warned_of_and_the_mend_works(
    key: str, mode: int, warned: bool
) -> None:
    """Its group may: a secret that is mounted with fsGroup is root's and readable by the group."""
    path = Path("key")
    path.write_text(SECRETS[key])
    path.chmod(mode)
    warnings = load(None, {**URL, key: "key"}, {}).warnings
    assert len(warnings) == warned
    if warned:
        assert warnings[0].startswith(f'{key} = "key" can be read by everybody on this machine')
        follow(warnings[0])
        assert load(None, {**URL, key: "key"}, {}).warnings == ()


def follow(said: str) -> None:
    """Do what the message says, to the letter."""
    command = shlex.split(said.rpartition("; ")[2])
    assert command[0] == "chmod"
    subprocess.run(command, check=True)


def test_a_watched_file_that_turns_bad_while_running_changes_nothing() -> None:
    """The reload is refused with the reason; what was read before stays in force."""
    allowed = Path("allow.txt")
    allowed.write_text("192.0.2.0/24\n")
    Path("key").write_text(SECRET)
    Path("key").chmod(0o600)
    file = write(f'{MINIMAL}[source]\nallow_file = "allow.txt"\n[audit]\nseal_key_file = "key"\n')
    live = ReloadableConfig(file, {})
    before = live.current
    for command, words in (
        ("rm allow.txt && mkfifo allow.txt", "cannot be read: it is a FIFO"),
        ("rm allow.txt && mkdir allow.txt", "cannot be read: it is a folder"),
        ("rmdir allow.txt", "cannot be read: No such file"),
        ("ln -s /dev/zero allow.txt", "cannot be read: it is a device"),
        ("chmod 666 key", "can be written by others"),
    ):
        subprocess.run(command, shell=True, check=True)
        for read in (live.rebuild_from_files, live.load_again):
            with pytest.raises(ConfigError) as caught:
                read()
            assert any(words in line for line in caught.value.problems)
        assert live.current is before


PASSWORD = "hunter2secret"
PEM = f"-----BEGIN PRIVATE KEY-----\\n{PASSWORD}{PASSWORD}\\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize(
    "url",
    [
        f"http://user:{PASSWORD}@127.0.0.1:8080", f"https://{PASSWORD}@127.0.0.1",
        f"http://:{PASSWORD}@127.0.0.1", f"http://user:{PASSWORD}", f"http://user:{PASSWORD}@",
        f"http://user:pa/{PASSWORD}@127.0.0.1", f"http://user:pa@{PASSWORD}@127.0.0.1",
        f"http://user:pa?{PASSWORD}@127.0.0.1:80", f"http://user:pa#{PASSWORD}@127.0.0.1:80",
        f"http:user:{PASSWORD}@127.0.0.1", f"user:{PASSWORD}@127.0.0.1:8080",
        f"//user:{PASSWORD}@127.0.0.1", f"ftp://user:{PASSWORD}@127.0.0.1",
        f"http://user:{PASSWORD}%40127.0.0.1", f"http://[::1]:{PASSWORD}@x", f"http://[{PASSWORD}",
        f"http:\\\\user:{PASSWORD}@127.0.0.1", f"http://127.0.0.1/?token={PASSWORD}",
        f"http://127.0.0.1/hook/{PASSWORD}", f"http://127.0.0.1#{PASSWORD}",
        f"http://u:{PASSWORD} @h",
        f"http://user:{PASSWORD}@127.0.0.1:99999", f"http://127.0.0.1/@{PASSWORD}",
    ],
)  # fmt: skip
def test_a_password_in_the_upstream_s_url_is_never_shown(url: str) -> None:
    """Wherever it comes from, and however malformed."""
    file = write(f"[upstream]\nurl = '{url}'\n")
    with pytest.raises(ConfigError) as caught:
        load(file, {}, {})
    found = [
        *caught.value.problems, *problems(keys={"upstream.url": url}),
    ]  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        load(None, {}, {"HOOKGATE_UPSTREAM__URL": url})
    found += caught.value.problems
    assert len(found) == 3
    for line in found:
        assert PASSWORD not in line
        assert "upstream.url = " in line
        if "@" in url:
            assert "has a user or a password" in line
        mend = re.search(r'like "(http[^"]+)"', line)
        if mend is not None:
            assert load(None, {"upstream.url": mend[1]}, {})


@pytest.mark.parametrize(
    "key", [*FILES, "upstream.client_key", "sidecar.tls_key", "sidecar.tls_client_ca"]
)
def test_a_key_that_is_pasted_in_place_of_its_file_is_not_shown(key: str) -> None:
    """PEM on one line, as an environment variable holds it, or as it stands in the file."""
    for text in (PEM, PEM.replace("\\n", "\n")):
        needs = (
            {**FILES.get(key, {}), "sidecar.tls_cert": "folder"}
            if "tls" in key
            else FILES.get(key, {})
        )
        given = {**URL, **needs, key: text}
        with pytest.raises(ConfigError) as caught:
            load(None, given, {})
        assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("key", SECRETS)
@pytest.mark.parametrize(
    "secret",
    [
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c",
        "aGVsbG8/d29ybGQraGVsbG8td29ybGQ=",
        SIGN_KEY,
        f"/{SIGN_KEY}",
        f"{SIGN_KEY} whsec_{SECRET}",
    ],
)
def test_a_secret_that_is_pasted_in_place_of_its_file_is_not_shown(key: str, secret: str) -> None:
    """In hex or base64, as openssl makes them, or behind its mark; what is wrong is said."""
    said = problem(keys={key: secret})
    assert secret not in said
    assert SECRET not in said
    assert "where the path of a file belongs" in said


def test_what_a_wrong_file_holds_is_not_shown(tmp_path: Path) -> None:
    """A key, given where networks belong."""
    Path("key.pem").write_text(f"-----BEGIN PRIVATE KEY-----\n{PASSWORD * 20}\n-----END\n")
    assert not [
        line for line in problems(keys={"source.allow_file": "key.pem"}) if PASSWORD in line
    ]


@pytest.mark.parametrize(("cert", "key"), [("tls_cert", "tls_key"), ("client_cert", "client_key")])
def test_a_certificate_and_a_key_that_do_not_go_together(cert: str, key: str) -> None:
    """What is wrong with which is told, whether they are one file or two."""
    one, other = (trustme.CA().issue_cert("a.example") for _ in range(2))
    chain, its_key = one.cert_chain_pems[0].bytes(), one.private_key_pem.bytes()
    broken = chain.replace(chain.split(b"\n")[3], b"", 1)
    section, more = (
        ("sidecar", {})
        if cert == "tls_cert"
        else ("upstream", {"upstream.url": "https://127.0.0.1:1"})
    )

    def told(certificate: bytes, in_key: bytes | None) -> str:
        Path("cert").write_bytes(certificate)
        Path("cert").chmod(0o600)
        keys = {**more, f"{section}.{cert}": "cert"}
        if in_key is not None:
            Path("key").write_bytes(in_key)
            Path("key").chmod(0o600)
            keys[f"{section}.{key}"] = "key"
        return problem(keys=keys)

    foreign = other.private_key_pem.bytes()
    for certificate, in_key, words in (
        (chain, foreign, "the key file's key belongs to another certificate"),
        (chain + foreign, None, "the key in it belongs to another certificate"),
        (b"DER?", its_key, "holds no certificate in PEM"),
        (its_key, its_key, "holds no certificate in PEM"),
        (b"", None, "holds no certificate in PEM"),
        (chain, chain, "the key file that is named with it holds no private key"),
        (chain, None, "and it holds no private key"),
        (broken, its_key, "it or the key file holds"),
        (broken + its_key, None, "it holds"),
    ):
        line = told(certificate, in_key)
        assert words in line, (words, line)
        assert "SSLError" not in line
