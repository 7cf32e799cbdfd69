"""SHA-256 for what each delivery has digested."""

from hashlib import sha256

# OpenSSL 3 looks the algorithm up for each new hash, which touches so much code that the three of
# a delivery took 2 % of its time; a copy of an empty one does not.
new_sha256 = sha256().copy
