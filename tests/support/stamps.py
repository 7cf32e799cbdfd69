"""An authority that stamps the time (RFC 3161), made of openssl."""

import subprocess
from pathlib import Path

_CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa]
default_tsa = stamps
[stamps]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256, sha512
ess_cert_id_alg = sha256
"""
_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "tsa.cnf"]


class Authority:
    """An authority with its files in a folder; `certificate` is that of its root, in PEM."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)
        (folder / "tsa.cnf").write_text(_CONFIG.format(name="root.example.com"))
        self._run("req", "-x509", *_KEY, "-keyout", "ca.key", "-out", "ca.pem", "-extensions", "ca")
        (folder / "tsa.cnf").write_text(_CONFIG.format(name="time.example.com"))
        self._run("req", *_KEY, "-keyout", "tsa.key", "-out", "tsa.csr")
        self._run(
            *("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key"),
            *("-CAcreateserial", "-extfile", "tsa.cnf", "-extensions", "leaf", "-out", "tsa.pem"),
        )
        self.certificate = (folder / "ca.pem").read_bytes()

    def stamp(self, data: bytes) -> bytes:
        """Return the authority's response over some data."""
        (self._folder / "data").write_bytes(data)
        self._run("ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "data.tsq")
        self._run(
            "ts", "-reply", "-queryfile", "data.tsq", "-config", "tsa.cnf", "-out", "data.tsr"
        )
        return (self._folder / "data.tsr").read_bytes()

    def answer(self, query: bytes) -> bytes:
        """Return the authority's response to a query."""
        (self._folder / "asked.tsq").write_bytes(query)
        self._run(
            "ts", "-reply", "-queryfile", "asked.tsq", "-config", "tsa.cnf", "-out", "asked.tsr"
        )
        return (self._folder / "asked.tsr").read_bytes()

    def _run(self, *command: str) -> None:
        subprocess.run(
            ["openssl", *command], cwd=self._folder, check=True, capture_output=True, timeout=60
        )
