"""Inputs nobody here wrote: counts that their publishers state, alleles against the file's own INFO, bad CSV files."""

import tarfile
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from cyvcf2 import VCF

from pipelines.sources.read import TableReader, read_table
from policies.errors import DataError
from tests.support.source_tables import column, delimited, diabetes, omop_person, synthea, variants

pytestmark = [pytest.mark.shared, pytest.mark.slow]

PHASE3 = "phase3_shapeit2_mvncall_integrated_v5.20130502.genotypes.vcf.gz"


def test_diabetes_has_its_encounters_and_people(shared_data: Path) -> None:
    reader = read_table(diabetes(), landing=shared_data / "clinical-tabular")
    table = reader.read_all()
    assert (table.num_rows, reader.quarantine.total) == (101_766, 0)
    assert pc.count_distinct(table.column("patient_nbr")).as_py() == 71_518
    assert table.column("race").null_count == 2_273


@cache
def _synthea(resource: str, landing: Path) -> tuple[pa.Table, TableReader]:
    reader = read_table(synthea(resource), landing=landing)
    return reader.read_all(), reader


@pytest.mark.parametrize(("resource", "rows"), [("Patient", 447), ("Condition", 3_298), ("Observation", 64_454)])
def test_synthea_bundles_have_their_resources(shared_data: Path, resource: str, rows: int) -> None:
    table, reader = _synthea(resource, shared_data / "clinical-fhir")
    assert (table.num_rows, reader.quarantine.total, len(reader.source_digests)) == (rows, 0, 449)
    assert table.column(1).null_count == 0
    assert all(name.startswith("synthea-r4-bundles/#") for name in reader.source_digests)


def test_references_of_synthea_name_its_patients(shared_data: Path) -> None:
    people, _ = _synthea("Patient", shared_data / "clinical-fhir")
    conditions, _ = _synthea("Condition", shared_data / "clinical-fhir")
    assert pc.all(pc.is_in(conditions.column("patient"), value_set=people.column("id"))).as_py()


def test_the_bulk_export_has_its_patients(shared_data: Path) -> None:
    policy = synthea("Patient", paths=["bulk-ndjson-1000/Patient.000.ndjson.gz"], layout="ndjson")
    assert read_table(policy, landing=shared_data / "clinical-fhir").read_all().num_rows == 1_144


def test_the_omop_export_has_its_people(shared_data: Path) -> None:
    reader = read_table(omop_person("Synthea27Nj_5.4.zip"), landing=shared_data / "clinical-omop")
    assert (reader.read_all().num_rows, reader.quarantine.total) == (28, 0)


def _counts(sites: pa.Table) -> dict[tuple[object, ...], tuple[int, Counter[int]]]:
    found = {}
    keys = zip(*(sites.column(name).to_pylist() for name in ("pos", "id", "ref")), strict=True)
    for key, alt, gt in zip(keys, sites.column("alt").to_pylist(), sites.column("gt").to_pylist(), strict=True):
        alleles = np.frombuffer(gt, np.int8)
        each = Counter(alleles[alleles > 0].tolist())
        found[(*key, tuple(alt))] = (int((alleles >= 0).sum()), each)
    return found


def test_alleles_agree_with_the_file_and_shards_add_up(shared_data: Path) -> None:
    landing = shared_data / "genome" / "1kg_p3_chr22_10k"
    whole = _counts(read_table(variants("10k.chr22.phase3.vcf.gz"), landing=landing).read_all())
    stated = 0
    for record in VCF(str(landing / "10k.chr22.phase3.vcf.gz")):
        total, each = whole[(record.POS, record.ID, record.REF, tuple(record.ALT))]
        ac = record.INFO["AC"]
        counts = list(ac) if isinstance(ac, tuple) else [ac]
        stated += total == record.INFO["AN"] and [each[n + 1] for n in range(len(counts))] == counts
    assert stated == len(whole) == 9_750
    added: dict[tuple[object, ...], Counter[int]] = {key: Counter() for key in whole}
    people = 0
    for span in ("1-500", "501-1000", "1001-1500", "1501-2000", "2001-2504"):
        reader = read_table(variants(f"{span}.filtered.10k.chr22.{PHASE3}"), landing=landing)
        for key, (_, each) in _counts(reader.read_all()).items():
            added[key].update(each)
        people += len(reader.samples)
    assert people == 2_504
    assert {key: +each for key, each in added.items()} == {key: each for key, (_, each) in whole.items()}


def test_odd_csv_files_end_with_rows_or_a_coded_error(shared_data: Path, tmp_path: Path) -> None:
    outcomes: dict[str, str] = {}
    with tarfile.open(shared_data / "bad-input" / "frictionless-csv.tar.gz") as archive:
        for member in archive.getmembers():
            stream = archive.extractfile(member) if member.isfile() else None
            if stream is None:
                continue
            (tmp_path / "t.csv").write_bytes(stream.read())
            for encoding in ("utf-8", "utf-8-bom", "cp932", "shift_jis", "euc-jp"):
                policy = delimited([column("id", "integer"), column("name")], encoding=encoding)
                outcome = _outcome(policy, tmp_path)
                if encoding == "utf-8":
                    outcomes[Path(member.name).name] = outcome
    assert len(outcomes) == 30
    assert outcomes["table.csv"] == "2 rows, 0 refused"
    assert outcomes["bom.csv"] == "data.wrong-encoding"
    assert outcomes["empty.csv"] == "data.empty-file"
    assert outcomes["without-rows.csv"] == "data.empty-table"
    assert outcomes["without-headers.csv"] == "data.missing-column"
    assert outcomes["latin1.csv"].startswith(("data.", "1 rows"))


def _outcome(policy: object, landing: Path) -> str:
    reader = read_table(policy, landing=landing)
    try:
        rows = reader.read_all().num_rows
    except DataError as error:
        return error.code
    return f"{rows} rows, {reader.quarantine.total} refused"
