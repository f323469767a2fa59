"""Every law that rows break is found, with its line; rows that break none are a hierarchy, and the other way round."""

from hypothesis import given, settings
from hypothesis import strategies as st

from anonymization.hierarchies.laws import BrokenLaw, Law, broken_laws, numbered_rows
from anonymization.hierarchy import hierarchy_from_rows
from policies.errors import PolicyError


def found(text: str) -> list[tuple[str, int, int | None, int]]:
    return [(each.law.value, each.line, each.level, each.other_line) for each in broken_laws(numbered_rows(text))]


def test_a_hierarchy_breaks_no_law() -> None:
    assert found("\ufeffa;x;*\r\n\r\nb;x;*\nc;y;*\nd;y;*\n") == []


def test_each_broken_law_is_named_with_its_line_and_level() -> None:
    assert found("") == [("empty", 0, None, 0)]
    assert found("a;x;*\nb;x;*\nc;*\n") == [("ragged", 3, None, 0)]
    assert found("a;x;*\n\na;x;*\nb;x;*\n") == [("duplicate_leaf", 3, 0, 1)]
    assert found("a;x;*\nb;x;all\n") == [("two_parents", 2, 1, 1), ("no_root", 2, 2, 0)]
    assert found("a;x;all\nb;x;all\n") == [("other_root", 0, 2, 0)], "a tree, under a root of another name"
    assert found("a;x;1;*\nb;x;2;*\n") == [("two_parents", 2, 1, 1)]


def test_what_harms_nobody_is_told_and_is_no_error() -> None:
    told = found("a;a;x;*\nb;b;x;*\n c;c;*;*\nx;y;z;*\n")
    assert told == [
        ("blank_label", 3, 0, 0),
        ("early_root", 3, 2, 0),
        ("unused_level", 0, 1, 0),
        ("ambiguous_label", 0, 2, 0),
    ]
    assert not any(Law(law).is_error for law, *_ in told)


def test_a_quoted_field_over_two_lines_is_counted_by_the_line_it_ends_at() -> None:
    assert found('"a\nb";x;*\nc;x;all\n') == [("two_parents", 3, 1, 2), ("no_root", 3, 2, 0)]


def test_no_finding_holds_a_label() -> None:
    texts = [repr(each) for each in broken_laws(numbered_rows("secret1;group;1;*\nsecret1;group;2;*\n"))]
    assert texts
    assert not any("secret" in text or "group" in text for text in texts)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["a", "b", "c", "*"]), min_size=2, max_size=4), max_size=5))
def test_rows_without_errors_build_and_rows_with_errors_are_refused(rows: list[list[str]]) -> None:
    """Two pieces of code state the laws: the constructor and the finder. They never disagree."""
    errors = [each for each in broken_laws(list(enumerate(rows, start=1))) if each.law.is_error]
    try:
        hierarchy_from_rows("made", rows)
    except PolicyError:
        assert errors
    else:
        assert errors == []
    assert all(isinstance(each, BrokenLaw) for each in errors)
