"""The quick reader answers as the full reader does, place by place, or not at all; what is refused it never reads."""

from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from policies.load import PACKAGED
from policies.places import Node
from policies.subset import unseen_characters
from policies.yaml_events import read_strictly
from policies.yaml_quick import read_quickly
from tests.support import policy_files as fixture

REPOSITORY = Path(__file__).resolve().parents[2]
CORPUS = {
    **{f"fixture/{name}": text for name, text in fixture.FILES.items() if not name.endswith(".json")},
    **{
        path.relative_to(REPOSITORY).as_posix(): path.read_text("utf-8")
        for folder in (REPOSITORY / "policies", REPOSITORY / "tests" / "policies", REPOSITORY / "tests" / "support")
        for path in sorted(folder.rglob("*.yaml"))
    },
}
LINES = sorted({line for text in CORPUS.values() for line in text.split("\n")})
PIECES = [
    "a", "b: ", "key:", "key: ", "- ", "-", "\n", "\n  ", "\n    ", "\n- ", "\n  - ", "{", "}", "[", "]", ", ", ",", ": ",
    ":", "'", "''", '"', " #", "# c", "#", "true", "null", "~", "10", "010", "-5", "0.5", "?", "? ", "|\n", ">\n  ", "&x",
    "*x", "!t", "<<: ", "---", "...", "%", "@", "`", "   ", "日本", "https://a.b", "12:30", "=", "\u3000", "\xa0", "x'y",
    '"q"', "'s'", "{a: b}", "[1, 2]", "{}", "[]", "1.0.0", "\\", "c: d\n", "e: {f: g, h: [i, j]}\n", "- k: l\n", "  m: n\n",
    "- o\n", "\r\n",
]  # fmt: skip


def compare(text: str) -> Node | None:
    """Hold the quick answer, if there is one, to the full reader's; return it."""
    quick = read_quickly(text)
    if quick is not None:
        document, findings = read_strictly(text, "any.yaml")
        assert findings == []
        assert document is not None
        # The repr tells 1, 1.0 and true apart, and knows the order of keys.
        assert repr(document.root) == repr(quick)
    return quick


@pytest.mark.parametrize("name", sorted(CORPUS))
def test_same_tree_as_the_full_reader(name: str) -> None:
    compare(CORPUS[name])


def test_shipped_policies_are_read_quickly() -> None:
    """Else `niji policy check` is slow; write a long text on one line, in quotes."""
    slow = [
        path.name
        for folder in ("datasets", "releases", "hierarchies")
        for path in sorted((PACKAGED / folder).glob("*.yaml"))
        if read_quickly(path.read_text("utf-8")) is None
    ]
    assert slow == []


@pytest.mark.parametrize(
    "text",
    [
        "a: b\r\n", "a: |\n  b\n", "a: >\n  b\n", "a: b\n  c\n", "a: &x b\n", "a: *x\n", "a: !t b\n", "<<: {a: b}\n", "a: ~\n",
        "a:\n", "a: \n", "a: {b: }\n", "a: {b}\n", "a: [b, ]\n", "a: [, b]\n", "a: [b: c]\n", "a: 'b\n  c'\n", 'a: "b\\n"\n',
        "a: b\na: c\n", "a: {b: 1, b: 2}\n", "true: b\n", "1: b\n", "'a': b\n", "a: b: c\n", "a: b:\n", "a: {b: 010}\n",
        "a: 010\n", "a: 0x1\n", "a: True\n", "- a\n", "a\n", "", "# only\n", "---\na: b\n", "a: b\n---\nc: d\n", "a: b\n...\n",
        "%YAML 1.2\n---\na: b\n", "? a\n: b\n", "a: [b,\nc]\n", "a: [b,\n  # c\n  d]\n", "a:\n- b\n c: d\n", "a:\n  b: c\n d: e\n",
        "a: b\n  c: d\n", "a: - b\n", "a:\n- - b\n", "a:\n-\n  b: c\n", "a: @b\n", "a: `b`\n", "a: %b\n", "a: {b: c}x\n",
        "a: [b]#c\n", "a: 'b'c\n", "a: b\n" + "x" * 2000 + ": y\n", "a: " + "[" * 30 + "]" * 30 + "\n",
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_the_full_reader(text: str) -> None:
    assert read_quickly(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "a: b", "# c\n\na: b # d\n", "a:\n- b\n- c: d\n  e: f\ng: h\n", "a:\n  - {b: c, d: [1, 0.5, true, null, -3]}\n",
        "a: {b: c,\n  d: e}\n", "a: []\nb: {}\n", "a: 'it''s'\n", 'a: "# no comment: none"\n', "a: b#c\n", "a: it's [so], yes\n",
        "a: https://b.example/c\n", "a: 日本語 の 文\n", "a:   # why\n  b: c\n", "a: [b,\n    c,\n    {d: e}]\n", "a: {b: http://c/d}\n",
    ],
)  # fmt: skip
def test_what_is_plain_is_read(text: str) -> None:
    assert compare(text) is not None


@settings(max_examples=400)
@example(["k: ", "{a: b}", " #", "c"])
@given(st.lists(st.sampled_from(PIECES), max_size=14))
def test_soup_of_yaml_has_one_reading(pieces: list[str]) -> None:
    text = "k: " + "".join(pieces)
    assume(not list(unseen_characters(text, "any.yaml")))
    compare(text)
    compare("".join(pieces))


@settings(max_examples=200)
@given(st.lists(st.sampled_from(LINES), max_size=8), st.data())
def test_torn_policies_have_one_reading(lines: list[str], data: st.DataObject) -> None:
    text = "\n".join(lines)
    at = data.draw(st.integers(0, len(text)))
    text = text[:at] + data.draw(st.sampled_from(["", *PIECES])) + text[at + data.draw(st.integers(0, 3)) :]
    assume(not list(unseen_characters(text, "any.yaml")))
    compare(text)


SCALARS = st.one_of(
    st.integers(-(10**16), 10**16).map(str),
    st.sampled_from(
        ["true", "false", "null", "0.25", "-1.5", "yes", "NO", "2026-12-01", "1.0.0", "a b", "日本", "'x: y'"]
    ),
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="'\""), min_size=1).map(
        lambda word: f"'{word}'"
    ),
)
KEYS = st.from_regex(r"\A[a-z][a-z0-9_]{0,8}\Z").filter(lambda key: key not in {"true", "false", "null"})
FLOW = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(KEYS, inner, max_size=4).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"
        ),
    ),
    max_leaves=8,
)


def block(pairs: dict[str, object], indent: int = 0) -> str:
    """Write nested mappings and lists in block style."""
    text = ""
    for key, value in pairs.items():
        pad = " " * indent
        if isinstance(value, dict):
            text += f"{pad}{key}:  # what is below\n{block(value, indent + 2)}"
        elif isinstance(value, list):
            text += f"{pad}{key}:\n" + "".join(f"{pad}- {item}\n" for item in value) + "\n"
        else:
            text += f"{pad}{key}: {value}\n"
    return text


TREES = st.recursive(
    st.dictionaries(KEYS, st.one_of(FLOW, st.lists(FLOW, min_size=1, max_size=3)), min_size=1, max_size=4),
    lambda inner: st.dictionaries(KEYS, st.one_of(FLOW, inner), min_size=1, max_size=3),
    max_leaves=6,
)


@given(TREES)
def test_generated_policies_are_read_quickly_and_alike(tree: dict[str, object]) -> None:
    assert compare(block(tree)) is not None
