"""Every kind of hierarchy keeps the laws, whatever its parameters, and labels what its words say."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymization.hierarchies.numbers import joined, spans
from anonymization.hierarchy import OTHER, ROOT, Hierarchy
from anonymization.quasi import QuasiIdentifier, code_attribute, hierarchy_for
from policies.model.hierarchy import height_of_levels
from policies.model.ladders import AGE_WIDTHS, NESTS_IN
from tests.support.hierarchies import built, hierarchy_policy, labels

QUICK = settings(max_examples=25, deadline=None)


def assert_coarsens(hierarchy: Hierarchy, values: list[str]) -> None:
    """An independent statement of the laws: rows as long as the hierarchy, `*` last, equal labels stay equal."""
    rows = [row for row in labels(hierarchy, *values) if row is not None]
    assert rows
    for row in rows:
        assert len(row) == hierarchy.height
        assert row[-1] == ROOT
        assert ROOT not in row[:-1]
    for first in rows[:30]:
        for second in rows[:30]:
            same = [left == right for left, right in zip(first, second, strict=True)]
            assert same == sorted(same), "once two values are joined they stay joined"


@st.composite
def chains(draw: st.DrawFn) -> list[str]:
    step = draw(st.sampled_from(sorted(NESTS_IN)))
    chain = [step]
    while NESTS_IN[chain[-1]] and draw(st.booleans()):
        chain.append(draw(st.sampled_from(sorted(NESTS_IN[chain[-1]]))))
    return chain


@QUICK
@given(steps=chains(), first=st.integers(1873, 2030), years=st.integers(0, 2))
def test_every_chain_of_the_calendar_that_is_allowed_nests(steps: list[str], first: int, years: int) -> None:
    levels = {"kind": "calendar", "first_year": first, "last_year": first + years, "steps": steps}
    made = built(levels)  # building it checks every day of it against the laws
    assert made.height == len(steps) + 2 == height_of_levels(hierarchy_policy(levels).levels)
    assert len(made.leaves) == (date(first + years + 1, 1, 1) - date(first, 1, 1)).days
    assert_coarsens(made, [(date(first, 1, 1) + timedelta(days=9 * number)).isoformat() for number in range(30)])


@pytest.mark.parametrize(("finer", "coarser"), [("week", "month"), ("week", "year"), ("month", "era"), ("half", "fiscal_year"), ("fiscal_year", "decade"), ("year", "era")])  # fmt: skip
def test_what_the_calendar_does_not_nest_is_refused_and_does_not_nest(finer: str, coarser: str) -> None:
    from anonymization.hierarchies.dates import LABELS

    with pytest.raises(ValueError, match="does not always lie in one"):
        hierarchy_policy({"kind": "calendar", "first_year": 1985, "last_year": 2025, "steps": [finer, coarser]})
    days = [date(1985, 1, 1) + timedelta(days=number) for number in range(15_000)]
    pairs = {(LABELS[finer](day), LABELS[coarser](day)) for day in days}
    assert len(pairs) > len({low for low, _ in pairs}), "it would nest, so it need not be refused"


def test_dates_have_the_labels_that_people_read() -> None:
    days = built({"kind": "calendar", "first_year": 2019, "last_year": 2020, "steps": ["month", "fiscal_half", "fiscal_year"]})  # fmt: skip
    assert labels(days, "2020-03-31", "2020-04-01") == [
        ("2020-03-31", "2020-03", "2019年度下期", "2019年度", "*"),
        ("2020-04-01", "2020-04", "2020年度上期", "2020年度", "*"),
    ]
    eras = built({"kind": "calendar", "first_year": 1989, "last_year": 2019, "steps": ["era_year", "era"]})
    assert labels(eras, "1989-01-07", "1989-01-08", "2019-05-01") == [
        ("1989-01-07", "昭和64年", "昭和", "*"),
        ("1989-01-08", "平成元年", "平成", "*"),
        ("2019-05-01", "令和元年", "令和", "*"),
    ]
    # ISO 8601: the first days of 2021 belong to the last week of 2020.
    weeks = built({"kind": "calendar", "first_year": 2021, "last_year": 2021, "steps": ["week", "iso_year"]})
    assert labels(weeks, "2021-01-03") == [("2021-01-03", "2020-W53", "2020 (ISO)", "*")]


RANGES = st.fixed_dictionaries(
    {
        "kind": st.just("ranges"),
        "cuts": st.lists(st.integers(-40, 90), min_size=2, max_size=8, unique=True).map(sorted),
        "repeats": st.lists(st.integers(2, 4), max_size=3),
        "below": st.sampled_from(["refuse", "code"]),
        "above": st.sampled_from(["refuse", "code"]),
        "snap": st.booleans(),
        "numbers": st.sampled_from(["whole", "decimal"]),
    }
)


@QUICK
@given(levels=RANGES, others=st.lists(st.integers(-99, 150), min_size=1, max_size=40))
def test_intervals_hold_their_numbers_at_every_level(levels: dict, others: list[int]) -> None:
    made = built(levels)
    cuts = levels["cuts"]
    for number, row in zip(others, labels(made, *map(str, others)), strict=True):
        is_out = (number < cuts[0] and levels["below"] == "refuse") or (
            number >= cuts[-1] and levels["above"] == "refuse"
        )
        assert (row is None) == is_out
        for label in row[1:-1] if row else ():
            assert holds(label, number)
    inside = [str(number) for number in range(cuts[0], cuts[-1])][:40]
    assert_coarsens(made, inside)


def holds(label: str, number: int) -> bool:
    if label.startswith("<"):
        return number < int(label[1:])
    if label.startswith(">="):
        return number >= int(label[2:])
    if label.endswith("+"):
        return number >= int(label[:-1])
    if label.startswith("["):
        low, after = label[1:-1].split(", ")
        return int(low) <= number < int(after)
    split = label.index("-", 1)
    return int(label[:split]) <= number <= int(label[split + 1 :])


@QUICK
@given(count=st.integers(1, 40), factors=st.lists(st.integers(2, 5), max_size=4), snap=st.booleans())
def test_joined_groups_consist_of_whole_groups_and_snap_leaves_no_short_one(
    count: int, factors: list[int], snap: bool
) -> None:
    below = list(range(count))
    for factor, groups in zip(factors, joined(count, factors, snap=snap), strict=True):
        parts = [
            len({below[place] for place in range(count) if groups[place] == group}) for group in sorted(set(groups))
        ]
        assert [place for first, last in spans(groups) for place in range(first, last + 1)] == list(range(count))
        assert all(part == factor for part in parts[:-1])
        if snap and len(parts) > 1:
            assert factor <= parts[-1] < 2 * factor
        below = groups


def test_what_is_shown_on_a_higher_level_is_what_is_applied() -> None:
    """ARX issues 306 and 353: uneven intervals, and the level above them was worked out by another formula."""
    made = built({"kind": "ranges", "cuts": [100, 300, 500, 1000, 2000], "repeats": [2]})
    assert sorted(set(made.labels[1])) == ["100-299", "1000-1999", "300-499", "500-999"]
    assert sorted(set(made.labels[2])) == ["100-499", "500-1999"]
    assert labels(made, "1950") == [("1950", "1000-1999", "500-1999", "*")]


def test_the_number_of_levels_does_not_depend_on_the_data() -> None:
    """ARX issue 362: values 1, 5, 7 share one interval at level 2, and the levels above it were not generated."""
    made = built({"kind": "ranges", "numbers": "decimal", "cuts": ["0", "20"], "width": "5", "repeats": [2, 2]})
    assert labels(made, "1", "5", "7") == [
        ("1", "[0, 5)", "[0, 10)", "[0, 20)", "*"),
        ("5", "[5, 10)", "[0, 10)", "[0, 20)", "*"),
        ("7", "[5, 10)", "[0, 10)", "[0, 20)", "*"),
    ]


def test_numbers_are_known_by_their_value() -> None:
    made = built({"kind": "ranges", "numbers": "decimal", "cuts": ["-1.5", "0", "2.25"]})
    assert labels(made, "-0.0", "0.50", "5e-1", "2.25", "nan", "1,5", "") == [
        ("0", "[0, 2.25)", "*"),
        ("0.5", "[0, 2.25)", "*"),
        ("0.5", "[0, 2.25)", "*"),
        None,
        None,
        None,
        None,
    ]
    whole = built({"kind": "ranges", "cuts": [0, 10], "above": "code"})
    assert labels(whole, "007", "7.0", "12") == [("7", "0-9", "*"), None, ("12", "10+", "*")]


def test_an_order_joins_neighbours_and_snaps_what_is_left_over() -> None:
    stages = {"kind": "order", "values": ["I", "II", "III", "IV", "V"], "fan_outs": [2]}
    assert [row[1] for row in labels(built(stages), *stages["values"])] == ["I–II", "I–II", "III–IV", "III–IV", "V"]
    snapped = built({**stages, "snap": True})
    assert [row[1] for row in labels(snapped, *stages["values"])] == ["I–II", "I–II", "III–V", "III–V", "III–V"]


@QUICK
@given(
    values=st.lists(st.text(min_size=1, max_size=4).filter(lambda text: text != ROOT), min_size=2, max_size=12, unique=True),
    fan_outs=st.lists(st.integers(2, 4), min_size=1, max_size=3),
    snap=st.booleans(),
)  # fmt: skip
def test_every_order_keeps_the_laws(values: list[str], fan_outs: list[int], snap: bool) -> None:
    made = built({"kind": "order", "values": values, "fan_outs": fan_outs, "snap": snap})
    assert made.leaves == tuple(values)
    assert made.height == len(fan_outs) + 2


@QUICK
@given(
    values=st.lists(st.text("0123456789", min_size=1, max_size=6), min_size=1, max_size=12, unique=True),
    hidden=st.lists(st.integers(1, 5), min_size=1, max_size=3, unique=True).map(sorted),
    align=st.sampled_from(["left", "right"]),
    from_side=st.sampled_from(["left", "right"]),
)
def test_redaction_hides_more_and_more(values: list[str], hidden: list[int], align: str, from_side: str) -> None:
    made = built({"kind": "redaction", "length": 6, "hidden": hidden, "align": align, "from_side": from_side, "pad": "0", "character": "#"})  # fmt: skip
    assert_coarsens(made, values)
    for row in labels(made, *values):
        assert [label.count("#") for label in row[1:-1]] == hidden
        assert all(len(label) == 6 for label in row[1:-1])


def test_a_redacted_text_longer_than_the_places_is_unseen() -> None:
    made = built({"kind": "redaction", "length": 4, "hidden": [2]})
    assert labels(made, "1234", "12", "12345") == [("1234", "12**", "*"), ("12", "12**", "*"), None]


def test_an_alphabet_gives_redaction_the_whole_domain() -> None:
    """ARX, DomainShareRedaction: with ten digits in five places, `123**` stands for 100 of 100,000 texts."""
    made = built({"kind": "redaction", "length": 5, "hidden": [2, 4], "alphabet": 10})
    asked = QuasiIdentifier("zip", made)
    coded = code_attribute(asked, hierarchy_for(asked, ["12345", "12399", "99999"]))
    assert coded.domain == 100_000
    assert [int(counts[0]) for counts in coded.covered] == [1, 100, 10_000, 100_000]
    # Without it the three values that the data hold are the domain.
    plain = built({"kind": "redaction", "length": 5, "hidden": [2, 4]})
    asked = QuasiIdentifier("zip", plain)
    assert code_attribute(asked, hierarchy_for(asked, ["12345", "12399", "99999"])).domain == 3


def test_frequent_values_stay_and_what_is_equally_frequent_goes_together() -> None:
    """ARX issue 405: by priority, the frequent value was published as `*` and the rare one stayed."""
    levels = {"kind": "frequency", "counts": {"A": 40, "O": 30, "B": 20, "AB": 20, "rare": 1}, "keep": [4, 3, 1], "counted_in": "public_statistics"}  # fmt: skip
    made = built(levels)
    assert labels(made, "A", "B", "AB", "rare") == [
        ("A", "A", "A", "A", "*"),
        ("B", "B", OTHER, OTHER, "*"),
        ("AB", "AB", OTHER, OTHER, "*"),
        ("rare", OTHER, OTHER, OTHER, "*"),
    ]
    applied = made.mapping(3).to_pydict()
    assert dict(zip(applied["value"], applied["label"], strict=True))["A"] == "A"


def test_frequencies_of_the_data_must_be_accepted_in_words() -> None:
    levels = {"kind": "frequency", "counts": {"a": 2, "b": 1}, "keep": [1], "counted_in": "data"}
    with pytest.raises(ValueError, match="`accepted` says why"):
        built(levels)
    assert built({**levels, "accepted": {"ja": "公表済み", "en": "published before"}}).height == 3


AGES = st.lists(st.sampled_from([*AGE_WIDTHS, "life_stage"]), min_size=1, max_size=3, unique=True)


@QUICK
@given(steps=AGES, top=st.one_of(st.none(), st.integers(1, 110)))
def test_ages_nest_or_are_refused(steps: list[str], top: int | None) -> None:
    levels = {"kind": "ages", "steps": steps, "top_from": top}
    try:
        policy = hierarchy_policy(levels)
    except ValueError:
        return
    made = built(levels)
    assert_coarsens(made, [str(age) for age in range(0, 121, 5)])
    for age in range(121):
        for label in labels(made, str(age))[0][1:-1]:
            assert holds(label if "-" in label or "+" in label else f"{label}-{label}", age)
    assert policy.levels.width_at(0) == 1


@pytest.mark.parametrize("steps", [["ten_year", "life_stage"], ["ten_year", "five_year"], ["life_stage", "five_year"], ["five_year", "five_year"]])  # fmt: skip
def test_classes_of_ages_that_cross_are_refused(steps: list[str]) -> None:
    with pytest.raises(ValueError, match="does not always lie in one"):
        built({"kind": "ages", "steps": steps})


def test_safe_harbor_keeps_years_of_age_up_to_89() -> None:
    made = built({"kind": "ages", "steps": ["single_year", "five_year", "life_stage"], "top_from": 90})
    assert labels(made, "89", "90", "117", "121") == [
        ("89", "89", "85-89", "75+", "*"),
        ("90", "90+", "90+", "75+", "*"),
        ("117", "90+", "90+", "75+", "*"),
        None,
    ]


CODES = {
    "atc": ("A10BA02", ("A10BA02", "A10BA", "A10B", "A10", "A", "*")),
    "yj": ("2171014F1020", ("2171014F1020", "2171014F1", "2171014", "2171", "21", "*")),
    "jlac10": ("3D046000001906204", ("3D046000001906204", "3D0460000019062", "3D0460000019", "3D0460000", "3D046", "3D", "*")),
    "icd9cm": ("25001", ("250.01", "250", "240-279", "*")),
}  # fmt: skip


@pytest.mark.parametrize("system", sorted(CODES))
def test_codes_go_by_the_parts_of_their_system(system: str) -> None:
    code, expected = CODES[system]
    made = built({"kind": "codes", "system": system})
    assert labels(made, code, "no code", code + "#") == [expected, None, None]
    assert (
        made.height == len(expected) == height_of_levels(hierarchy_policy({"kind": "codes", "system": system}).levels)
    )


def test_icd9_chapters_have_their_bounds() -> None:
    made = built({"kind": "codes", "system": "icd9cm"})
    ends = {"001": "001-139", "139.8": "001-139", "140": "140-239", "779.9": "760-779", "799.9": "780-799", "800.0": "800-999", "V45.81": "V01-V91", "E8859": "E000-E999"}  # fmt: skip
    assert [row[2] for row in labels(made, *ends)] == list(ends.values())
    assert labels(made, "000", "8", "V4", "E88") == [None, None, None, None]


def test_lost_zeros_are_restored_only_where_a_policy_says_they_are_lost() -> None:
    """Diabetes 130-US hospitals: diag_1 is `8` for 008 and `38` for 038 (septicemia) in 2,646 rows."""
    plain = built({"kind": "codes", "system": "icd9cm"})
    assert labels(plain, "8", "38", "5.9") == [None, None, None]
    restored = built({"kind": "codes", "system": "icd9cm", "restore_zeros": True})
    assert labels(restored, "8", "38", "5.9", "250.83", "V57", "E885") == [
        ("008", "008", "001-139", "*"),
        ("038", "038", "001-139", "*"),
        ("005.9", "005", "001-139", "*"),
        ("250.83", "250", "240-279", "*"),
        ("V57", "V57", "V01-V91", "*"),
        ("E885", "E885", "E000-E999", "*"),
    ]
    assert labels(restored, "25083", "0", "") == [None, None, None]
    with pytest.raises(ValueError, match="is about the categories"):
        built({"kind": "codes", "system": "atc", "restore_zeros": True})


@pytest.mark.parametrize("levels", [{"kind": "codes", "system": "atc"}, {"kind": "ages", "steps": ["five_year"]}, {"kind": "prefix", "lengths": [2]}])  # fmt: skip
def test_other_gives_every_unseen_value_one_label_and_the_loss_does_not_tell(levels: dict) -> None:
    made = built(levels, "other")
    known = made.for_values(["A10BA02", "44"])
    strange = made.for_values(["A10BA02", "44", "???", "!!!"])
    if levels["kind"] != "prefix":  # a prefix knows every text
        assert labels(made, "???") == [(OTHER,) * (made.height - 1) + (ROOT,)]
        assert OTHER in known.leaves
        asked = QuasiIdentifier("x", made)
        assert code_attribute(asked, known).domain == code_attribute(asked, strange).domain


def test_unseen_values_are_published_as_other_and_counted_as_a_class() -> None:
    import ibis

    from anonymization.generalize import generalize_table
    from anonymization.recount import SourceRows, recount

    rows = ibis.memtable({"row": list(range(8)), "age": ["10", "11", "12", "13", "?", "!", "??", "!!"]})
    made = built({"kind": "ages", "steps": ["five_year", "ten_year"]}, "other")
    asked = [QuasiIdentifier("age", made)]
    result = generalize_table(rows, quasi_identifiers=asked, k=4, sensitive=[], suppression_limit=0.0, person=None)
    published = result.rows.to_pyarrow()
    assert sorted(published.column("age").to_pylist()) == [*["10-14"] * 4, *[OTHER] * 4]
    source = SourceRows(rows, row_id="row", hierarchies={"age": made}, levels=result.node)
    checks = recount(ibis.memtable(published), quasi_identifiers=["age"], k=4, source=source)
    assert all(check.passed for check in checks)
