"""What the specification check of a variant file found: where, which field, which rule; never the text itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class FindingSeverity(StrEnum):
    """`error` makes the file invalid; `warning` is allowed by the specification, and odd."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class VcfFinding:
    """One breach: `line` counts from 1; `field` is a column of the file, `header` or `file`; `rule` is a stable code."""

    line: int
    field: str
    rule: str
    severity: FindingSeverity = FindingSeverity.ERROR

    def as_json(self) -> dict[str, object]:
        """Return the finding as plain JSON values."""
        return {"line": self.line, "field": self.field, "rule": self.rule, "severity": self.severity.value}


DEFINITION_RULES = frozenset(
    {
        *(
            "meta-structure",
            "meta-repeated-key",
            "meta-order",
            "meta-number",
            "meta-type",
            "meta-description",
            "meta-id",
        ),
        *("meta-value", "meta-values", "meta-url", "alt-prefix", "reserved-number", "reserved-type"),
    }
)
"""Rules of definitions in the head. Public files break them (1000 Genomes 30x: the Number of AC); they change no allele."""


@dataclass(frozen=True, slots=True)
class VcfReport:
    """The verdict on one file.

    `findings` holds the first ones in the order of the file; `error_count` and `warning_count` are exact.
    `definition_errors` counts the errors whose rule is in `DEFINITION_RULES`.
    `header_lines` is the number of lines before the first record, `records` and `samples` are counts.
    """

    findings: tuple[VcfFinding, ...]
    error_count: int
    warning_count: int
    definition_errors: int
    header_lines: int
    records: int
    samples: int
    version: str

    @property
    def valid(self) -> bool:
        """Whether no error was found."""
        return self.error_count == 0

    @property
    def readable(self) -> bool:
        """Whether all errors are in definitions of the head, so that sites and alleles can be read as they stand."""
        return self.error_count == self.definition_errors

    @property
    def errors(self) -> tuple[VcfFinding, ...]:
        """The errors among the kept findings."""
        return tuple(item for item in self.findings if item.severity is FindingSeverity.ERROR)

    def as_json(self) -> dict[str, object]:
        """Return the report as plain JSON values."""
        return {
            "valid": self.valid,
            "version": self.version,
            "records": self.records,
            "samples": self.samples,
            "errors": self.error_count,
            "warnings": self.warning_count,
            "findings": [item.as_json() for item in self.findings],
        }


@dataclass(slots=True)
class Findings:
    """Collects findings; keeps the first `keep` and counts all."""

    keep: int = 1000
    kept: list[VcfFinding] = field(default_factory=list)
    errors: int = 0
    definition_errors: int = 0
    warnings: int = 0

    def error(self, line: int, where: str, rule: str) -> None:
        """Record an error."""
        self.errors += 1
        self.definition_errors += rule in DEFINITION_RULES
        if len(self.kept) < self.keep:
            self.kept.append(VcfFinding(line, where, rule))

    def all_errors(self, line: int, where: str, rules: Sequence[str]) -> None:
        """Record several errors of one field."""
        for rule in rules:
            self.error(line, where, rule)

    def warn(self, line: int, where: str, rule: str) -> None:
        """Record a warning."""
        self.warnings += 1
        if len(self.kept) < self.keep:
            self.kept.append(VcfFinding(line, where, rule, FindingSeverity.WARNING))
