"""Several columns of codes as one key a row, and keys numbered from 0. Codes are our own (see `quasi`)."""

from collections.abc import Sequence

import numpy as np

from anonymization.quasi import IntArray

KEY_LIMIT = 2**62
"""Combined codes stay below this, so that they fit a signed 64-bit integer."""


def combine_codes(columns: Sequence[IntArray], sizes: Sequence[int]) -> tuple[IntArray, int]:
    """Combine columns of codes into one key a row; return the keys and an upper bound of them.

    Keys are mixed-radix numbers; where the product of `sizes` would pass 64 bits, the part so far is numbered anew, so
    equal keys always mean equal rows.
    """
    key = np.zeros(len(columns[0]), np.int64)
    space = 1
    for codes, size in zip(columns, sizes, strict=True):
        if space > KEY_LIMIT // max(size, 1):
            _, renumbered = np.unique(key, return_inverse=True)
            key = renumbered.astype(np.int64)
            space = int(key.max()) + 1 if len(key) else 1
        key = key * size + codes
        space *= size
    return key, space


def number_keys(keys: IntArray, space: int) -> tuple[IntArray, int]:
    """Number distinct keys from 0; return the number of each key and how many there are.

    Small key spaces are marked off in an array; large ones are numbered by Arrow's hash table, of whose dictionary
    codes only equality is used.
    """
    if space <= max(8 * len(keys), 1 << 16):
        is_used = np.zeros(space, np.bool_)
        is_used[keys] = True
        number = np.cumsum(is_used) - 1
        return number[keys], int(number[-1]) + 1 if space else 0
    import pyarrow as pa

    encoded = pa.array(keys).dictionary_encode()
    return np.asarray(encoded.indices.to_numpy(), np.int64), len(encoded.dictionary)
