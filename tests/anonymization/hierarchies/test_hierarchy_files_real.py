"""Hierarchies and codes as others wrote them: ARX's own files keep the laws, real diagnoses have their place."""

import csv
import io
import zipfile
from pathlib import Path

import pytest

from anonymization.hierarchies.laws import broken_laws, numbered_rows
from anonymization.hierarchy import read_arx_layout
from tests.support.hierarchies import built, labels

# ARX takes any last level; here a missing value is published as the root, so its name is fixed.
OTHER_ROOTS = {"test2_hierarchy_Disease.csv", "test2_hierarchy_ZIPCode.csv"}


@pytest.mark.shared
def test_arx_hierarchies_keep_the_laws_but_for_the_name_of_the_root(shared_data: Path) -> None:
    files = sorted((shared_data / "clinical-tabular").glob("*/*hierarchy_*.csv"))
    assert {file.name for file in files} >= OTHER_ROOTS
    for file in files:
        text = file.read_text("utf-8-sig")
        errors = {each.law.value for each in broken_laws(numbered_rows(text)) if each.law.is_error}
        assert errors == ({"other_root"} if file.name in OTHER_ROOTS else set()), file.name
        if not errors:
            assert read_arx_layout(file.stem, text).height >= 2


@pytest.mark.shared
def test_every_diagnosis_of_diabetes130_has_its_place_once_its_zeros_are_restored(shared_data: Path) -> None:
    with zipfile.ZipFile(shared_data / "clinical-tabular/diabetes130/dataset_diabetes.zip") as packed:
        name = next(name for name in packed.namelist() if name.endswith("diabetic_data.csv"))
        rows = csv.reader(io.StringIO(packed.read(name).decode("utf-8"), newline=""))
        place = next(rows).index("diag_1")
        codes = sorted({row[place] for row in rows} - {"?"})
    as_written = labels(built({"kind": "codes", "system": "icd9cm"}), *codes)
    assert (len(codes), as_written.count(None)) == (716, 37)
    restored = labels(built({"kind": "codes", "system": "icd9cm", "restore_zeros": True}), *codes)
    assert restored.count(None) == 0
    assert len({row[2] for row in restored}) == 18
