"""Chance for perturbation: uniform numbers, normal numbers and orders, drawn from the bytes of the system's generator.

There is no seed: whoever could repeat the draws could undo a swap or take noise off again. Tests inject another source of
bytes. Belongs here: drawing. Does not: what is done with it.
"""

import secrets
from collections.abc import Callable

import numpy as np

from anonymization.perturbation.arrays import Floats, Ints

_BYTES = 8
_HALF_BIT = 2.0**-54


class Draws:
    """Random numbers from a source of random bytes, by default `secrets.token_bytes`.

    Guarantee: with the default source nobody, the program included, can draw the same numbers again.
    Not guaranteed: differential privacy. Numbers are floating-point, and their last bits are not protected as OpenDP's are.
    """

    __slots__ = ("_source",)

    def __init__(self, source: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._source = source

    def __repr__(self) -> str:
        return "<secret>"

    def uniform(self, size: int) -> Floats:
        """Draw `size` numbers in (0, 1): 53 random bits each, moved by half a step so that neither end is drawn."""
        bits = np.frombuffer(self._source(_BYTES * size), dtype=np.uint64) >> np.uint64(11)
        return bits.astype(np.float64) * 2.0**-53 + _HALF_BIT

    def normal(self, size: int) -> Floats:
        """Draw `size` standard normal numbers, by the inverse of the distribution function."""
        from scipy.special import ndtri

        return np.asarray(ndtri(self.uniform(size)), dtype=np.float64)

    def truncated(self, low: Floats, high: Floats) -> Floats:
        """Draw a standard normal number between each pair of `low` and `high` (low < high)."""
        from scipy.special import ndtr, ndtri

        # In the upper tail 1 - ndtr loses all digits, so such an interval is mirrored into the lower one.
        is_upper = low > 0
        below, above = np.where(is_upper, -high, low), np.where(is_upper, -low, high)
        start, stop = ndtr(below), ndtr(above)
        drawn = np.clip(ndtri(start + (stop - start) * self.uniform(low.size)), below, above)
        return np.asarray(np.where(is_upper, -drawn, drawn), dtype=np.float64)

    def order(self, size: int) -> Ints:
        """Draw an order of 0 … size - 1; every order is equally likely, up to coinciding keys (about size² / 2⁶⁵)."""
        keys = np.frombuffer(self._source(_BYTES * size), dtype=np.uint64)
        return np.argsort(keys, kind="stable").astype(np.int64)

    def below(self, bound: int) -> int:
        """Draw a whole number from 0 … bound - 1 without bias."""
        span = 2**64 - 2**64 % bound
        while True:
            number = int.from_bytes(self._source(_BYTES), "little")
            if number < span:
                return number % bound
