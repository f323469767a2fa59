"""Hierarchies keep their laws, whoever builds them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.hierarchy import Hierarchy, build_hierarchy, hierarchy_from_rows, read_arx_layout, require_level
from policies.errors import PolicyError
from policies.model import HierarchyPolicy


def policy(levels: dict, on_unseen: str = "refuse") -> HierarchyPolicy:
    return HierarchyPolicy.model_validate(
        {
            "schema": "niji/hierarchy/v1",
            "id": "made",
            "version": "1.0.0",
            "title": {"ja": "試験", "en": "test"},
            "source": "written for this test",
            "on_unseen": on_unseen,
            "levels": levels,
        }
    )


def labels_of(hierarchy: Hierarchy, value: str) -> tuple[str, ...]:
    place = hierarchy.leaves.index(value)
    return tuple(level[place] for level in hierarchy.labels)


def refused(rows: list[list[str]]) -> str:
    with pytest.raises(PolicyError) as caught:
        hierarchy_from_rows("made", rows)
    assert not any(cell in str(caught.value) for row in rows for cell in row if len(cell) > 3)
    return caught.value.code


def test_a_well_formed_hierarchy_is_accepted() -> None:
    made = hierarchy_from_rows("made", [["a1", "a", "*"], ["a2", "a", "*"], ["b1", "b", "*"]])
    assert made.height == 3
    assert labels_of(made, "a2") == ("a2", "a", "*")
    assert made.mapping(1).to_pydict() == {"value": ["a1", "a2", "b1"], "label": ["a", "a", "b"]}


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([], "policy.hierarchy-empty"),
        ([[]], "policy.hierarchy-empty"),
        ([["value1", "*"], ["value2", "group", "*"]], "policy.hierarchy-ragged"),
        ([["value1", "*"], ["value1", "*"]], "policy.hierarchy-duplicate-leaf"),
        ([["value1", "group"]], "policy.hierarchy-top"),
        ([["value1", "g1", "left1", "*"], ["value2", "g1", "right1", "*"]], "policy.hierarchy-splits"),
    ],
)
def test_what_is_no_hierarchy_is_refused(rows: list[list[str]], code: str) -> None:
    assert refused(rows) == code


def test_the_arx_layout_takes_byte_order_mark_blank_lines_quotes_and_either_line_end() -> None:
    made = read_arx_layout("made", '\ufeffa;x;*\r\n\r\n"b;c";x;*\n')
    assert made.leaves == ("a", "b;c")


def test_a_level_that_is_not_there_is_refused() -> None:
    made = hierarchy_from_rows("made", [["a", "*"]])
    require_level(made, 1)
    with pytest.raises(PolicyError) as caught:
        made.mapping(2)
    assert caught.value.code == "policy.hierarchy-level"


def test_intervals_start_at_multiples_and_end_at_the_bounds() -> None:
    ages = build_hierarchy(policy({"kind": "intervals", "low": 18, "high": 110, "widths": [5, 10], "top_from": 90}))
    assert labels_of(ages, "18") == ("18", "18-19", "18-19", "*")
    assert labels_of(ages, "23") == ("23", "20-24", "20-29", "*")
    assert labels_of(ages, "89") == ("89", "85-89", "80-89", "*")
    assert labels_of(ages, "90") == ("90", "90+", "90+", "*")
    assert labels_of(ages, "110") == ("110", "90+", "90+", "*")
    assert "111" not in ages.leaves


@pytest.mark.parametrize(
    "levels",
    [
        {"kind": "intervals", "low": 0, "high": 99, "widths": [5, 12]},
        {"kind": "intervals", "low": 0, "high": 99, "widths": [10, 5]},
        {"kind": "intervals", "low": 10, "high": 9, "widths": [5]},
        {"kind": "intervals", "low": 0, "high": 99, "widths": [5], "top_from": 120},
        {"kind": "prefix", "lengths": [3, 5]},
        {"kind": "date", "first_year": 2025, "last_year": 2024},
        {"kind": "file", "path": "somewhere.csv"},
    ],
)
def test_levels_that_contradict_themselves_are_refused(levels: dict) -> None:
    with pytest.raises(PolicyError):
        build_hierarchy(policy(levels))


@given(
    low=st.integers(-50, 50),
    size=st.integers(0, 200),
    widths=st.lists(st.integers(2, 4), min_size=1, max_size=3),
    top=st.integers(1, 300),
)
def test_every_interval_holds_its_number(low: int, size: int, widths: list[int], top: int) -> None:
    products = []
    for width in widths:
        products.append(width * (products[-1] if products else 1))
    top_from = low + top if 0 < top <= size else None
    made = build_hierarchy(
        policy({"kind": "intervals", "low": low, "high": low + size, "widths": products, "top_from": top_from})
    )
    for leaf in made.leaves:
        for label in labels_of(made, leaf)[1:-1]:
            if label.endswith("+"):
                assert int(leaf) >= int(label[:-1])
            else:
                split = label.index("-", 1)
                assert int(label[:split]) <= int(leaf) <= int(label[split + 1 :])


def test_table_and_file_levels_are_the_same_thing() -> None:
    rows = [["男", "*"], ["女", "*"]]
    by_table = build_hierarchy(policy({"kind": "table", "rows": rows}))
    by_file = build_hierarchy(policy({"kind": "file", "path": "sex.csv"}), file_text="男;*\n女;*\n")
    assert by_table == by_file


def test_prefixes_grow_by_the_values_they_see() -> None:
    made = build_hierarchy(policy({"kind": "prefix", "lengths": [3, 1]}))
    assert made.leaves == ()
    grown = made.for_values(["13104", "27", "13104"])
    assert grown.leaves == ("13104", "27")
    assert labels_of(grown, "13104") == ("13104", "131", "1", "*")
    assert labels_of(grown, "27") == ("27", "27", "2", "*")
    assert grown.for_values(["13104"]) is grown


def test_dates_become_month_quarter_and_year() -> None:
    made = build_hierarchy(policy({"kind": "date", "first_year": 2023, "last_year": 2024}))
    assert len(made.leaves) == 365 + 366
    assert labels_of(made, "2024-02-29") == ("2024-02-29", "2024-02", "2024-Q1", "2024", "*")
    assert labels_of(made, "2023-12-31") == ("2023-12-31", "2023-12", "2023-Q4", "2023", "*")


def test_icd10_codes_know_their_category_block_and_chapter() -> None:
    made = build_hierarchy(policy({"kind": "icd10"}))
    assert labels_of(made, "E11.9") == ("E11.9", "E11", "E10-E14", "IV", "*")
    assert labels_of(made, "E119") == labels_of(made, "E11.9")
    assert labels_of(made, "I10") == ("I10", "I10", "I10-I15", "IX", "*")
    assert labels_of(made, "C50.9")[1:] == ("C50", "C50-C50", "II", "*")


def test_icd10_codes_that_who_has_not_fall_to_their_category() -> None:
    made = build_hierarchy(policy({"kind": "icd10"}))
    assert "E1199" not in made.leaves
    grown = made.for_values(["E1199", "e11.9", "Z999Z", "Q99.99", "not a code", "E9Z.9", "U99"])
    assert labels_of(grown, "E1199") == ("E11.99", "E11", "E10-E14", "IV", "*")
    assert labels_of(grown, "e11.9") == labels_of(made, "E11.9")
    for unknown in ("not a code", "E9Z.9"):
        assert unknown not in grown.leaves


def test_an_empty_policy_text_for_a_file_is_no_hierarchy() -> None:
    with pytest.raises(PolicyError) as caught:
        build_hierarchy(policy({"kind": "file", "path": "empty.csv"}), file_text="\n")
    assert caught.value.code == "policy.hierarchy-empty"


@pytest.mark.parametrize("domain", [(1, 10), (1, 100, 10), (2, 10, 100)])
def test_a_domain_that_does_not_fit_the_levels_is_refused(domain: tuple[int, ...]) -> None:
    with pytest.raises(PolicyError) as caught:
        Hierarchy("made", ("a",), (("a",), ("b",), ("*",)), domain=domain)
    assert caught.value.code == "policy.hierarchy-domain"
    assert Hierarchy("made", ("a",), (("a",), ("b",), ("*",)), domain=(1, 10, 100)).height == 3
