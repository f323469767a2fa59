"""What synthetic rows must keep to be given out: each criterion is one whole number of people, drawn with noise, never a raw figure.

Synthetic rows and the noisy total come from earlier draws, so they are fixed here. Every number below is a function of
the real people that one person moves by at most one: a count of people, or a sum of shares of a person, rounded down once.

Source: Hod & Canetti, Differentially Private Release of Israel's National Registry of Live Births, arXiv 2405.00267 (2024),
acceptance criteria: errors of marginals, conditional means and regression, faithfulness, face privacy.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

import numpy as np

from anonymization.dp.synthetic.domain import Codes, Domain, Floats, Number
from anonymization.dp.synthetic.people import count_cells
from policies.model.synthetic import (
    ConditionalMeans,
    Criterion,
    FacePrivacy,
    Faithfulness,
    MarginalError,
    PaidCriterion,
    RegressionError,
)

_PARTS = 1_000
"""Shares of a person are whole thousandths, so that sums are exact and no rounding moves a number by more than one."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One number that is compared: what it is called, and how many people it may be, as a share of all."""

    label: str
    at_most: Decimal


def paid_limits(criteria: Sequence[Criterion]) -> tuple[Limit, ...]:
    """Return the limits of the criteria that read real people, one for each number of `distances`, in the same order."""
    return tuple(limit for one in criteria if not isinstance(one, FacePrivacy) for limit in _limits(one))


def distances(codes: Codes, rows: Codes, criteria: Sequence[Criterion], *, domain: Domain, total: float) -> list[int]:
    """Return one whole number of people for each of `paid_limits`; raw, to be drawn with noise before anything is decided.

    Args:
        codes: One coded row a person.
        rows: Coded synthetic rows, at least one.
        criteria: The criteria; those that cost nothing are passed over.
        domain: The public domain.
        total: The noisy number of people.

    Guarantee: one person added to or removed from `codes` moves each number by at most one.
    """
    found: list[int] = []
    for one in criteria:
        if isinstance(one, MarginalError):
            found += [_off(codes, rows, group, domain, total) for group in one.groups]
        elif isinstance(one, ConditionalMeans):
            found.append(_means_off(codes, rows, one, domain))
        elif isinstance(one, RegressionError):
            found.append(_leaning(codes, rows, one, domain))
        elif isinstance(one, Faithfulness):
            found.append(_unlike(codes, rows, one, domain))
    return found


def lonely_rows(rows: Codes, criteria: Sequence[Criterion], domain: Domain) -> dict[str, tuple[float, Decimal]]:
    """Return, for each criterion that reads synthetic rows alone, the share of rows that too few are like, and its limit."""
    found: dict[str, tuple[float, Decimal]] = {}
    for one in criteria:
        if isinstance(one, FacePrivacy):
            keys = _keys([rows], [domain.names.index(name) for name in one.columns])[0]
            alike = np.bincount(keys)[keys]
            found[f"face_privacy: {_joined(one.columns)}"] = (float((alike < one.rows_at_least).mean()), one.at_most)
    return found


def _limits(one: PaidCriterion) -> Iterator[Limit]:
    match one:
        case MarginalError():
            yield from (Limit(f"marginals: {_joined(group)}", one.at_most) for group in one.groups)
        case ConditionalMeans():
            yield Limit(f"conditional_means: {one.of} by {_joined(one.by)}", one.at_most)
        case RegressionError():
            yield Limit(f"regression: {one.of} on {_joined(one.on)}", one.at_most)
        case Faithfulness():
            yield Limit(f"faithfulness: {_joined(one.columns)}", one.at_most)


def _joined(names: Sequence[str]) -> str:
    return " x ".join(names)


def _off(codes: Codes, rows: Codes, group: Sequence[str], domain: Domain, total: float) -> int:
    clique = domain.places(group)
    synthetic = np.rint(np.array(count_cells(rows, clique, domain)) * (total / len(rows))).astype(np.int64)
    return int(np.abs(np.array(count_cells(codes, clique, domain)) - synthetic).sum())


def _means_off(codes: Codes, rows: Codes, one: ConditionalMeans, domain: Domain) -> int:
    """Sum, over the groups, how far the people of a group are together from the synthetic mean of that group."""
    real, synthetic = (_shares(part, one.of, domain) for part in (codes, rows))
    in_real, in_rows = _keys([codes, rows], [domain.names.index(name) for name in one.by])
    groups = 1 + int(max(in_real.max(initial=0), in_rows.max(initial=0)))
    known = ~np.isnan(synthetic)
    overall = float(synthetic[known].mean()) if known.any() else 0.5
    counted = np.bincount(in_rows[known], minlength=groups)
    summed = np.bincount(in_rows[known], weights=synthetic[known], minlength=groups)
    # A group without synthetic rows is held against the mean of all: its people then show as far off.
    mean = np.divide(summed, counted, out=np.full(groups, overall), where=counted > 0)
    there = ~np.isnan(real)
    parts = np.rint((real[there] - mean[in_real[there]]) * _PARTS).astype(np.int64)
    sums = np.zeros(groups, dtype=np.int64)
    np.add.at(sums, in_real[there], parts)
    return int(np.abs(sums).sum()) // _PARTS


def _leaning(codes: Codes, rows: Codes, one: RegressionError, domain: Domain) -> int:
    """Return how far, at most over the explaining columns, real people's residuals from the synthetic line go with a column.

    A least-squares line has residuals that go with none: these sums are its normal equations, and are zero for its own rows.
    """
    synthetic, known = _shares(rows, one.of, domain), _features(rows, one.on, domain)
    there = ~np.isnan(synthetic)
    line = np.linalg.lstsq(known[there], synthetic[there], rcond=None)[0] if there.any() else np.zeros(known.shape[1])
    columns = _features(codes, one.on, domain).T
    told = np.zeros(len(codes))
    # Column by column: a product of matrices may round a row otherwise when another row is gone.
    for values, slope in zip(columns, line, strict=True):
        told += values * slope
    residuals = np.nan_to_num(_shares(codes, one.of, domain) - np.clip(told, 0.0, 1.0))
    sums = [int(np.rint(values * residuals * _PARTS).astype(np.int64).sum()) for values in columns]
    return max(abs(each) for each in sums) // _PARTS


def _unlike(codes: Codes, rows: Codes, one: Faithfulness, domain: Domain) -> int:
    """Count the people who differ from every synthetic row in more columns than may differ."""
    places = [domain.names.index(name) for name in one.columns]
    near = np.zeros(len(codes), dtype=bool)
    # A row that differs in at most d columns agrees in some group of all but d.
    for kept in combinations(places, len(places) - one.differing_at_most):
        real, synthetic = _keys([codes, rows], kept)
        near |= np.isin(real, synthetic)
    return int((~near).sum())


def _shares(codes: Codes, name: str, domain: Domain) -> Floats:
    """Return each row's number as a place in its range, 0 to 1: the middle of its bin; NaN where missing."""
    place = domain.names.index(name)
    column = domain.columns[place]
    if not isinstance(column, Number):
        return np.full(len(codes), np.nan)
    edges = np.array([float(edge) for edge in column.edges])
    middles = ((edges[:-1] + edges[1:]) / 2 - edges[0]) / (edges[-1] - edges[0])
    known: Floats = np.append(middles, np.nan)[codes[:, place]]
    return known


def _features(codes: Codes, names: Sequence[str], domain: Domain) -> Floats:
    """Return the columns that a line is fitted on: a constant, each number with a mark for missing, each label but the first."""
    columns: list[Floats] = [np.ones(len(codes))]
    for name in names:
        place = domain.names.index(name)
        if isinstance(domain.columns[place], Number):
            shares = _shares(codes, name, domain)
            columns += [np.nan_to_num(shares), np.isnan(shares).astype(np.float64)]
        else:
            columns += [(codes[:, place] == code).astype(np.float64) for code in range(1, domain.sizes[place])]
    return np.stack(columns, axis=1)


def _keys(parts: Sequence[Codes], places: Sequence[int]) -> list[Codes]:
    """Number the combinations of some columns from 0, the same in every part; no product of sizes can overflow."""
    whole = np.concatenate(parts)
    numbers = np.zeros(len(whole), dtype=np.int64)
    for place in places:
        pairs = numbers * (int(whole[:, place].max(initial=0)) + 1) + whole[:, place]
        numbers = np.unique(pairs, return_inverse=True)[1]
    bounds = np.cumsum([len(part) for part in parts])[:-1]
    return list(np.split(numbers, bounds))
