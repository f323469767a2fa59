"""Several columns of codes as one key a row, and keys numbered from 0. Codes are our own (see `quasi`)."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from anonymization.quasi import IntArray

AnyInt = npt.NDArray[np.signedinteger[Any]]
"""Codes of any width; wide enough is what the function that makes them sees to."""

_MULTIPLIERS = tuple(
    np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53)
)
"""Odd numbers with well mixed bits, for hashing by multiplication (Knuth, TAOCP vol. 3, section 6.4)."""
KEY_LIMIT = 2**62
"""Combined codes stay below this, so that they fit a signed 64-bit integer."""


def combine_codes(columns: Sequence[AnyInt], sizes: Sequence[int]) -> tuple[AnyInt, int]:
    """Combine columns of codes into one key a row; return the keys and an upper bound of them.

    Keys are mixed-radix numbers; where the product of `sizes` would pass 64 bits, the part so far is numbered anew, so
    equal keys always mean equal rows.
    """
    is_narrow = math.prod(sizes) < 2**31
    key: AnyInt = np.zeros(len(columns[0]), np.int32 if is_narrow else np.int64)
    space = 1
    for codes, size in zip(columns, sizes, strict=True):
        if space > KEY_LIMIT // max(size, 1):
            _, renumbered = np.unique(key, return_inverse=True)
            key = renumbered.astype(np.int64)
            space = int(key.max()) + 1 if len(key) else 1
        key = key * key.dtype.type(size)
        key += codes.astype(key.dtype, copy=False)
        space *= size
    return key, space


def number_keys(keys: AnyInt, space: int) -> tuple[IntArray, int]:
    """Number distinct keys from 0; return the number of each key and how many there are.

    Small key spaces are marked off in an array, and numbered in the order of the keys; large ones are hashed, and numbered
    in the order in which they last occur.
    """
    if space <= max(8 * len(keys), 1 << 16):
        is_used = np.zeros(space, np.bool_)
        is_used[keys] = True
        used = np.flatnonzero(is_used)
        number = np.empty(space, np.int32 if space < 2**31 else np.int64)  # only the used places are ever read
        number[used] = np.arange(len(used))
        return number[keys].astype(np.int64), len(used)
    if not len(keys):
        return np.zeros(0, np.int64), 0
    chosen = _one_of_each(keys)
    is_chosen = chosen == np.arange(len(keys), dtype=chosen.dtype)
    place: IntArray = np.cumsum(is_chosen, dtype=np.int64) - 1
    return place.take(chosen), int(place[-1]) + 1


def order_of(keys: AnyInt) -> IntArray:
    """Return the places of the keys in rising order; equal keys keep theirs. Keys are not negative.

    Sixteen bits at a time, from the lowest, which numpy sorts by counting: several times faster than comparing.
    """
    largest = int(keys.max(initial=0))
    order = np.argsort((keys & 0xFFFF).astype(np.uint16), kind="stable")
    for shift in range(16, largest.bit_length(), 16):
        digits = ((keys >> shift) & 0xFFFF).astype(np.uint16)
        order = order.take(np.argsort(digits.take(order), kind="stable"))
    return order


def _one_of_each(keys: AnyInt) -> npt.NDArray[np.int32]:
    """Return for each key the place of one key that equals it, the same for all of them.

    Every key writes its place into a slot of a table, by a hash; the last one stays. Who reads its own key back has found
    its place. The few that lost their slot to another key (all equal ones did) try again among themselves, with
    another hash, and at last by sorting.
    """
    places = np.arange(len(keys), dtype=np.int32)
    chosen = _in_slots(keys, places, _MULTIPLIERS[0])
    lost = np.flatnonzero(keys.take(chosen) != keys)
    for multiplier in _MULTIPLIERS[1:]:
        if not len(lost):
            return chosen
        left = keys.take(lost)
        again = _in_slots(left, places[lost], multiplier)
        chosen[lost] = again
        lost = lost[keys.take(again) != left]
    _, one, number = np.unique(keys.take(lost), return_index=True, return_inverse=True)
    chosen[lost] = lost[one[number]]
    return chosen


def _in_slots(keys: AnyInt, places: npt.NDArray[np.int32], multiplier: np.uint64) -> npt.NDArray[np.int32]:
    """Let each key write its place into its slot, and return what it then reads there."""
    bits = max((2 * len(keys)).bit_length(), 8)
    hashed = keys.astype(np.uint64)
    hashed *= multiplier
    hashed >>= np.uint64(64 - bits)
    slots = hashed.view(np.int64)
    table = np.empty(1 << bits, np.int32)
    table[slots] = places
    return table.take(slots)


def narrow(codes: AnyInt, size: int) -> AnyInt:
    """Return codes below `size` in the fewest bytes that hold them: a check reads all codes, and memory is its cost."""
    width = np.int8 if size <= 2**7 else np.int16 if size <= 2**15 else np.int32 if size <= 2**31 else np.int64
    return codes.astype(width, copy=False)
