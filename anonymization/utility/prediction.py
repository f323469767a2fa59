"""Prediction: how well a target is foretold by who learns from the release, against who learns from the source.

A naive Bayes classifier with Laplace's correction, of one pseudo-row a value: learned from published rows spread evenly
over the values under their labels, asked about original rows that it did not learn from. It needs no randomness and no
iteration, so the score is the same on every run.

Source: Iyengar, KDD 2002, and LeFevre, DeWitt, Ramakrishnan, ACM TODS 33(3), 2008 (models learned from anonymized data);
ARX 3.9 compares with zero-R and with a model of the source in the same way, and offers naive Bayes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from anonymization.loss import FloatArray
from anonymization.quasi import IntArray
from anonymization.utility.compared import Compared
from policies.errors import PolicyError

AnyArray = npt.NDArray[Any]
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Prediction:
    """Shares of original rows foretold rightly: by the most frequent value, by a model of the source, of the release.

    `relative` is where the release stands between the first (0) and the second (1); None where a model of the source is
    no better than the most frequent value.
    """

    folds: int
    zero_r: float
    source: float
    release: float

    @property
    def relative(self) -> float | None:
        """How much of what the source's model gains is left."""
        gain = self.source - self.zero_r
        return (self.release - self.zero_r) / gain if gain > 1e-12 else None


def prediction(compared: Compared, *, folds: int = FOLDS) -> Prediction:
    """Return how well the target is foretold, in so many folds.

    Rows that are alike are dealt to the folds in turn. A missing value of a quasi-identifier is a value; a row whose
    target is missing is foretold like any other, "missing" being one of the answers.

    Raises:
        PolicyError: No target was compared, or fewer than two folds.
    """
    if not compared.target_values or folds < 2:
        raise PolicyError(
            "policy.prediction",
            what="a prediction needs a target column and two folds or more",
            why="a model is learned from some rows and asked about others",
            fix="name the target where the tables are compared",
        )
    dealt = _dealt(compared.rows, folds)
    right = np.zeros(3)
    for fold in range(folds):
        asked, learned = dealt[fold], compared.rows - dealt[fold]
        for which, guess in enumerate(_guesses(compared, learned)):
            right[which] += asked[guess == compared.target].sum()
    zero_r, source, release = (right / compared.records).tolist()
    return Prediction(folds, zero_r, source, release)


def _dealt(rows: IntArray, folds: int) -> list[IntArray]:
    """Return how many rows of each pair are in each fold: dealt one by one, a pair going on where the last one ended."""
    ends = np.cumsum(rows)
    starts = ends - rows
    return [(ends - fold - 1) // folds - (starts - fold - 1) // folds for fold in range(folds)]


def _guesses(compared: Compared, learned: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return what is foretold of each pair: the most frequent value, by the source, by the release."""
    classes = len(compared.target_values)
    kept = compared.kept
    totals = np.bincount(compared.target, weights=learned, minlength=classes)
    published = np.bincount(compared.target[kept], weights=learned[kept], minlength=classes)
    by_source, by_release = _prior(totals)[None, :].repeat(len(learned), axis=0), None
    by_release = _prior(published)[None, :].repeat(len(learned), axis=0)
    for attribute, source, codes in zip(compared.attributes, compared.source, compared.published, strict=True):
        points, labels = len(attribute.points), len(attribute.labels)
        seen = np.bincount(source * classes + compared.target, weights=learned, minlength=points * classes)
        said = np.bincount(
            codes[kept] * classes + compared.target[kept], weights=learned[kept], minlength=labels * classes
        )
        spread = attribute.shares().T @ said.reshape(labels, classes)
        by_source += _likelihood(seen.reshape(points, classes))[source]
        by_release += _likelihood(np.asarray(spread))[source]
    most = np.full(len(learned), int(np.argmax(totals)), np.int64)
    return most, by_source.argmax(axis=1), by_release.argmax(axis=1)


def _prior(totals: AnyArray) -> FloatArray:
    logs: FloatArray = np.log((totals + 1.0) / (totals.sum() + len(totals)))
    return logs


def _likelihood(counts: AnyArray) -> FloatArray:
    logs: FloatArray = np.log((counts + 1.0) / (counts.sum(axis=0) + len(counts)))
    return logs
