"""Diseases below diseases: the small table, the question, and readers of a user's Mondo that refuse what is broken."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.decision.mondo import Diseases, is_within
from policies.decision.mondo_files import ROOT, read_diseases, shipped_diseases
from policies.decision.verdict import Verdict
from policies.errors import DataError
from tests.support.access_requests import decided, purposes, strict

ADMIT, ASK, REFUSE = Verdict.ADMIT, Verdict.ASK, Verdict.REFUSE
DS = "DUO:0000007"
T1D, T2D, DIABETES, DKD, CKD = (f"MONDO:{n:07}" for n in (5147, 5148, 5015, 5016, 5300))
METABOLIC, HEART, CANCER, CARCINOMA, NEOPLASM = (f"MONDO:{n:07}" for n in (5066, 4995, 4992, 4993, 5070))


# --- the table that ships


def test_the_shipped_table_is_small_whole_and_has_both_languages() -> None:
    table = shipped_diseases()
    assert 20 <= len(table.parents) <= 60
    assert ROOT in table.parents
    assert {parent for parents in table.parents.values() for parent in parents} <= set(table.parents)
    for disease in table.parents:
        assert table.label(disease).ja != table.label(disease).en
        assert disease not in table.ancestors(disease)


@pytest.mark.parametrize(
    ("disease", "allowed", "answer"),
    [
        (T2D, T2D, True),
        (T2D, DIABETES, True),
        (T1D, DIABETES, True),
        (DKD, METABOLIC, True),
        (T2D, METABOLIC, True),
        (METABOLIC, T2D, False),
        ("MONDO:0004975", "MONDO:0001627", True),
        (DKD, ROOT, True),
        (CARCINOMA, NEOPLASM, True),
        # what lies above is wider than what was consented to
        (DIABETES, T2D, False),
        (NEOPLASM, CARCINOMA, False),
        # known up to the root, and not there
        (HEART, DIABETES, False),
        (METABOLIC, CANCER, False),
        # the table does not have all parents of these
        (T1D, HEART, None),
        (T2D, CANCER, None),
        ("MONDO:0009999", DIABETES, None),
        ("MONDO:0009999", "MONDO:0009999", True),
        (HEART, "MONDO:0009999", False),
    ],
)
def test_below(disease: str, allowed: str, answer: bool | None) -> None:
    assert shipped_diseases().is_at_or_below(disease, allowed) is answer


def test_one_of_several_suffices_and_a_doubt_remains_a_doubt() -> None:
    table = shipped_diseases()
    assert is_within(table, T2D, [HEART, DIABETES]) is True
    assert is_within(table, HEART, [METABOLIC, CANCER]) is False
    assert is_within(table, T2D, [HEART, CANCER]) is None
    assert is_within(table, T2D, []) is False


@pytest.mark.parametrize(
    ("allowed", "asked", "expected"),
    [
        ((DIABETES,), (T2D,), {}),
        ((DIABETES,), (T2D, T1D), {}),
        ((T2D,), (DIABETES,), {"disease": REFUSE}),
        ((DIABETES,), (HEART,), {"disease": REFUSE}),
        ((DIABETES,), (T2D, HEART), {"disease": REFUSE}),
        ((DIABETES,), ("MONDO:0009999",), {"disease": ASK}),
        ((), (T2D,), {"disease": ASK}),
        ((DIABETES,), (), {"disease": REFUSE}),
    ],
)
def test_consent_for_one_disease(
    allowed: tuple[str, ...], asked: tuple[str, ...], expected: Mapping[str, Verdict]
) -> None:
    assert strict(decided(under=purposes(DS, mondo=allowed), mondo=asked)) == expected


def test_research_on_no_disease_is_outside_consent_for_one() -> None:
    under = purposes(DS, mondo=(DIABETES,))
    assert strict(decided(under=under, duo="DUO:0000006", mondo=(T2D,))) == {"purpose": REFUSE}


@given(
    st.dictionaries(st.integers(0, 9), st.frozensets(st.integers(0, 9), max_size=3)),
    st.integers(0, 9),
    st.integers(0, 9),
)
def test_the_answer_is_that_of_a_walk(raw: dict[int, frozenset[int]], low: int, high: int) -> None:
    parents = {str(child): tuple(str(each) for each in above) for child, above in raw.items()}
    table = Diseases(parents)
    seen, waiting = {str(low)}, [str(low)]
    while waiting:
        for above in parents.get(waiting.pop(), ()):
            if above not in seen:
                seen.add(above)
                waiting.append(above)
    answer = table.is_at_or_below(str(low), str(high))
    assert (answer is True) == (str(high) in seen)
    if answer is False:
        below_high = str(low) in table.ancestors(str(high))
        assert below_high or seen <= set(parents)


# --- a user's file

OBO = """\
format-version: 1.2
data-version: releases/2026-07-06

[Term]
id: MONDO:0000001
name: disease
is_a: BFO:0000016 ! disposition

[Term]
id: MONDO:0005015
name: diabetes mellitus
is_a: MONDO:0000001 {source="DOID:9351", source="MONDO:Redundant"} ! disease

[Term]
id: MONDO:0005148
name: type 2 diabetes mellitus
is_a: MONDO:0005015 {source="https://example.org/x"}

[Term]
id: MONDO:0099999
name: obsolete thing
is_a: MONDO:0000001 ! disease
is_obsolete: true

[Term]
id: HP:0000819
name: Diabetes mellitus

[Typedef]
id: part_of
is_a: MONDO:0000001
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def graph(nodes: list[dict[str, object]], edges: list[dict[str, object]]) -> str:
    return json.dumps({"graphs": [{"nodes": nodes, "edges": edges}]})


def node(number: int, label: str = "x", **more: object) -> dict[str, object]:
    return {"id": f"http://purl.obolibrary.org/obo/MONDO_{number:07}", "lbl": label, **more}


def edge(child: int, parent: int) -> dict[str, object]:
    base = "http://purl.obolibrary.org/obo/MONDO_"
    return {"sub": f"{base}{child:07}", "pred": "is_a", "obj": f"{base}{parent:07}"}


def test_an_obo_file_is_read_with_its_qualifiers(tmp_path: Path) -> None:
    table = read_diseases(write(tmp_path, "mondo.obo", OBO))
    assert set(table.parents) == {ROOT, DIABETES, T2D}
    assert table.is_at_or_below(T2D, ROOT) is True
    assert table.is_at_or_below(DIABETES, T2D) is False
    assert table.label(T2D).en == "type 2 diabetes mellitus"
    assert table.source == "mondo.obo"


def test_an_obo_graph_says_the_same(tmp_path: Path) -> None:
    nodes = [node(1), node(5015), node(5148), node(99999, meta={"deprecated": True}), {"id": "http://x/HP_1"}]
    edges = [edge(5015, 1), edge(5148, 5015), {**edge(5148, 1), "pred": "part_of"}]
    table = read_diseases(write(tmp_path, "mondo.json", graph(nodes, edges)))
    assert table.parents == read_diseases(write(tmp_path, "mondo.obo", OBO)).parents


def test_a_csv_of_pairs_knows_what_it_says_and_no_more(tmp_path: Path) -> None:
    table = read_diseases(write(tmp_path, "pairs.csv", f"child,parent\n{T2D},{DIABETES}\n{HEART},{ROOT}\n{ROOT},\n"))
    assert table.is_at_or_below(T2D, DIABETES) is True
    assert table.is_at_or_below(HEART, DIABETES) is False
    assert table.is_at_or_below(T2D, HEART) is None  # what lies above diabetes is not in the file


@pytest.mark.parametrize(
    ("name", "text", "code", "line"),
    [
        (
            "a.obo",
            OBO.replace('is_a: MONDO:0000001 {source="DOID', 'is_a: MONDO:0005148 {source="DOID'),
            "mondo.cycle",
            None,
        ),
        ("a.obo", OBO.replace("id: MONDO:0005015", "id: MONDO:0005016"), "mondo.unknown-parent", 15),
        ("a.obo", OBO + "\n[Term]\nid: MONDO:0005148\nname: again\n", "mondo.twice", 34),
        ("a.obo", OBO.replace("is_a: MONDO:0005015 {source=", "is_a: {source"), "mondo.line", 17),
        ("a.obo", OBO.replace("is_a: MONDO:0005015", "is_a: mondo:0005015"), "mondo.line", 17),
        ("a.obo", OBO.replace("is_a: MONDO:0005015", "is_a: MONDO:5015"), "mondo.line", 17),
        ("a.obo", "format-version: 1.2\n", "mondo.no-terms", None),
        ("a.obo", "[Term]\nid: HP:0000819\nname: x\n", "mondo.no-terms", None),
        ("a.csv", f"{T2D},{DIABETES}\n{DIABETES},{T2D}\n", "mondo.cycle", None),
        ("a.csv", f"{T2D},{T2D}\n", "mondo.cycle", 1),
        ("a.csv", f"{T2D};{DIABETES}\n", "mondo.line", 1),
        ("a.csv", f"{T2D},{DIABETES}\nMONDO:12,{DIABETES}\n", "mondo.line", 2),
        ("a.csv", "", "mondo.no-terms", None),
        ("a.csv", "MONDO:\uff10\uff10\uff10\uff15\uff11\uff14\uff18,MONDO:0005015\n", "mondo.line", 1),
        ("a.json", "[]", "mondo.form", None),
        ("a.json", "{", "mondo.form", None),
        ("a.json", graph([node(1)], [{"sub": 1}]), "mondo.form", None),
        ("a.json", graph([node(5148)], [edge(5148, 5015)]), "mondo.unknown-parent", None),
        ("a.json", graph([node(1), node(2)], [edge(1, 2), edge(2, 1)]), "mondo.cycle", None),
        ("a.json", graph([node(1), node(1)], []), "mondo.twice", None),
        ("a.owl", "<rdf/>", "mondo.form", None),
    ],
)
def test_a_broken_file_is_refused_with_its_place(
    tmp_path: Path, name: str, text: str, code: str, line: int | None
) -> None:
    path = write(tmp_path, name, text)
    with pytest.raises(DataError) as caught:
        read_diseases(path)
    assert caught.value.code == code
    assert caught.value.where.file == str(path)
    if line is not None:
        assert caught.value.where.line == line


def test_what_is_no_text_or_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bytes.obo").write_bytes(b"[Term]\nid: \xff\xfe\n")
    for path in (tmp_path / "bytes.obo", tmp_path / "missing.obo", tmp_path):
        with pytest.raises(DataError, match=r"mondo\."):
            read_diseases(path)
    monkeypatch.setattr("policies.decision.mondo_files.MAX_BYTES", 10)
    with pytest.raises(DataError, match=r"mondo\.too-large"):
        read_diseases(write(tmp_path, "mondo.obo", OBO))


def test_a_deep_file_neither_recurses_nor_takes_long(tmp_path: Path) -> None:
    ids = [f"MONDO:{number:07}" for number in range(1, 30_001)]
    text = "\n".join(f"{child},{parent}" for child, parent in zip(ids[1:], ids, strict=False))
    began = time.perf_counter()
    table = read_diseases(write(tmp_path, "deep.csv", f"{ids[0]},\n{text}\n"))
    assert table.is_at_or_below(ids[-1], ids[0]) is True
    assert time.perf_counter() - began < 10


def test_a_user_s_file_answers_what_the_small_table_cannot(tmp_path: Path) -> None:
    under = purposes(DS, mondo=(HEART,))
    assert strict(decided(under=under, mondo=(T2D,))) == {"disease": ASK}
    whole = read_diseases(write(tmp_path, "mondo.obo", OBO + f"\n[Term]\nid: {HEART}\nname: heart\nis_a: {ROOT}\n"))
    assert strict(decided(under=under, mondo=(T2D,), diseases=whole)) == {"disease": REFUSE}
