"""The frequency table: floor, complement, bound, thinning, people behind samples; genomes row by row are refused."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import ibis
import pyarrow as pa
import pytest

from anonymization.genome.release import PUBLISHED, protect_allele_frequencies, refuse_row_level
from anonymization.tables import EventTable, GenotypeTable, PersonTable, Pseudonymized
from policies.errors import DataError, ExitCode, PolicyError
from policies.model import DatasetPolicy, ReleasePolicy
from tests.support.dp_methods import any_release
from tests.support.genotypes import Site, genotype_policy, genotypes

PEOPLE = 40
VARIANTS = {
    "dataset": "cohort",
    "table": "variants",
    "columns": [
        {"name": "chrom", "treat": {"op": "keep", "reason": "names the site"}, "rule": "CONS-05"},
        {"name": "gt", "treat": {"op": "aggregate_only"}, "rule": "APPI-01"},
    ],
}


def release(**changes: object) -> ReleasePolicy:
    method = {
        "kind": "allele_frequencies",
        "table": "variants",
        "min_allele_count": 10,
        "membership_false_positive_rate": 0.05,
        "membership_max_power": 0.5,
        "over_bound": "refuse",
        "approved_by": "board",
    }
    return any_release({**method, **changes}, tables=[VARIANTS])


def calls(*counts: int, people: int = PEOPLE) -> list[str]:
    """Return calls in which the n-th ALT is seen `counts[n]` times; the rest is reference."""
    alleles = [str(number + 1) for number, count in enumerate(counts) for _ in range(count)]
    alleles += ["0"] * (2 * people - len(alleles))
    return [f"{a}/{b}" for a, b in zip(alleles[::2], alleles[1::2], strict=True)]


def source(sites: Sequence[Site], *, linked: Mapping[str, str] | None = None) -> Mapping[str, Pseudonymized]:
    table = genotypes(sites)
    tables: dict[str, GenotypeTable | EventTable | PersonTable] = {"variants": table}
    if linked is not None:
        tables["variants"] = GenotypeTable(genotype_policy(samples="samples"), table.sites, table.samples)
        rows = ibis.memtable(pa.table({"sample_id": list(linked), "person": list(linked.values())}))
        tables["samples"] = PersonTable(SAMPLES, rows)
    return {"cohort": Pseudonymized(dataset=COHORT, tables=tables)}


COHORT = DatasetPolicy.model_validate(
    {
        "schema": "niji/dataset/v1",
        "id": "cohort",
        "version": "1.0.0",
        "title": {"ja": "集団", "en": "Cohort"},
        "description": {"ja": "集団", "en": "Cohort"},
        "controller": {
            "name": {"ja": "病院", "en": "Hospital"},
            "type": "private_academic",
            "contact": {"name": {"ja": "窓口", "en": "Desk"}, "email": "a@example.org"},
        },
        "steward": {"team": "team:data", "email": "a@example.org"},
        "acquisition_basis": "consent",
        "consent": {"basis": "not_required", "reason": "a test"},
        "project": "cohort",
        "tables": [
            genotype_policy(samples="samples").model_dump(mode="json", by_alias=True),
            {
                "name": "samples",
                "kind": "person",
                "title": {"ja": "検体", "en": "Samples"},
                "source": {"format": "delimited", "path": "samples.csv", "encoding": "utf-8"},
                "columns": [
                    {"name": "sample_id", "ja": "検体", "class": "linkage_code", "role": "sample_key"},
                    {"name": "person", "ja": "人", "class": "linkage_code", "role": "person_key"},
                ],
            },
        ],
    }
)
SAMPLES = COHORT.tables[1]


def site(pos: int, *counts: int, alts: Sequence[str] = ("C", "G"), chrom: str = "1") -> Site:
    return chrom, pos, "A", list(alts)[: len(counts)], calls(*counts)


def published(sites: Sequence[Site], **changes: object) -> dict[tuple[int, str], tuple[int, int]]:
    table = protect_allele_frequencies(release(**changes), source(sites)).tables["variants"]
    return {(row["POS"], row["ALT"]): (row["AC"], row["AN"]) for row in table.to_pylist()}


def test_counts_from_the_floor_up_are_published_with_their_frequency() -> None:
    made = protect_allele_frequencies(release(), source([site(1, 10), site(2, 40)]))
    table = made.tables["variants"]
    assert tuple(table.column_names) == PUBLISHED
    assert table.column("AC").to_pylist() == [10, 40]
    assert table.column("AF").to_pylist() == [0.125, 0.5]


def test_counts_below_the_floor_are_left_out() -> None:
    assert published([site(1, 9), site(2, 10)]) == {(2, "C"): (10, 80)}


def test_an_allele_of_one_carrier_looks_like_one_of_none() -> None:
    assert published([site(1, 0), site(2, 30)]) == published([site(1, 1), site(2, 30)])


def test_counts_too_near_all_are_left_out_unless_the_complement_may_be_shown() -> None:
    sites = [site(1, 71), site(2, 70), site(3, 80)]
    assert set(published(sites)) == {(2, "C")}
    assert set(published(sites, complement_floor=False)) == {(1, "C"), (2, "C"), (3, "C")}


def test_what_is_left_at_a_multi_allelic_position_is_kept_large_too() -> None:
    # 40 + 35 of 80 leave 5 reference alleles, which could be computed: the position is left out.
    assert set(published([site(1, 40, 35), site(2, 30, 30), site(3, 20, 5)])) == {(2, "C"), (2, "G"), (3, "C")}


def test_a_position_split_over_records_is_one_position() -> None:
    split = [("1", 1, "A", ["C"], calls(40)), ("1", 1, "A", ["G"], calls(35)), site(9, 20)]
    assert set(published(split)) == {(9, "C")}


def test_the_floor_does_not_count_missing_calls() -> None:
    sites = [("1", 1, "A", ["C"], ["0/1"] * 10 + ["./."] * 30), site(2, 20)]
    assert published(sites)[1, "C"] == (10, 20)


MANY = [site(pos, 12 + pos % 50) for pos in range(1, 151)]


def test_more_sites_than_the_bound_allows_are_refused_with_figures() -> None:
    # N (z_a + z_power)² = 40 · 1.6449² = 108.2
    with pytest.raises(DataError) as caught:
        published(MANY)
    assert caught.value.code == "genome.membership-bound"
    assert caught.value.exit_code is ExitCode.DATA
    for figure in ("150", "40", "108"):
        assert figure in str(caught.value)
    assert len(published(MANY[:108])) == 108


def test_a_site_of_which_half_was_called_weighs_double() -> None:
    halved = [("1", pos, "A", ["C"], [*calls(15, people=20), *["./."] * 20]) for pos in range(1, 55)]
    assert len(published(halved)) == 54
    with pytest.raises(DataError) as caught:
        published([*halved, site(99, 30)])
    assert "weigh as 109 sites" in caught.value.what
    kept = protect_allele_frequencies(release(over_bound="thin"), source([*halved, site(99, 30)])).evidence
    assert kept.measured["sites"] <= 108


def test_thinning_keeps_as_many_as_allowed_evenly_and_says_so() -> None:
    made = protect_allele_frequencies(release(over_bound="thin"), source(MANY))
    kept = made.tables["variants"].column("POS").to_pylist()
    assert len(kept) == 108
    assert max(b - a for a, b in pairwise(kept)) == 2
    assert made.evidence.measured["alleles_thinned_out"] == 42
    assert "evenly spaced" in str(made.evidence.parameters["thinning"])
    assert all(check.passed for check in made.evidence.checks)


def test_thinning_looks_at_no_frequency() -> None:
    other = [site(pos, 60 - pos % 45) for pos in range(1, 151)]
    assert set(published(MANY, over_bound="thin")) == set(published(other, over_bound="thin"))


def test_thinning_to_nothing_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        published(MANY, over_bound="thin", membership_max_power=0.04)
    assert caught.value.code == "genome.nothing-left"


def test_nothing_above_the_floor_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        published([site(1, 3)])
    assert caught.value.code == "genome.nothing-left"


def test_evidence_says_that_the_bound_and_not_the_floor_protects() -> None:
    evidence = protect_allele_frequencies(release(), source([site(1, 10), site(2, 2)])).evidence
    assert "A floor does not stop membership inference; the bound does." in evidence.guarantee.en
    assert "所属の推定" in evidence.guarantee.ja
    # The sentence is public: how many people there are passes the disclosure gate elsewhere, or not at all.
    assert "40" not in evidence.guarantee.en + evidence.guarantee.ja
    assert (evidence.people_in, evidence.people_out, evidence.records_in, evidence.records_out) == (40, 40, 2, 1)
    assert evidence.measured["alleles_below_floor"] == 1
    assert evidence.measured["max_sites"] == 108


def linked(**changes: str) -> dict[str, str]:
    return {f"s{n}": f"p{n}" for n in range(PEOPLE)} | changes


def test_people_are_counted_through_the_samples_table() -> None:
    made = protect_allele_frequencies(release(), source([site(1, 10)], linked=linked()))
    assert made.evidence.people_in == PEOPLE


def test_two_samples_of_one_person_are_refused() -> None:
    with pytest.raises(DataError) as caught:
        protect_allele_frequencies(release(), source([site(1, 10)], linked=linked(s1="p0")))
    assert caught.value.code == "genome.samples-and-people"


def test_a_sample_of_nobody_is_refused() -> None:
    known = linked()
    del known["s3"]
    with pytest.raises(DataError) as caught:
        protect_allele_frequencies(release(), source([site(1, 10)], linked=known))
    assert caught.value.code == "genome.samples-and-people"
    assert "s3" not in str(caught.value)


def test_a_table_without_genotypes_is_refused() -> None:
    with pytest.raises(PolicyError) as caught:
        protect_allele_frequencies(release(table="other"), source([site(1, 10)]))
    assert caught.value.code == "genome.no-genotypes"


def row_level(operation: str, category: str) -> ReleasePolicy:
    treat = {"op": operation, "reason": "kept for research"} if operation == "keep" else {"op": operation}
    table = {"dataset": "cohort", "table": "variants", "columns": [{"name": "gt", "treat": treat, "rule": "APPI-01"}]}
    return any_release({"kind": "controlled_rows", "environment": "sealed_extract"}, tables=[table], category=category)


@pytest.mark.parametrize(
    "category", ["anonymized_appi", "anonymized_admin", "anonymized_ngmi", "pseudonymized_appi", "statistics"]
)
def test_genotypes_row_by_row_are_refused_where_no_identification_code_may_be(category: str) -> None:
    with pytest.raises(PolicyError) as caught:
        refuse_row_level(row_level("keep", category), datasets={"cohort": COHORT})
    assert caught.value.exit_code is ExitCode.POLICY
    assert "APPI-01" in caught.value.why
    assert "APPI-22" in caught.value.why
    refuse_row_level(row_level("aggregate_only", category), datasets={"cohort": COHORT})
    refuse_row_level(row_level("drop_column", category), datasets={"cohort": COHORT})


def test_genotypes_row_by_row_may_be_personal_data() -> None:
    refuse_row_level(row_level("keep", "personal_data"), datasets={"cohort": COHORT})
