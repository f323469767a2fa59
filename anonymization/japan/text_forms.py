"""The one form of Japanese text that the scanner reads: widths, dashes, invisible characters and digits are made alike.

Belongs here: what two spellings of the same text have in common. Not here: what is looked for in it.
"""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

_DASHES = "‐‑‒–—―⁃−ーｰ－﹣﹘─━⁻₋"
_INVISIBLE = "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff]"
_KANJI_DIGITS = str.maketrans("〇零一二三四五六七八九", "00123456789")
# Six or more in a row are a number spelled digit by digit; fewer are words (一二, 三三七).
_KANJI_RUN = re.compile("[〇零一二三四五六七八九]{6,}")
_MANY_KANJI_DIGITS = "[〇零一二三四五六七八九]{6}"


def normalize_text(values: pa.Array) -> pa.Array:
    """Return texts in the form that the matchers read; nulls stay null, ASCII texts are not touched.

    Compatibility forms are folded (NFKC: full-width digits and letters, half-width kana, ㍻, ℡, ①), every dash and
    prolonged-sound mark (and 一 between digits) becomes `-`, invisible characters go, six or more kanji digits in a row become digits.
    """
    plain = pc.fill_null(pc.string_is_ascii(values), True)
    if pc.all(plain).as_py() is not False:
        return values
    odd = values.filter(pc.invert(plain))
    folded = pc.utf8_normalize(odd, "NFKC")
    folded = pc.replace_substring_regex(folded, f"[{_DASHES}]", "-")
    folded = pc.replace_substring_regex(folded, _INVISIBLE, "")
    folded = pc.replace_substring_regex(folded, "([0-9])一([0-9])", r"\1-\2")
    return pc.replace_with_mask(values, pc.invert(plain), _kanji_digits_folded(folded))


def _kanji_digits_folded(texts: pa.Array) -> pa.Array:
    spelled = pc.fill_null(pc.match_substring_regex(texts, _MANY_KANJI_DIGITS), False)
    if not pc.any(spelled).as_py():
        return texts
    folded = [
        _KANJI_RUN.sub(lambda run: run[0].translate(_KANJI_DIGITS), text) for text in texts.filter(spelled).to_pylist()
    ]
    return pc.replace_with_mask(texts, spelled, pa.array(folded, type=texts.type))


def matches(texts: pa.Array, pattern: str) -> Mask:
    """Say which texts match an RE2 pattern anywhere; null is no."""
    found = pc.fill_null(pc.match_substring_regex(texts, pattern), False)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)
