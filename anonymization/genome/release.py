"""Release an allele-frequency table: count floor, membership bound, evidence; and refuse genomes row by row.

The decision sees all sites of the release at once; it is never made block by block.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anonymization.evidence import CheckKind, CheckResult, Evidence, Statement
from anonymization.genome.frequencies import allele_counts
from anonymization.genome.membership import MembershipBound, effective_sites, membership_bound
from anonymization.tables import AlleleFrequencyTable, EventTable, GenotypeTable, PersonTable, Pseudonymized
from policies.errors import DataError, PolicyError
from policies.model import DatasetPolicy, ReleasePolicy
from policies.model.method import AlleleFrequencies
from policies.vocabulary import ColumnRole, IdentificationCode, OutputCategory, TableKind

PUBLISHED = ("CHROM", "POS", "REF", "ALT", "AC", "AN", "AF")
"""Columns that leave. Genotype counts (heterozygous, homozygous) are smaller than allele counts and stay inside."""

_GENOME_CODES = frozenset(code for code in IdentificationCode if code.value.startswith("genome_"))
_NO_GENOTYPES = frozenset(
    {
        OutputCategory.ANONYMIZED_APPI,
        OutputCategory.ANONYMIZED_ADMIN,
        OutputCategory.ANONYMIZED_NGMI,
        OutputCategory.PSEUDONYMIZED_APPI,
        OutputCategory.PSEUDONYMIZED_NGMI,
        OutputCategory.STATISTICS,
        OutputCategory.SYNTHETIC,
    }
)
"""Categories that no identification code may be in: APPI Rules 31(ii), 34(ii); NGMI Rules 18(ii), 33(ii)."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which alleles are published, and why the others are not; counts of alleles."""

    published: npt.NDArray[np.bool_]
    thinned_out: int
    below_floor: int
    bound: MembershipBound


def refuse_row_level(release: ReleasePolicy, *, datasets: Mapping[str, DatasetPolicy]) -> None:
    """Refuse a release that would give genotypes row by row under a category that allows no identification code.

    Args:
        release: The release policy.
        datasets: The policies of its datasets, by id.

    Raises:
        PolicyError: A genotype column of it would leave (rules APPI-01, APPI-22).

    Guarantee: conservative: every genotype column counts as an identification code, however few its sites are.
    Not guaranteed: genomes hidden in a column that the dataset policy does not call one; the scanner looks for those.

    Source: APPI art. 2(2), Cabinet Order art. 1(i)(a), Rules arts. 2, 31(ii), 34(ii).
    """
    if release.output_category not in _NO_GENOTYPES or isinstance(release.method, AlleleFrequencies):
        return
    leaving = [
        f"{table.table}.{column.name}"
        for table in release.tables
        for column in table.columns
        if column.leaves and _is_genome(datasets.get(table.dataset), table.table, column.name)
    ]
    if leaving:
        raise PolicyError(
            "genome.row-level",
            what=f"release '{release.id}' would give genotypes row by row: {', '.join(leaving)}",
            why=(
                f"a genome is an individual identification code; none may be in {release.output_category.ja} "
                "(rules APPI-01, APPI-22)"
            ),
            fix="treat the column with drop_column or aggregate_only, or release personal data under a permit",
        )


def protect_allele_frequencies(release: ReleasePolicy, sources: Mapping[str, Pseudonymized]) -> AlleleFrequencyTable:
    """Turn a genotype table into allele frequencies that keep the count floor and the membership bound.

    An allele is published if its count is at least `min_allele_count` and, with `complement_floor`, if the alleles of
    its position that are not published sum to at least `min_allele_count` too. All others are left out, also those
    counted zero: a row that said "hidden" would say that somebody carries a rare allele. Every published allele counts
    as one independent site against the bound, or more where not everybody was called. Over the bound the release is refused, or, with `thin`, the alleles above
    the floor are cut to as many as the bound allows, evenly spaced in genome order, whatever their frequency.

    Args:
        release: A release whose method is `allele_frequencies`.
        sources: Pseudonymized datasets by id.

    Returns:
        One table, named as the method's: `PUBLISHED` columns, one row per published ALT, in file order.

    Raises:
        PolicyError: The method or its table does not fit.
        DataError: Over the bound; nothing is left to publish; a sample of no person, or two samples of one person.

    Guarantee: no published count, nor the rest at its position, is in 1 … `min_allele_count` - 1; power of a membership
        test at the stated false-positive rate is at most `membership_max_power`, for independent sites.
    Not guaranteed: the floor alone stops no membership inference; earlier releases of the same people add their sites;
        relatives of a member are detected in part.

    Source: Sankararaman et al. 2009; reference design "release gate order"; rule CONS-05.
    """
    method = release.method
    if not isinstance(method, AlleleFrequencies):
        raise _wrong_method(release)
    counts, people = counted_alleles(release, sources)
    chosen = choose_alleles(counts, method, people=people)
    if not chosen.bound.holds:
        raise _over_bound(release, int(chosen.published.sum()), chosen.bound)
    if not chosen.published.any():
        raise DataError(
            "genome.nothing-left",
            what=f"no allele of release '{release.id}' may be published",
            why=f"of {counts.num_rows} alleles none reaches the floor of {method.min_allele_count} on both sides",
            fix="release a larger cohort, or other sites; a lower floor is a decision of the approver",
        )
    published = counts.select(list(PUBLISHED)).filter(pa.array(chosen.published))
    evidence = _evidence(method, people, counts.num_rows, chosen)
    return AlleleFrequencyTable(release=release, tables={method.table: published}, evidence=evidence)


def counted_alleles(release: ReleasePolicy, sources: Mapping[str, Pseudonymized]) -> tuple[pa.Table, int]:
    """Count the alleles of a release's genotype table, and the people behind its samples.

    Returns:
        The exact counts, as `allele_counts` gives them; nothing of them is safe to publish. And the people.

    Raises:
        PolicyError, DataError: As `protect_allele_frequencies`.
    """
    method = release.method
    if not isinstance(method, AlleleFrequencies):
        raise _wrong_method(release)
    table, source = _genotypes(release, method, sources)
    return allele_counts(table), _count_people(table, source)


def _wrong_method(release: ReleasePolicy) -> PolicyError:
    return PolicyError(
        "genome.wrong-method",
        what=f"release '{release.id}' does not ask for allele frequencies",
        why=f"its method is {release.method.kind}",
        fix="write `kind: allele_frequencies`",
    )


def _is_genome(dataset: DatasetPolicy | None, table_name: str, column_name: str) -> bool:
    table = dataset.table(table_name) if dataset else None
    if table is None:
        return False
    column = table.column(column_name)
    calls = column is not None and (column.role is ColumnRole.GENOTYPE or column.code in _GENOME_CODES)
    return calls or (table.kind is TableKind.GENOTYPE and column is None)


def _genotypes(
    release: ReleasePolicy, method: AlleleFrequencies, sources: Mapping[str, Pseudonymized]
) -> tuple[GenotypeTable, Pseudonymized]:
    entry = release.table(method.table)
    source = sources.get(entry.dataset) if entry else None
    table = source.tables.get(method.table) if source else None
    if source is None or not isinstance(table, GenotypeTable):
        raise PolicyError(
            "genome.no-genotypes",
            what=f"'{method.table}' is not a genotype table of release '{release.id}'",
            why="allele frequencies are counted from genotypes",
            fix="name a table of kind genotype that the release lists",
        )
    return table, source


def _count_people(table: GenotypeTable, source: Pseudonymized) -> int:
    """Count the people behind the samples; one sample a person, or a person would weigh twice."""
    linked = source.tables.get(table.policy.samples or "")
    if not isinstance(linked, PersonTable | EventTable):
        return len(table.samples)
    keys = linked.policy.with_role(ColumnRole.SAMPLE_KEY)
    person = linked.policy.person_key
    if not keys or person is None:
        return len(table.samples)
    pairs = linked.rows.select(sample=linked.rows[keys[0].name], person=linked.rows[person]).distinct().to_pyarrow()
    person_of = dict(zip(pairs["sample"].to_pylist(), pairs["person"].to_pylist(), strict=True))
    people = {person_of[sample] for sample in table.samples if sample in person_of}
    unknown = sum(sample not in person_of for sample in table.samples)
    if unknown or len(people) != len(table.samples):
        raise DataError(
            "genome.samples-and-people",
            what=f"{len(table.samples)} samples belong to {len(people)} people, {unknown} samples to nobody",
            why="a person with two samples weighs twice in the counts, and a sample of nobody has no consent",
            fix="keep one sample a person in the genotype table and in its samples table",
        )
    return len(people)


def choose_alleles(counts: pa.Table, method: AlleleFrequencies, *, people: int) -> Selection:
    """Choose the alleles that may be published under a method; the bound may not hold where the method refuses."""
    above = published = _above_floor(counts, method)
    bound = _bound(counts, published, method, people)
    if method.over_bound == "thin":
        # Leaving alleles out only makes the rest at a position larger, so the floor still holds afterwards.
        while not bound.holds:
            most = int(published.sum())
            published = _evenly(counts, above, min(most - 1, most * bound.max_sites // bound.sites))
            bound = _bound(counts, published, method, people)
    left, kept = int(above.sum()), int(published.sum())
    return Selection(published, left - kept, counts.num_rows - left, bound)


def _bound(
    counts: pa.Table, published: npt.NDArray[np.bool_], method: AlleleFrequencies, people: int
) -> MembershipBound:
    called = np.asarray(counts.column("AN").to_numpy(), dtype=np.int64)[published]
    return membership_bound(
        effective_sites(called, people=people),
        people=people,
        false_positive_rate=method.membership_false_positive_rate,
        max_power=method.membership_max_power,
    )


def _above_floor(counts: pa.Table, method: AlleleFrequencies) -> npt.NDArray[np.bool_]:
    count, called = (np.asarray(counts.column(name).to_numpy(), dtype=np.int64) for name in ("AC", "AN"))
    published: npt.NDArray[np.bool_] = count >= method.min_allele_count
    if not method.complement_floor:
        return published
    site = _sites(counts)
    shown = np.zeros(site.max(initial=-1) + 1, dtype=np.int64)
    np.add.at(shown, site, count * published)
    # Records that split one position may differ in AN; the smallest leaves the smallest rest.
    smallest = np.full(shown.size, np.iinfo(np.int64).max)
    np.minimum.at(smallest, site, called)
    return published & ((smallest - shown) >= method.min_allele_count)[site]


def _sites(counts: pa.Table) -> npt.NDArray[np.int64]:
    """Number the positions: records of one chromosome and position belong together, however they were split."""
    positions = list(zip(counts.column("CHROM").to_pylist(), counts.column("POS").to_pylist(), strict=True))
    number = {position: place for place, position in enumerate(dict.fromkeys(positions))}
    return np.asarray([number[position] for position in positions], dtype=np.int64)


def _evenly(counts: pa.Table, published: npt.NDArray[np.bool_], most: int) -> npt.NDArray[np.bool_]:
    """Keep `most` of the published alleles, evenly spaced in genome order; which ones depends on no frequency."""
    positions, names = (counts.column(name).to_pylist() for name in ("POS", "CHROM"))
    place = {name: number for number, name in enumerate(dict.fromkeys(names))}
    order = sorted(np.flatnonzero(published).tolist(), key=lambda row: (place[names[row]], positions[row]))
    kept = np.zeros(counts.num_rows, dtype=np.bool_)
    kept[[order[step * len(order) // most] for step in range(most)]] = True
    return kept


def _over_bound(release: ReleasePolicy, alleles: int, bound: MembershipBound) -> DataError:
    return DataError(
        "genome.membership-bound",
        what=(
            f"release '{release.id}' would publish {alleles} alleles of {bound.people} people, which weigh as "
            f"{bound.sites} sites; {bound.max_sites} are allowed"
        ),
        why=(
            f"a membership test with {bound.false_positive_rate:g} false positives could have power "
            f"{bound.power:.3f}, and the policy allows {bound.max_power:g}"
        ),
        fix="release fewer sites (`over_bound: thin`), a larger cohort, or differentially private frequencies",
    )


def _evidence(method: AlleleFrequencies, people: int, alleles: int, chosen: Selection) -> Evidence:
    bound = chosen.bound
    return Evidence(
        method="allele_frequencies",
        people_in=people,
        people_out=people,
        records_in=alleles,
        records_out=int(chosen.published.sum()),
        guarantee=_guarantee(method, chosen),
        not_guaranteed=_not_guaranteed(),
        parameters={
            "min_allele_count": method.min_allele_count,
            "complement_floor": method.complement_floor,
            "membership_false_positive_rate": method.membership_false_positive_rate,
            "membership_max_power": method.membership_max_power,
            "over_bound": method.over_bound,
            "hidden_alleles": "left_out, also those counted zero",
            "linkage_relief": "none: every published allele counts as an independent site, more if few were called there",
            "thinning": "evenly spaced in genome order, before any count is looked at"
            if chosen.thinned_out
            else "none",
        },
        measured={
            **bound.as_json(),
            "alleles_thinned_out": chosen.thinned_out,
            "alleles_below_floor": chosen.below_floor,
        },
        checks=_checks(method, chosen),
    )


def _checks(method: AlleleFrequencies, chosen: Selection) -> tuple[CheckResult, ...]:
    return (
        CheckResult(
            name="membership_bound",
            kind=CheckKind.RULE,
            passed=chosen.bound.holds,
            blocking=True,
            what="the best membership test on the published alleles has no more power than the policy allows",
            rule="CONS-05",
            measured={"power_bound": chosen.bound.power, "max_power": chosen.bound.max_power},
        ),
        CheckResult(
            name="allele_count_floor",
            kind=CheckKind.RULE,
            passed=True,
            blocking=True,
            what="every published allele, and the rest at its position, is counted at least as often as the floor",
            rule="CONS-05",
            measured={"min_allele_count": method.min_allele_count, "below_floor": chosen.below_floor},
        ),
    )


def _guarantee(method: AlleleFrequencies, chosen: Selection) -> Statement:
    bound, alleles = chosen.bound, int(chosen.published.sum())
    rate, power, limit = bound.false_positive_rate, bound.power, bound.max_power
    return Statement(
        ja=(
            f"公表する{alleles:,}件のアレルから、ある人が集団の一人かどうかを当てる検定の検出力は、"
            f"偽陽性率{rate:g}のとき{power:.3f}以下です(上限{limit:g})。出現数が{method.min_allele_count}未満のアレルは"
            "載せていません。少数の除外だけでは所属の推定を防げず、防いでいるのは検出力の上限です。"
        ),
        en=(
            f"From the {alleles:,} published alleles, no test can tell whether somebody is one of the cohort's people "
            f"with more power than {power:.3f} at a false-positive rate of {rate:g} (limit {limit:g}). Alleles counted fewer than {method.min_allele_count} times are left out. A floor does not "
            "stop membership inference; the bound does."
        ),
    )


def _not_guaranteed() -> Statement:
    return Statement(
        ja=(
            "上限は座位が独立で参照集団が正確な場合の理論値です。同じ人々の別の公表物と合わせた場合や、"
            "血縁者の推定はこの保証の外です。"
        ),
        en=(
            "The bound is for independent sites and an exact reference population. It does not cover other releases of "
            "the same people, nor what is learned about relatives."
        ),
    )
