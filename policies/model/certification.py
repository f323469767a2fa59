"""Certifications under the NGMI Act, and the measures that a certified operator takes (Act 9, 33, 41, 45; Rules 6, 42)."""

from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator

from policies.model.strictness import PolicyModel, Text
from policies.vocabulary import CertificationKind, SafetyMeasure


class Certification(PolicyModel):
    """A certification by the competent ministers.

    `valid_to` is the last day for which the certification was read in the public list; it is to be read again then.
    """

    id: Annotated[str, Field(min_length=3)]
    kind: CertificationKind
    valid_from: date
    valid_to: date

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.valid_to < self.valid_from:
            msg = "`valid_to` must not be before `valid_from`"
            raise ValueError(msg)
        return self

    def covers(self, day: date) -> bool:
        """Return whether the certification holds on `day`."""
        return self.valid_from <= day <= self.valid_to


class CheckedMeasure(PolicyModel):
    """One safety measure, and the day on which somebody last saw that it is in place."""

    measure: SafetyMeasure
    checked_on: date


class SafetyControl(PolicyModel):
    """The safety measures of a certified operator (NGMI Rules 6, 42), each with the day of its last check."""

    officer: Text
    measures: Annotated[tuple[CheckedMeasure, ...], Field(min_length=1)]
