"""Synthetic people through the whole pipeline: charged, drawn once, judged with noise, published; and what misses its gate."""

import json
import shutil
import warnings
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from catalog.dcat import build_graph
from catalog.dossier_verify import verify_dossier
from catalog.dp_card import Standing
from catalog.ledger_entries import ChargeState
from catalog.shacl import validate
from catalog.web.app import create_app
from pipelines.deployment import Deployment
from pipelines.release_figures import figures_of
from pipelines.run import run
from pipelines.stages.dossier import dossier_folder
from pipelines.stages.protected import make_protected
from pipelines.storage import Stage
from policies.errors import NijiError
from tests.support import tiny_deployment as tiny
from tests.support.one_run import one_run
from tests.support.synthetic_release import RELEASE, STRICT, TABLE, write_synthetic

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient


def publish(folder: Path) -> str:
    try:
        run(write_synthetic(folder / "home"))
    except NijiError as error:
        return error.code
    return "nothing refused"


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    return one_run(tmp_path_factory, "synthetic", publish)


@pytest.fixture(scope="module")
def deployment(refused: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    home = tmp_path_factory.mktemp("synthetic") / "home"
    shutil.copytree(refused[0] / "home", home)
    return tiny.reopened(tiny.settings_of(home))


def released(deployment: Deployment) -> Path:
    return deployment.settings.zones / "released" / RELEASE / "1.0.0"


def test_published_rows_are_of_the_public_domain_and_one_a_noisy_person(deployment: Deployment) -> None:
    table = pq.read_table(released(deployment) / f"{TABLE}.parquet")
    assert table.column_names == ["sex", "ward", "visits", "last_year", "has_x"]
    rows = table.to_pylist()
    assert abs(len(rows) - (tiny.PEOPLE - tiny.OPTED_OUT)) < 60
    assert {row["ward"] for row in rows} <= {"A", "B", "C", None}
    assert {row["visits"] for row in rows} <= {0.0, 1.0, 2.0, 3.0, 4.0, 5.0}
    assert not any(row["visits"] == 0 and row["has_x"] == "yes" for row in rows)


def test_the_evidence_names_loss_and_limits_and_no_exact_count(deployment: Deployment) -> None:
    version = deployment.zones.require(Stage.PROTECTED, RELEASE)
    evidence = version.facts["evidence"]
    assert evidence["rho"] == "0.6"
    assert [evidence[count] for count in ("people_in", "people_out", "records_in", "records_out")] == [None] * 4
    assert len(evidence["measured"]["accepted_errors_noisy"]) == 6
    assert "No row is that of a real person" in evidence["guarantee"]["en"]
    assert "集団についての事実" in evidence["not_guaranteed"]["ja"]
    figures = figures_of(evidence["steward"])
    assert [figure.about for figure in figures] == ["sex", "ward", "visits", "last_year", "has_x"]
    assert "synthetic rows" in figures[0].svg["en"]
    assert "雑音つきの測定" in figures[0].svg["ja"]


def test_the_same_question_is_answered_once_and_costs_nothing_again(deployment: Deployment) -> None:
    before = deployment.ledger.show("clinic").spent_micro
    made = deployment.zones.require(Stage.PROTECTED, RELEASE)
    again = make_protected(deployment, RELEASE)
    assert again.is_reused
    assert again.version.data_version == made.data_version
    assert deployment.ledger.show("clinic").spent_micro == before


def test_a_gate_that_is_missed_publishes_nothing_and_keeps_its_charge(
    deployment: Deployment, refused: tuple[Path, str]
) -> None:
    assert refused[1] == "dp.synthetic-not-accepted"
    assert deployment.zones.current(Stage.PROTECTED, STRICT) is None
    assert deployment.store.record(STRICT, version="1.0.0") is None
    assert not (deployment.settings.zones / "released" / STRICT).exists()
    assert deployment.ledger.show("clinic").spent_micro == 900_000
    entries = [one.body for one in deployment.ledger.history() if one.body.get("release") == STRICT]
    assert len(entries) == 1
    assert ChargeState.RELEASED.value not in json.dumps(entries)
    # Another try is another draw: it would be charged anew, and the account has no room for it.
    with pytest.raises(NijiError) as caught:
        make_protected(deployment, STRICT)
    assert caught.value.code.startswith("budget.")
    assert deployment.ledger.show("clinic").spent_micro == 900_000


def test_the_catalog_says_that_the_rows_are_synthetic(deployment: Deployment) -> None:
    record = deployment.store.record(RELEASE, version="1.0.0")
    assert record is not None
    assert (record.people_out, record.evidence.method.value) == (None, "dp_synthetic")
    assert "drawn from 3 public bins" in next(c.treatment.en for c in record.tables[0].columns if c.name == "visits")
    graph = build_graph([record])
    assert validate(graph).conforms
    assert any("SYNTHETIC_DATA" in str(found) for found in graph.objects())
    app = create_app(deployment.store, released=deployment.settings.zones / "released")
    with TestClient(app) as portal:
        assert "Made-up patients" in portal.get(f"/en/datasets/{RELEASE}").text
        assert "差分プライバシーの合成データ" in portal.get(f"/ja/datasets/{RELEASE}").text
        assert portal.get(f"/en/datasets/{STRICT}").status_code == 404


def test_the_dossier_holds_the_card_of_synthetic_data(deployment: Deployment) -> None:
    folder = dossier_folder(deployment, deployment.library.release(RELEASE))
    card = verify_dossier(folder, deployment.keys.signing_keys()).dossier.card
    assert card is not None
    assert {line.standing for line in card.checklist} == {Standing.PROVEN, Standing.STATED}
    shown = card.en.model_dump(mode="json")["deployment"]
    assert shown["basic"]["data_product_type"] == "Synthetic data"
    assert "rows are drawn from noisy counts alone" in shown["dp_variant"]["unprotected_quantities"]
