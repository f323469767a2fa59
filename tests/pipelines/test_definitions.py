"""The asset graph: what Dagster knows is exactly what the policy files say, and no way leads round the gates."""

import datetime
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from catalog.secret import Passphrase
from pipelines.definitions import build_definitions
from pipelines.settings import PACKAGED_POLICIES, Settings
from policies.errors import PolicyError
from tests.support import tiny_deployment as tiny

GROUPS = {
    "raw": "1_raw",
    "classified": "2_classified",
    "consented": "3_consented",
    "pseudonymized": "4_pseudonymized",
    "protected": "5_protected",
    "validated": "6_validated",
    "published": "7_published",
    "extracted": "8_extracted",
}
ORDER = list(GROUPS)
SHIPPED = {
    "1_raw": ["admissions", "cohort"],
    "2_classified": ["admissions", "cohort"],
    "3_consented": ["admissions", "cohort"],
    "4_pseudonymized": ["admissions", "cohort"],
    "5_protected": ["admissions-anonymized", "admissions-statistics", "cohort-controlled", "cohort-frequencies", "diagnoses-by-region"],
    "6_validated": ["admissions-anonymized", "admissions-statistics", "cohort-controlled", "cohort-frequencies", "diagnoses-by-region"],
    "7_published": ["admissions-anonymized", "admissions-statistics", "cohort-controlled", "cohort-frequencies", "diagnoses-by-region"],
    "8_extracted": ["admissions-anonymized", "cohort-controlled"],
}  # fmt: skip
Make = Callable[[Path], dg.Definitions]


def shipped(home: Path) -> dg.Definitions:
    on = datetime.date(2026, 12, 15)
    return build_definitions(Settings(home, PACKAGED_POLICIES, home / "landing", Passphrase("test"), fixed_day=on))


def small(home: Path) -> dg.Definitions:
    return build_definitions(tiny.write_deployment(home))


BOTH = pytest.mark.parametrize("make", [shipped, small])


def graph_of(definitions: dg.Definitions):
    return definitions.resolve_asset_graph()


def parents(graph) -> dict[tuple[str, ...], set[tuple[str, ...]]]:
    return {tuple(node.key.path): {tuple(key.path) for key in node.parent_keys} for node in graph.asset_nodes}


def ancestors(of: tuple[str, ...], links, *, without: str = "") -> set[tuple[str, ...]]:
    seen, todo = set(), [of]
    while todo:
        for parent in links[todo.pop()]:
            if parent not in seen and parent[0] != without:
                seen.add(parent)
                todo.append(parent)
    return seen


def test_shipped_policies_make_the_graph_that_the_design_draws(tmp_path: Path) -> None:
    found: dict[str, list[str]] = {}
    for node in graph_of(shipped(tmp_path)).asset_nodes:
        found.setdefault(node.group_name, []).append(node.key.path[1])
    assert {group: sorted(names) for group, names in sorted(found.items())} == SHIPPED


@BOTH
def test_every_asset_says_what_it_is_and_who_answers(make: Make, tmp_path: Path) -> None:
    for node in graph_of(make(tmp_path)).asset_nodes:
        stage, name = node.key.path
        assert node.group_name == GROUPS[stage]
        assert len(node.owners) == 1
        assert node.owners[0].startswith("team:")
        assert node.kinds
        assert name in node.tags.values()
        assert node.description
        assert node.is_materializable


@BOTH
def test_no_way_leads_round_the_gates(make: Make, tmp_path: Path) -> None:
    links = parents(graph_of(make(tmp_path)))
    ends = [key for key in links if key[0] in {"published", "extracted"}]
    assert ends
    for end in ends:
        assert any(key[0] == "raw" for key in ancestors(end, links))
        for gate in ("classified", "consented", "pseudonymized", "protected", "validated"):
            assert not any(key[0] == "raw" for key in ancestors(end, links, without=gate))


@BOTH
def test_dependencies_point_to_earlier_stages_of_the_same_graph(make: Make, tmp_path: Path) -> None:
    links = parents(graph_of(make(tmp_path)))
    for key, before in links.items():
        assert all(ORDER.index(one[0]) == ORDER.index(key[0]) - 1 for one in before)
        assert before <= set(links)
        assert bool(before) == (key[0] != "raw")


@BOTH
def test_both_checks_of_each_protected_release_block_it(make: Make, tmp_path: Path) -> None:
    graph = graph_of(make(tmp_path))
    protected = {tuple(node.key.path) for node in graph.asset_nodes if node.key.path[0] == "protected"}
    found = {(tuple(key.asset_key.path), key.name) for key in graph.asset_check_keys}
    assert found == {(key, name) for key in protected for name in ("quality", "recount")}
    assert all(graph.get(key).blocking for key in graph.asset_check_keys)


@BOTH
def test_automation_waits_for_blocking_checks(make: Make, tmp_path: Path) -> None:
    for node in graph_of(make(tmp_path)).asset_nodes:
        condition = node.automation_condition
        if node.key.path[0] in {"raw", "extracted"}:
            # Sources are landed, and permits granted, by people.
            assert condition is None
        else:
            wanted = dg.AutomationCondition.all_deps_blocking_checks_passed()
            assert wanted in condition.children
            assert dg.AutomationCondition.eager().get_label() in {child.get_label() for child in condition.children}


@BOTH
def test_definitions_load_and_hold_together(make: Make, tmp_path: Path) -> None:
    dg.Definitions.validate_loadable(make(tmp_path))


def test_building_writes_nothing(tmp_path: Path) -> None:
    shipped(tmp_path / "home")
    assert list(tmp_path.iterdir()) == []


def test_new_dataset_is_one_file(tmp_path: Path) -> None:
    settings = tiny.write_deployment(tmp_path)
    before = {tuple(node.key.path) for node in graph_of(build_definitions(settings)).asset_nodes}
    text = (settings.policies / tiny.SURVEY).read_text("utf-8")
    tiny.write(settings.policies / "datasets" / "poll.yaml", text.replace("survey", "poll"))
    after = {tuple(node.key.path) for node in graph_of(build_definitions(settings)).asset_nodes}
    assert after - before == {(stage, "poll") for stage in ("raw", "classified", "consented", "pseudonymized")}
    assert before < after


def test_new_release_is_one_file(tmp_path: Path) -> None:
    settings = tiny.write_deployment(tmp_path)
    before = {tuple(node.key.path) for node in graph_of(build_definitions(settings)).asset_nodes}
    text = (settings.policies / tiny.CELLS).read_text("utf-8")
    tiny.write(settings.policies / "releases" / "more-cells.yaml", text.replace("clinic-cells", "more-cells"))
    after = {tuple(node.key.path) for node in graph_of(build_definitions(settings)).asset_nodes}
    assert after - before == {(stage, "more-cells") for stage in ("protected", "validated", "published", "extracted")}


def test_without_a_release_to_extract_there_is_no_sensor(tmp_path: Path) -> None:
    settings = tiny.write_deployment(tmp_path)
    assert [sensor.name for sensor in build_definitions(settings).sensors or ()] == ["permits"]
    tiny.change(settings, tiny.CELLS, ("delivery: [open, extract]", "delivery: [open]"))
    definitions = build_definitions(settings)
    assert not definitions.sensors
    assert not [node for node in graph_of(definitions).asset_nodes if node.key.path[0] == "extracted"]


def test_forbidden_policy_builds_nothing(tmp_path: Path) -> None:
    settings = tiny.write_deployment(tmp_path)
    tiny.change(settings, tiny.CELLS, ("min_cell: 10", "min_cell: 5"))
    with pytest.raises(PolicyError) as refused:
        build_definitions(settings)
    assert refused.value.code.startswith("CELL-")


def test_folder_without_datasets_is_refused(tmp_path: Path) -> None:
    settings = tiny.settings_of(tmp_path)
    for folder in ("datasets", "releases", "hierarchies", "quality"):
        (settings.policies / folder).mkdir(parents=True)
    with pytest.raises(PolicyError) as refused:
        build_definitions(settings)
    assert refused.value.code == "policy.no-datasets"
