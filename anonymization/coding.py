"""Several columns of codes as one key a row, and keys numbered from 0. Codes are our own (see `quasi`)."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from anonymization.quasi import IntArray

AnyInt = npt.NDArray[np.signedinteger[Any]]
"""Codes of any width; wide enough is what the function that makes them sees to."""

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

    Small key spaces are marked off in an array; large ones are numbered by Arrow's hash table, of whose dictionary
    codes only equality is used.
    """
    if space <= max(8 * len(keys), 1 << 16):
        is_used = np.zeros(space, np.bool_)
        is_used[keys] = True
        used = np.flatnonzero(is_used)
        number = np.empty(space, np.int32 if space < 2**31 else np.int64)  # only the used places are ever read
        number[used] = np.arange(len(used))
        return number[keys].astype(np.int64), len(used)
    import pyarrow as pa

    encoded = pa.array(keys).dictionary_encode()
    return encoded.indices.to_numpy().astype(np.int64), len(encoded.dictionary)


def narrow(codes: AnyInt, size: int) -> AnyInt:
    """Return codes below `size` in the fewest bytes that hold them: a check reads all codes, and memory is its cost."""
    width = np.int8 if size <= 2**7 else np.int16 if size <= 2**15 else np.int32 if size <= 2**31 else np.int64
    return codes.astype(width, copy=False)
