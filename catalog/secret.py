"""Bytes that must not be printed: `Secret`, and the passphrase that unlocks the key store."""

import hmac
from typing import Never


class Secret:
    """Secret bytes whose `repr` is `<secret>`; compared in constant time, never pickled.

    Args:
        value: The bytes to keep.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = bytes(value)

    def reveal(self) -> bytes:
        """Return the bytes; call it only where they are handed to a cipher."""
        return self._value

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return "<secret>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        # A hash of the bytes would be a test for guesses; all secrets share one bucket.
        return hash(Secret)

    def __len__(self) -> int:
        return len(self._value)

    def __reduce__(self) -> Never:
        msg = "a secret is not pickled: open the key store in the process that needs it"
        raise TypeError(msg)


class Passphrase(Secret):
    """What unlocks the key store; the settings supply it, it is never stored.

    Args:
        text: The passphrase as people type it.
    """

    __slots__ = ()

    def __init__(self, text: str) -> None:
        super().__init__(text.encode("utf-8"))


def as_passphrase(value: str | Passphrase) -> Passphrase:
    """Return a passphrase that settings or a prompt hold as text."""
    return value if isinstance(value, Passphrase) else Passphrase(value)
