"""SHA-256 for what each delivery has digested."""

from hashlib import sha256

# OpenSSL 3 looks the algorithm up for each new hash; a copy of an empty one needs nothing of that.
# Simulated, the three of a delivery miss the first-level instruction cache 230 times less.
new_sha256 = sha256().copy
