"""Counting numbered identifiers in the distinct texts of a column, with numpy where a cell is only digits.

Belongs here: which texts hold a kind, and how surely. Not here: cutting text into candidates (`japan.digit_chains`).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anonymization.chance import NumberSample, sample_of
from anonymization.japan.check_digits import Digits
from anonymization.japan.digit_chains import Candidate, candidates
from anonymization.japan.number_forms import MAX_DIGITS, NUMBER_FORMS, NumberForm
from anonymization.japan.text_forms import Mask, matches
from policies.model.scan import IdentifierKind

_MIN_DIGITS = 6
_PURE = rf"^\s*[0-9]{{{_MIN_DIGITS},{MAX_DIGITS}}}\s*$"
_FORM_OF = {form.kind: form for form in reversed(NUMBER_FORMS)}


@dataclass(frozen=True, slots=True)
class Counted:
    """Which distinct texts hold a kind, each text in at most one mask; and the samples for the test against chance."""

    named: Mask
    inside: Mask
    right: Mask
    form: Mask
    doubtful: Mask
    alone: NumberSample = field(default_factory=NumberSample)
    in_text: NumberSample = field(default_factory=NumberSample)

    def masks(self) -> tuple[Mask, ...]:
        """Return the masks in the order of the fields."""
        return self.named, self.inside, self.right, self.form, self.doubtful

    @property
    def hit(self) -> Mask:
        """The texts that hold the kind with everything right that can be checked."""
        return self.named | self.inside | self.right


class ColumnNumbers:
    """The numbers of a column: cells that are nothing but digits, and candidates in all others. Made once a column.

    Numbers lose their leading zeros in a column of numbers, so there a number one digit short counts too, if the column has
    one of full length.
    """

    def __init__(self, texts: pa.Array, *, is_text: bool) -> None:
        self._size = len(texts)
        self._pure: dict[int, tuple[np.ndarray, Digits]] = {}
        self._candidates: dict[int, list[Candidate]] = defaultdict(list)
        is_pure = matches(texts, _PURE)
        self._read_pure(texts, is_pure, is_text=is_text)
        if is_text:
            others = np.flatnonzero(~is_pure)
            for found in candidates(texts.take(pa.array(others))):
                self._candidates[len(found.digits)].append(found.at(int(others[found.text])))

    def _read_pure(self, texts: pa.Array, is_pure: Mask, *, is_text: bool) -> None:
        where = np.flatnonzero(is_pure)
        trimmed = pc.ascii_trim_whitespace(texts.take(pa.array(where)))
        lengths = pc.binary_length(trimmed).to_numpy(zero_copy_only=False)
        for length in np.unique(lengths).tolist():
            at = lengths == length
            short = lengths == length - 1 if not is_text else np.zeros_like(at)
            chosen = np.flatnonzero(at | short)
            padded = pc.ascii_lpad(trimmed.take(pa.array(chosen)), int(length), "0")
            self._pure[int(length)] = where[chosen], _digits("".join(padded.to_pylist()), int(length))

    def count(self, form: NumberForm) -> Counted:
        """Count one form."""
        counting = _Counting(self._size)
        for length in form.lengths:
            where, numbers = self._pure.get(
                length, (np.zeros(0, dtype=np.int64), np.zeros((0, length), dtype=np.int64))
            )
            fits, right = form.fits(numbers), form.is_right(numbers)
            counting.right[where[right]] = True
            counting.form[where[fits & ~right]] = True
            counting.sample_alone(form, numbers[fits], right[fits])
            self._count_candidates(form, self._candidates.get(length, []), counting)
        if form.is_label_enough:
            for found in self._labelled(form.kind):
                counting.named[found.text] = True
        return counting.result()

    def count_labelled(self, kind: IdentifierKind) -> Counted:
        """Count a kind that has a label and no form of its own."""
        counting = _Counting(self._size)
        for found in self._labelled(kind):
            counting.named[found.text] = True
        return counting.result()

    def _labelled(self, kind: IdentifierKind) -> list[Candidate]:
        return [found for listed in self._candidates.values() for found in listed if found.label is kind]

    def _count_candidates(self, form: NumberForm, listed: Sequence[Candidate], counting: "_Counting") -> None:
        if not listed:
            return
        numbers = _digits("".join(found.digits for found in listed), len(listed[0].digits))
        fits, right = form.fits(numbers), form.is_right(numbers)
        alone, inside = [], []
        for place, found in enumerate(listed):
            if found.label is form.kind:
                if form.variant:
                    continue  # counted with the first
                (counting.named if right[place] else counting.doubtful)[found.text] = True
            elif not (found.is_free and fits[place] and found.shape in form.shapes) or _is_explained(found, form.kind):
                continue
            elif found.is_alone and not (form.scheme is None and found.shape in form.inside):
                alone.append(place)
                (counting.right if right[place] else counting.form)[found.text] = True
            elif found.shape in form.inside:
                inside.append(place)
                counting.inside[found.text] |= right[place]
        counting.sample_alone(form, numbers[alone], right[alone])
        counting.sample_inside(form, numbers[inside], right[inside])


class _Counting:
    """Masks in the making; `result` lets each text count once, at the surest."""

    def __init__(self, size: int) -> None:
        self.named, self.inside, self.right, self.form, self.doubtful = (np.zeros(size, dtype=bool) for _ in range(5))
        self._alone = NumberSample()
        self._inside = NumberSample()

    def sample_alone(self, form: NumberForm, numbers: Digits, right: Mask) -> None:
        if form.scheme is not None and numbers.shape[1] in form.scheme.lengths:
            self._alone = self._alone.plus(sample_of(numbers, form.scheme, right))

    def sample_inside(self, form: NumberForm, numbers: Digits, right: Mask) -> None:
        if form.scheme is not None and numbers.shape[1] in form.scheme.lengths:
            self._inside = self._inside.plus(sample_of(numbers, form.scheme, right))

    def result(self) -> Counted:
        inside = self.inside & ~self.named
        right = self.right & ~self.named & ~inside
        form = self.form & ~self.named & ~inside & ~right
        doubtful = self.doubtful & ~self.named & ~inside & ~right & ~form
        return Counted(self.named, inside, right, form, doubtful, self._alone, self._inside)


def _is_explained(found: Candidate, kind: IdentifierKind) -> bool:
    """Return whether its label names another kind, and that kind's own check digit confirms it."""
    if found.label is None or found.label is kind:
        return False
    if found.label is IdentifierKind.PHONE:
        return found.digits.startswith("0") and len(found.digits) in (10, 11)
    form = _FORM_OF.get(found.label)
    if form is None or form.scheme is None or form.is_label_enough or len(found.digits) not in form.scheme.lengths:
        return False
    return bool(form.is_right(_digits(found.digits, len(found.digits)))[0])


def _digits(joined: str, width: int) -> Digits:
    codes = np.frombuffer(joined.encode("ascii"), dtype=np.uint8).astype(np.int64) - ord("0")
    return codes.reshape(-1, width)
