"""Data nobody here wrote go the whole way: five public inputs, their policies beside this file, a catalog record a release.

Sources: 447 Synthea R4 bundles; Synthea27Nj (OMOP CDM 5.4); diabetes130 (Strack et al. 2014, CC BY 4.0); CMS
DE-SynPUF, three years of 110,000 synthetic beneficiaries, and their inpatient claims; 1000 Genomes phase 3 chromosome 22 with the phenotypes of
CINECA UK1 (CC BY). All from the shared inputs; absent ones are skipped.
"""

import gzip
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import combinations, combinations_with_replacement
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.dcat import build_graph
from catalog.shacl import validate
from catalog.store import CatalogStore
from pipelines.deployment import open_deployment
from pipelines.run import ReleaseResult, RunReport, run
from pipelines.settings import Settings, load_settings
from pipelines.storage import Stage
from policies.check import check
from policies.load import load_library
from tests.support.one_run import one_run
from tests.support.signing import sign_policies

HERE = Path(__file__).resolve().parent
ON = date(2026, 11, 23)
OFFICIAL = (
    "dcat-ap-3.0.1/html-shacl/shapes.ttl",
    "dcat-ap-3.0.1/html-shacl/range.ttl",
    "healthdcat-ap/healthdcatap-shacl-nonpublic-r5.ttl",
)


@dataclass(frozen=True)
class Input:
    """One real input: where it lies, what it publishes, what is known of it from its own documentation."""

    name: str
    source: str
    releases: tuple[str, ...]
    people: int
    quarantined: int = 0
    traces: tuple[str, ...] = ()


INPUTS = {
    found.name: found
    for found in (
        Input(
            "synthea",
            "clinical-fhir/synthea-r4-bundles",
            ("synthea-encounters", "synthea-people"),
            people=447,
            traces=("018f428e-34f6-4707-8009-5ad742f901e7", "abbc5979-3aca-43fe-91a6-8065b7e4a90f", "999-22-1962"),
        ),
        # One condition names no visit, and its policy requires one.
        Input(
            "omop",
            "clinical-omop/Synthea27Nj_5.4.zip",
            ("omop-statistics",),
            people=28,
            quarantined=1,
            traces=("1007c05b-8d20-8fe6-6790-44622f8316df", "3528b5de-9f60-a69a-ca36-d508f1f31852"),
        ),
        Input("diabetes", "clinical-tabular/diabetes130/dataset_diabetes.zip", ("diabetes-encounters",), people=71_518),
        Input(
            "synpuf",
            "clinical-tabular/cms-desynpuf",
            ("synpuf-years",),
            people=110_000,
            traces=("00016F745862898F", "000B4662348C35B4"),
        ),
        Input(
            "claims",
            "clinical-tabular/cms-desynpuf/inpatient_claims_sample01.csv.gz",
            ("claims-people",),
            people=110_000,
            traces=("00016F745862898F", "000B4662348C35B4", "196201177000368"),
        ),
        Input(
            "uk1",
            "genome/cineca_uk1/uk1.tsv.gz",
            ("uk1-controlled", "uk1-frequencies"),
            people=2_504,
            traces=("HG00096", "NA21144", "SAMEA7082814", "EGAN00002587077", "synthetic_sample_1"),
        ),
    )
}


@dataclass(frozen=True)
class Published:
    """What one run left."""

    what: Input
    settings: Settings
    report: RunReport

    def table(self, release: str, name: str) -> pa.Table:
        """Read a table of a released package as its recipient would."""
        return pq.read_table(self.settings.zones / "released" / release / "1.0.0" / f"{name}.parquet")

    def result(self, release: str) -> ReleaseResult:
        return next(result for result in self.report.releases if result.release == release)


Publish = Callable[[str], Published]


@pytest.fixture(scope="module")
def publish(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Publish:
    """Run an input's policies once for all workers; the landing folder is the shared folder itself."""

    @cache
    def once(name: str) -> Published:
        what = INPUTS[name]
        if not (shared_data / what.source).exists():
            pytest.skip(f"{what.source} is not among the shared inputs on this machine")

        def settings_in(folder: Path) -> Settings:
            return load_settings(home=folder / "home", policies=HERE / name / "policies", landing=shared_data, on=ON)

        def published(folder: Path) -> RunReport:
            sign_policies(settings_in(folder))
            return run(settings_in(folder))

        folder, report = one_run(tmp_path_factory, name, published)
        return Published(what, settings_in(folder), report)

    return once


@pytest.mark.parametrize("name", INPUTS)
def test_the_policies_are_refused_by_no_rule(name: str) -> None:
    findings = check(load_library(HERE / name / "policies"), on=ON)
    assert [(found.rule, str(found.place)) for found in findings] == []


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("name", INPUTS)
def test_a_real_input_publishes_records_that_hold_our_and_the_official_shapes(
    publish: Publish, shared_data: Path, tmp_path: Path, name: str
) -> None:
    done = publish(name)
    store = CatalogStore.open(done.settings.home / "catalog.sqlite")
    records = store.records()
    store.close()
    assert sorted(record.id for record in records) == sorted(done.what.releases)
    assert sorted(result.catalog_id for result in done.report.releases) == sorted(done.what.releases)
    assert all(result.checks and not result.checks_failed for result in done.report.releases)
    for file in OFFICIAL:
        shutil.copy(shared_data / "standards" / file, tmp_path)
    for record in records:
        graph = build_graph([record])
        assert validate(graph).violations == ()
        assert validate(graph, shapes_dir=tmp_path).violations == ()


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("name", INPUTS)
def test_people_are_as_many_as_the_source_says(publish: Publish, name: str) -> None:
    done = publish(name)
    deployment = open_deployment(done.settings)
    for dataset in deployment.library.datasets:
        facts = deployment.zones.require(Stage.CONSENTED, dataset).facts
        assert (facts["people_in"], facts["people_out"]) == (done.what.people, done.what.people)
    # Beside differential privacy no exact number of people is told.
    expected = {None if result.method == "dp_statistics" else done.what.people for result in done.report.releases}
    assert {result.people_in for result in done.report.releases} == expected
    assert sum(done.report.quarantined.values()) == done.what.quarantined


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("name", [name for name, what in INPUTS.items() if what.traces])
def test_no_key_or_name_of_the_source_is_outside_the_restricted_zone(publish: Publish, name: str) -> None:
    done = publish(name)
    restricted = done.settings.zones / "restricted"
    files = [path for path in done.settings.home.rglob("*") if path.is_file() and restricted not in path.parents]
    contents = [path.read_bytes() for path in files] + [str(path).encode() for path in files]
    assert len(files) > 10
    assert [trace for trace in done.what.traces if any(trace.encode() in content for content in contents)] == []


@pytest.mark.slow
@pytest.mark.shared
def test_published_allele_counts_are_those_of_the_file(publish: Publish, shared_data: Path) -> None:
    done = publish("uk1")
    stated = _stated_counts(shared_data / "genome/1kg_p3_chr22_10k/10k.chr22.phase3.vcf.gz")
    rows = done.table("uk1-frequencies", "genotypes").to_pylist()
    assert len(rows) == len({(row["POS"], row["REF"], row["ALT"]) for row in rows}) > 1_000
    for row in rows:
        assert (row["AC"], row["AN"]) in stated[row["POS"], row["REF"], row["ALT"]]
        assert 10 <= row["AC"] <= row["AN"] - 10
        assert row["AF"] == pytest.approx(row["AC"] / row["AN"])


def _stated_counts(path: Path) -> dict[tuple[int, str, str], set[tuple[int, int]]]:
    """Read AC and AN out of INFO, by text alone; positions that come twice have two."""
    stated: dict[tuple[int, str, str], set[tuple[int, int]]] = {}
    with gzip.open(path, "rt") as lines:
        for line in lines:
            if line.startswith("#"):
                continue
            _, pos, _, ref, alts, _, _, info, _ = line.split("\t", 8)
            fields = dict(item.split("=", 1) for item in info.split(";") if "=" in item)
            for alt, count in zip(alts.split(","), fields["AC"].split(","), strict=True):
                stated.setdefault((int(pos), ref, alt), set()).add((int(count), int(fields["AN"])))
    return stated


@pytest.mark.slow
@pytest.mark.shared
def test_microdata_of_many_encounters_a_person_reach_k_in_people(publish: Publish) -> None:
    diabetes, synthea, synpuf = publish("diabetes"), publish("synthea"), publish("synpuf")
    for done, release, table, by, k in (
        (diabetes, "diabetes-encounters", "encounters", ["race", "gender", "age", "admission", "stay_days"], 12),
        (synthea, "synthea-encounters", "encounters", ["age", "gender", "area", "period"], 5),
        (synpuf, "synpuf-years", "years", ["year", "birth", "sex", "race", "area"], 12),
    ):
        result = done.result(release)
        rows = done.table(release, table)
        assert result.k is not None
        assert result.k >= k
        assert result.people_out is not None
        # People who may come often: fewer than rows, and a class has at least as many rows as people.
        assert result.people_out < rows.num_rows
        classes = Counter(zip(*(rows.column(name).to_pylist() for name in by), strict=True))
        assert min(classes.values()) >= result.k
        assert rows.column("record_id").to_pylist() == sorted(set(rows.column("record_id").to_pylist()))
    # Three people have no known gender: no class of twelve.
    assert set(diabetes.table("diabetes-encounters", "encounters").column("gender").to_pylist()) == {"Female", "Male"}
    known = set(synthea.table("synthea-encounters", "encounters").column("record_id").to_pylist())
    conditions = synthea.table("synthea-encounters", "conditions").column("record_id").to_pylist()
    assert set(conditions) <= known


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "release", "record", "by", "codes", "dates"),
    [
        (
            "claims",
            "claims-people",
            "beneficiaries",
            ["birth", "sex", "race", "area"],
            ("claims", ["diagnosis", "second_diagnosis"]),
            ("claims", "admitted"),
        ),
        (
            "synthea",
            "synthea-people",
            "patients",
            ["birth", "gender", "area"],
            ("conditions", ["code"]),
            ("encounters", "began"),
        ),
    ],
)
def test_people_and_their_events_are_one_problem(
    publish: Publish,
    name: str,
    release: str,
    record: str,
    by: list[str],
    codes: tuple[str, list[str]],
    dates: tuple[str, str],
) -> None:
    done = publish(name)
    people = done.table(release, record)
    ids = people.column("person_id").to_pylist()
    classes = Counter(zip(*(people.column(column).to_pylist() for column in by), strict=True))
    assert len(set(ids)) == len(ids) == done.result(release).people_out
    assert min(classes.values()) == done.result(release).k
    assert min(classes.values()) >= 12

    shown = [_held(done.table(release, codes[0]), column) for column in codes[1]]
    held: dict[str, set[str]] = {person: set() for person in ids}
    for of_column in shown:
        for person, labels in of_column.items():
            held[person] |= labels
    pairs = Counter(pair for labels in held.values() for pair in combinations_with_replacement(sorted(labels), 2))
    assert len(pairs) > 20
    assert min(pairs.values()) >= 12

    # Of everybody with a date, the mean share of two of their dates (or the only one) that nobody else has.
    visited = _held(done.table(release, dates[0]), dates[1])
    having = Counter(pair for days in visited.values() for pair in combinations_with_replacement(sorted(days), 2))
    shares = []
    for days in visited.values():
        known = list(combinations(sorted(days), 2)) or [(day, day) for day in days]
        shares.append(sum(having[pair] == 1 for pair in known) / len(known))
    assert len(shares) > 400
    assert sum(shares) / len(shares) <= 0.05


def _held(table: pa.Table, column: str) -> dict[str, set[str]]:
    """Return what each person shows in a column."""
    held: dict[str, set[str]] = {}
    for person, value in zip(table.column("person_id").to_pylist(), table.column(column).to_pylist(), strict=True):
        if value is not None:
            held.setdefault(person, set()).add(value)
    return held


@pytest.mark.slow
@pytest.mark.shared
def test_statistics_of_few_people_carry_noise_and_its_size(publish: Publish) -> None:
    done = publish("omop")
    result = done.result("omop-statistics")
    assert result.epsilon == pytest.approx(7.0772, abs=1e-3)
    table = done.table("omop-statistics", "people-by-gender").to_pylist()
    assert [row["gender"] for row in table] == ["8507", "8532"]
    # 15 men and 13 women; eight times the 95 % error is beyond any draw.
    for row, truth in zip(table, (15, 13), strict=True):
        assert abs(row["noisy"] - truth) <= 8 * row["error_95"]
        assert row["value"] >= 0
