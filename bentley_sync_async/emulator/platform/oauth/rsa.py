"""RSA signatures for id tokens with the standard library alone: enough for an emulator, not for production."""

from __future__ import annotations

import functools
import hashlib
import math
import secrets

from attrs import field, frozen

_PRIME_BITS = 1024
_EXPONENT = 65537
_SMALL_PRIMES = math.prod(n for n in range(3, 2000, 2) if all(n % d for d in range(3, math.isqrt(n) + 1, 2)))
_ROUNDS = 5  # of Miller and Rabin: far more than a random number of this size needs
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 8017, 9.2: the DER prefix of the digest


@frozen
class SigningKey:
    """An RSA key of 2048 bits.

    Attributes:
        modulus: The public modulus.
        exponent: The public exponent.
        id: The key's name, by which a token refers to it.
    """

    modulus: int
    _private: int = field(repr=False)
    exponent: int = _EXPONENT

    @property
    def id(self) -> str:
        """The key's name: a hash of the modulus."""
        return hashlib.sha256(str(self.modulus).encode()).hexdigest()[:16]

    def sign(self, data: bytes) -> bytes:
        """Return the RSASSA-PKCS1-v1_5 signature with SHA-256 (RFC 8017, 8.2)."""
        size = (self.modulus.bit_length() + 7) // 8
        digest = _SHA256 + hashlib.sha256(data).digest()
        padded = b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest
        return pow(int.from_bytes(padded), self._private, self.modulus).to_bytes(size)


@functools.cache
def signing_key() -> SigningKey:
    """Return this process's key, which takes some tenths of a second to make when it is first needed."""
    p, q = _prime(), _prime()
    return SigningKey(p * q, pow(_EXPONENT, -1, (p - 1) * (q - 1)))


def _prime() -> int:
    top = 3 << (_PRIME_BITS - 2)  # so that the product of two has all its bits
    while True:
        n = top | secrets.randbits(_PRIME_BITS - 2) | 1
        if math.gcd(n, _SMALL_PRIMES) == 1 and n % _EXPONENT != 1 and _is_prime(n):
            return n


def _is_prime(n: int) -> bool:
    """Return whether a large odd number passes the test of Miller and Rabin."""
    twos = ((n - 1) & (1 - n)).bit_length() - 1
    for _ in range(_ROUNDS):
        x = pow(2 + secrets.randbelow(n - 3), (n - 1) >> twos, n)
        if x in {1, n - 1}:
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True
