"""What is drawn of a release for its steward: class sizes, and each quasi-identifier's distribution, before and after.

Counts pass the disclosure gate here: a bin of fewer people's rows than the gate shows has no share of its own, before as
after. Not here: how it is drawn.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from anonymization.disclosure import MIN_CELL_PEOPLE
from anonymization.spectrum import SpectrumOfClassSizes
from anonymization.utility.compared import Compared
from anonymization.utility.coverage import ComparedAttribute
from anonymization.utility.marginals import Marginal, marginals

MOST_BINS = 12
"""More bars than this cannot be told apart on a page."""
SIZES = (1, 2, 3, 5, 10, 20, 50, 100)
"""Where the bins of class sizes begin; 5 is a risk of 0.2, the threshold of the European Medicines Agency's and Health
Canada's is 0.09, a class of 11 (EMA/90915/2016; Health Canada PRCI 2019)."""


@dataclass(frozen=True, slots=True)
class Bars:
    """Shares (0 to 1) by bin, before and after; None where a bin holds too few to be shown. `names` are of the bins."""

    column: str
    names: tuple[str, ...]
    before: tuple[float | None, ...]
    after: tuple[float | None, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the bars as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: Any) -> "Bars":
        """Read what `as_json` wrote."""
        return cls(body["column"], tuple(body["names"]), tuple(body["before"]), tuple(body["after"]))


def size_bars(before: SpectrumOfClassSizes, after: SpectrumOfClassSizes, *, records: int) -> Bars:
    """Return the share of all rows in classes of each size; what is suppressed is in the last bin.

    A class of n people is a prosecutor's chance of 1/n for each of its rows, so this is the distribution of the risk, too.
    """
    names, shares = [], ([], [])  # type: ignore[var-annotated]  # two lists of shares
    for low, high in zip(SIZES, [*SIZES[1:], None], strict=True):
        names.append(f"{low}+" if high is None else str(low) if high == low + 1 else f"{low}-{high - 1}")
        for each, spectrum in zip(shares, (before, after), strict=True):
            rows = sum(
                n for size, n in zip(spectrum.sizes, spectrum.records, strict=True)
                if low <= size and (high is None or size < high)
            )  # fmt: skip
            each.append(_gated(rows, records))
    lost = records - after.record_count
    return Bars("class_size", (*names, "suppressed"), (*shares[0], 0.0), (*shares[1], _gated(lost, records)))


def marginal_bars(compared: Compared) -> tuple[Bars, ...]:
    """Return each quasi-identifier's distribution before and after, in at most twelve bins and one for missing values.

    Bins are the labels of the lowest level that has so few; else neighboring values. After: rows spread evenly over the
    values under their labels, as shares of what is published.
    """
    return tuple(_bars(one, compared.records) for one in marginals(compared))


def _bars(marginal: Marginal, records: int) -> Bars:
    attribute = marginal.attribute
    of, names = _bins(attribute)
    before = np.bincount(of, weights=marginal.before, minlength=len(names))
    after = np.bincount(of, weights=marginal.after, minlength=len(names))
    shown = [_gated(round(share * records), records) for share in before]
    return Bars(
        attribute.column,
        tuple(names),
        tuple(shown),
        tuple(None if there is None else round(float(share), 4) for there, share in zip(shown, after, strict=True)),
    )


def _bins(attribute: ComparedAttribute) -> tuple[np.ndarray[Any, Any], list[str]]:
    """Return the bin of each point, and what the bins are called; values unknown to the hierarchy are with the missing."""
    level = next((i for i, texts in enumerate(attribute.steps[:-1]) if len(texts) <= MOST_BINS), None)
    leaves = len([point for point in attribute.points if point is not None])
    of = np.zeros(len(attribute.points), np.int64)
    if level is not None:
        names: list[str] = list(attribute.steps[level])
        of[:] = np.minimum(attribute.ladder[level], len(names))
    else:
        numbers = attribute.numbers()
        order = np.arange(leaves) if numbers is None else np.argsort(numbers[:leaves], kind="stable")
        names = []
        for part in np.array_split(order, MOST_BINS):
            of[part] = len(names)
            names.append(_span([attribute.points[i] for i in part]))
        of[-1] = len(names)
    return of, [*names, "missing"] if attribute.is_missing_seen else [*names, "-"]


def _span(points: Sequence[str | None]) -> str:
    texts = [str(point) for point in points]
    return texts[0] if len(texts) == 1 else f"{texts[0]} … {texts[-1]}"


def _gated(rows: int, records: int) -> float | None:
    if 0 < rows < MIN_CELL_PEOPLE:
        return None
    return round(rows / max(records, 1), 4)
