"""The stage types: what a dataset is after each step, so that the type checker refuses a skipped step.

    Raw → Classified → Consented → Pseudonymized → one of the protected types → Validated

Only the function that does a step builds its type. Rows are `repr=False` everywhere: printing a stage prints no person.
Person tables and event tables are different types, because people are counted, not rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from policies.model import DatasetPolicy, ReleasePolicy, TablePolicy

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

    from anonymization.evidence import CheckResult, Evidence


@dataclass(frozen=True, slots=True)
class PersonTable:
    """A table with one row a person; its person key is unique and never null."""

    policy: TablePolicy
    rows: "ibis.Table" = field(repr=False)


@dataclass(frozen=True, slots=True)
class EventTable:
    """A table with any number of rows a person; its person key is never null."""

    policy: TablePolicy
    rows: "ibis.Table" = field(repr=False)


@dataclass(frozen=True, slots=True)
class RegisterTable:
    """A consent or opt-out register: person key, decision code, date of decision."""

    policy: TablePolicy
    rows: "ibis.Table" = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReferenceTable:
    """A table that speaks of no person (units, code lists)."""

    policy: TablePolicy
    rows: "ibis.Table" = field(repr=False)


@dataclass(frozen=True, slots=True)
class GenotypeTable:
    """Variant sites with the alleles of all samples.

    `sites` is an Arrow table, one row a VCF record, in file order, with at least
    `chrom` string, `pos` int64 (1-based), `id` string (null for "."), `ref` string, `alt` list<string> (empty for no
    ALT), `ploidy` int8, `gt` binary and `phased` binary. `gt` holds `len(samples) * ploidy` int8 values, sample by
    sample: 0 reference, n the n-th ALT, -1 missing, -2 absent because this sample has fewer chromosomes here. `phased`
    holds one int8 a sample, 1 for phased. `samples` names the columns of `gt`, in order.
    """

    policy: TablePolicy
    sites: "pa.Table" = field(repr=False)
    samples: tuple[str, ...] = field(repr=False)


AnyTable = PersonTable | EventTable | RegisterTable | ReferenceTable | GenotypeTable


@dataclass(frozen=True, slots=True)
class Raw:
    """Source rows, typed, with nothing removed; restricted zone only."""

    dataset: DatasetPolicy
    tables: Mapping[str, AnyTable] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Classified:
    """Raw, and every column is what the policy says; no undeclared identifier was found."""

    dataset: DatasetPolicy
    tables: Mapping[str, AnyTable] = field(repr=False)
    findings: tuple["CheckResult", ...] = ()


@dataclass(frozen=True, slots=True)
class Consented:
    """Classified, without anybody whose data may not be used; the register itself is gone."""

    dataset: DatasetPolicy
    tables: Mapping[str, AnyTable] = field(repr=False)
    people_in: int = 0
    people_out: int = 0


@dataclass(frozen=True, slots=True)
class Pseudonymized:
    """Consented, direct identifiers gone, keys replaced by keyed pseudonyms, dates shifted per person."""

    dataset: DatasetPolicy
    tables: Mapping[str, AnyTable] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Anonymized:
    """Row-level data that meet the release's privacy model; no key of the source is left."""

    release: ReleasePolicy
    tables: Mapping[str, "ibis.Table"] = field(repr=False)
    evidence: "Evidence"


@dataclass(frozen=True, slots=True)
class NoisyAggregate:
    """Differentially private tables; the charge was made before the noise was drawn."""

    release: ReleasePolicy
    tables: Mapping[str, "pa.Table"] = field(repr=False)
    evidence: "Evidence"


@dataclass(frozen=True, slots=True)
class SmallCellTable:
    """A count table whose small cells are hidden and cannot be derived."""

    release: ReleasePolicy
    tables: Mapping[str, "pa.Table"] = field(repr=False)
    evidence: "Evidence"


@dataclass(frozen=True, slots=True)
class AlleleFrequencyTable:
    """Allele counts over a group of people; no sample, no genotype."""

    release: ReleasePolicy
    tables: Mapping[str, "pa.Table"] = field(repr=False)
    evidence: "Evidence"


@dataclass(frozen=True, slots=True)
class ControlledRows:
    """Pseudonymized rows that may leave only inside a permit's sealed extract."""

    release: ReleasePolicy
    tables: Mapping[str, "ibis.Table"] = field(repr=False)
    genotypes: Mapping[str, GenotypeTable] = field(repr=False)
    evidence: "Evidence"


Protected = Anonymized | NoisyAggregate | SmallCellTable | AlleleFrequencyTable | ControlledRows


@dataclass(frozen=True, slots=True)
class Validated:
    """A protected release that every blocking check passed."""

    protected: Protected
    checks: tuple["CheckResult", ...]
