"""Identifiers for the notes, of every kind the scanner knows, in the spellings that people use.

Everything is drawn: a number is right by its check digit and nobody's on purpose. A My Number is not here; it is planted
only on demand (`generate.py`). Addresses name real municipalities and invented towns; mail and web addresses are those of
RFC 2606, network addresses those of RFC 5737.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anonymization.japan.check_digits import driver_licence_check_digits
from pipelines.demo.people import with_check_digit
from pipelines.demo.places import municipalities, towns
from pipelines.demo.text_columns import Ints, concat, digits, pick, plain, scatter

POOL = 997
"""Values of each kind in a block; rows beyond take them again."""

HYPHENS = ("-", "‐", "–", "—", "−", "－", "ー", "ｰ", " ")
"""What people type for a hyphen: ASCII, hyphen, en and em dash, minus, full width, the long-vowel marks, a blank."""

_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")


def planted_fields(rng: np.random.Generator) -> dict[str, pa.Array]:
    """Draw `POOL` identifiers of each kind."""
    prefecture = rng.integers(1, 48, POOL)
    serial = rng.integers(10, 1000, POOL)
    licence = np.column_stack([rng.integers(1, 10, POOL), rng.integers(0, 10, (POOL, 9))])
    licence[:, 0], licence[:, 1] = 3, 0
    checked = np.column_stack([licence, driver_licence_check_digits(licence), np.zeros(POOL, dtype=np.int64)])
    town = concat(
        pick([home.prefecture + home.name for home in municipalities()], rng.integers(0, len(municipalities()), POOL)),
        pick(towns(), rng.integers(0, len(towns()), POOL)),
    )
    lots = [digits(rng.integers(1, 10, POOL), 1) for _ in range(3)]
    return {
        "care": spelled(rng, digits(rng.integers(1, 10**9, POOL), 10), (10,)),
        "elderly": spelled(rng, with_check_digit(rng.integers(1, 10**7, POOL), 7), (8,), (4, 4)),
        "payer": spelled(rng, with_check_digit(12 * 100_000 + prefecture * 1000 + serial, 7), (8,)),
        "recipient": spelled(rng, with_check_digit(rng.integers(1, 10**6, POOL), 6), (7,)),
        "insurer": spelled(rng, with_check_digit(6 * 100_000 + prefecture * 1000 + serial, 7), (8,)),
        "symbol": plain(rng.integers(1, 999, POOL)),
        "insured": spelled(rng, plain(rng.integers(10**5, 10**7, POOL)), ()),
        "pension": spelled(rng, digits(rng.integers(1, 10**9, POOL), 10), (10,), (4, 6)),
        "employment": spelled(rng, concat("5", digits(rng.integers(0, 10**9, POOL), 9), "3"), (4, 6, 1)),
        "licence": spelled(rng, pa.array(["".join(map(str, row)) for row in checked.tolist()]), (12,), (4, 4, 4)),
        "passport": concat(_letters(rng), spelled(rng, digits(rng.integers(0, 10**7, POOL), 7), (7,))),
        "card": concat(_letters(rng), spelled(rng, digits(rng.integers(0, 10**8, POOL), 8), (8,)), _letters(rng)),
        "institution": with_check_digit(prefecture * 10_000_000 + 1_000_000 + rng.integers(0, 10**6, POOL), 9),
        "address": concat(town, spelled(rng, concat(*lots), (1, 1, 1), blanks=False)),
        "postal": spelled(rng, concat("9", digits(rng.integers(0, 10**6, POOL), 6)), (3, 4), blanks=False),
        "showa": plain(rng.integers(2, 64, POOL)),
        "day": plain(rng.integers(1, 29, POOL)),
        "ip": concat("192.0.2.", plain(rng.integers(1, 255, POOL))),
        "link": digits(rng.integers(0, 10**6, POOL), 6),
    }


def spelled(rng: np.random.Generator, numbers: pa.Array, *shapes: tuple[int, ...], blanks: bool = True) -> pa.Array:
    """Write numbers in one of the groupings each, with any hyphen between the groups, a third of them full-width.

    Args:
        rng: Where the draws come from.
        numbers: Digits without separators.
        shapes: Groupings by length; without one the numbers stay in one run.
        blanks: Whether a blank may stand for a hyphen.
    """
    written = []
    hyphens = HYPHENS if blanks else HYPHENS[:-1]
    draws: Ints = rng.integers(0, 1 << 30, (len(numbers), 3))
    for number, (shape_draw, hyphen_draw, width_draw) in zip(numbers.to_pylist(), draws.tolist(), strict=True):
        text = number
        if shapes:
            shape = shapes[shape_draw % len(shapes)]
            ends = np.cumsum(shape).tolist()
            groups = [number[end - size : end] for size, end in zip(shape, ends, strict=True)]
            text = hyphens[hyphen_draw % len(hyphens)].join(groups)
        written.append(text.translate(_WIDE) if width_draw % 3 == 0 else text)
    return pa.array(written, type=pa.string())


def vary_phones(rng: np.random.Generator, phones: pa.Array) -> pa.Array:
    """Write telephone numbers, parted by ASCII hyphens, with any hyphen, every third full-width."""
    draws = rng.integers(0, len(HYPHENS) - 1, len(phones))
    pieces = []
    for number, hyphen in enumerate(HYPHENS[:-1]):
        where = np.flatnonzero(draws == number)
        varied = pc.replace_substring(phones.take(pa.array(where)), "-", hyphen)
        pieces.append((where, _full_width(varied) if number % 3 == 2 else varied))
    return scatter(len(phones), pieces)


def _full_width(texts: pa.Array) -> pa.Array:
    for narrow, wide in zip("0123456789", "０１２３４５６７８９", strict=True):
        texts = pc.replace_substring(texts, narrow, wide)
    return texts


def _letters(rng: np.random.Generator) -> pa.Array:
    letters = pick(list("ABCDEFGHJKLMNPQRSTUVWXYZ"), rng.integers(0, 24, POOL))
    return concat(letters, pick(list("ABCDEFGHJKLMNPQRSTUVWXYZ"), rng.integers(0, 24, POOL)))
