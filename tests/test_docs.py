"""The documents: both READMEs in step, every command, target, option, link and file they show is there."""

import ast
import json
import re
import shlex
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
ENGLISH = REPOSITORY / "README.md"
JAPANESE = REPOSITORY / "README.ja.md"
FOLDERS = ("policies", "anonymization", "catalog", "pipelines", "tests")
DOCUMENTS = sorted(
    [*REPOSITORY.glob("*.md"), *(page for name in FOLDERS for page in (REPOSITORY / name).rglob("*.md"))]
)
NAMES = [path.relative_to(REPOSITORY).as_posix() for path in DOCUMENTS]

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
SPAN = re.compile(r"`([^`\n]+)`")


def text_of(path: Path) -> str:
    return path.read_text("utf-8")


def prose_of(path: Path) -> str:
    return FENCE.sub("", text_of(path))


def code_blocks(path: Path) -> list[tuple[str, str]]:
    return FENCE.findall(text_of(path))


def tables(path: Path) -> list[list[list[str]]]:
    """Return the cells of every table: table, row, cell."""
    found: list[list[list[str]]] = []
    is_inside = False
    for line in prose_of(path).splitlines():
        if line.startswith("|"):
            if not is_inside:
                found.append([])
            found[-1].append([cell.strip() for cell in line.strip("|").split("|")])
        is_inside = line.startswith("|")
    return found


def anchors_of(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose_of(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


# --- English and Japanese in step


def test_both_readmes_have_the_same_headings() -> None:
    def levels(path: Path) -> list[int]:
        return [len(mark) for mark in re.findall(r"^(#+) ", prose_of(path), re.MULTILINE)]

    assert levels(ENGLISH) == levels(JAPANESE)


def test_both_readmes_show_the_same_code() -> None:
    assert code_blocks(ENGLISH) == code_blocks(JAPANESE)
    assert code_blocks(ENGLISH)


def test_both_readmes_have_tables_of_the_same_shape() -> None:
    shapes = [[[len(row) for row in table] for table in tables(path)] for path in (ENGLISH, JAPANESE)]
    assert shapes[0] == shapes[1]


def test_both_readmes_link_to_the_same_places() -> None:
    english, japanese = (LINK.findall(text_of(path)) for path in (ENGLISH, JAPANESE))
    assert [link.replace("README.ja.md", "README.md") for link in english] == japanese


def test_both_readmes_name_the_same_things_in_code() -> None:
    assert sorted(SPAN.findall(prose_of(ENGLISH))) == sorted(SPAN.findall(prose_of(JAPANESE)))


def test_both_readmes_give_the_same_figures() -> None:
    def figures(path: Path) -> list[list[str]]:
        cells = [[cell for row in table for cell in row] for table in tables(path)]
        return [sorted(cell for cell in table if re.fullmatch(r"[\d,.]+( ?[A-Za-z%]{1,4})?", cell)) for table in cells]

    assert figures(ENGLISH) == figures(JAPANESE)


def test_every_word_is_explained_in_one_sentence() -> None:
    words = tables(ENGLISH)[-1][2:]
    assert len(words) >= 30
    assert [word for word, meaning in words if not meaning.endswith(".")] == []


# --- what they show is there


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    document = REPOSITORY / name
    broken = []
    for link in LINK.findall(prose_of(document)):
        if "://" in link or link.startswith("mailto:"):
            continue
        file, _, anchor = link.partition("#")
        target = (document.parent / file).resolve() if file else document
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("README.md")])
def test_every_module_that_a_readme_names_is_there(name: str) -> None:
    document = REPOSITORY / name
    known = {path.name for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*.py")}
    named = {span for span in SPAN.findall(prose_of(document)) if re.fullmatch(r"[a-z0-9_/]+\.py", span)}
    assert sorted(span for span in named if Path(span).name not in known) == []


def test_the_pipelines_readme_names_every_part_of_it() -> None:
    folder = REPOSITORY / "pipelines"
    parts = {f"{path.name}/" for path in folder.iterdir() if (path / "__init__.py").is_file()}
    parts |= {path.name for path in folder.glob("*.py") if path.name != "__init__.py"}
    assert sorted(part for part in parts if f"`{part}`" not in text_of(folder / "README.md")) == []


def test_every_make_target_shown_is_there() -> None:
    makefile = text_of(REPOSITORY / "Makefile")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    shown = {
        match
        for path in DOCUMENTS
        for piece in [
            *SPAN.findall(prose_of(path)),
            *(line for _, code in code_blocks(path) for line in code.split("\n")),
        ]
        for match in re.findall(r"^make ([a-z]+)", piece)
    }
    assert {"run", "test"} <= shown
    assert shown - targets == set()


def test_every_make_target_says_what_it_does() -> None:
    makefile = text_of(REPOSITORY / "Makefile")
    assert re.findall(r"^([a-z]+):(?!.*## ).*$", makefile, re.MULTILINE) == []


def test_the_picture_is_well_formed_and_has_words_for_those_who_do_not_see_it() -> None:
    root = ElementTree.parse(REPOSITORY / "pipelines" / "data-way.svg").getroot()
    name = "{http://www.w3.org/2000/svg}"
    assert root.findtext(f"{name}title")
    assert root.findtext(f"{name}desc")
    drawn = "".join(root.itertext())
    stages = [row[0].strip("`").split("_")[1] for table in tables(ENGLISH) for row in table if row[0].startswith("`1_")]
    assert stages == ["raw"]
    for row in next(table for table in tables(ENGLISH) if table[2][0] == "`1_raw`")[2:]:
        assert row[0].strip("`").split("_")[1] in drawn


def test_exit_codes_are_those_of_the_product() -> None:
    from policies.errors import ExitCode

    for path in (ENGLISH, JAPANESE):
        table = next(table for table in tables(path) if table[2][0] == "0")
        assert [int(row[0]) for row in table[2:]] == [code.value for code in ExitCode]


def test_the_releases_shown_are_those_that_ship() -> None:
    shipped = sorted(path.stem for path in (REPOSITORY / "policies" / "releases").glob("*.yaml"))
    for path in (ENGLISH, JAPANESE):
        shown = [row[0].strip("`") for table in tables(path) for row in table if row[0].strip("`") in shipped]
        assert sorted(shown) == shipped


# --- the command line


@cache
def command_line() -> click.Command:
    import typer

    from pipelines.cli.main import app

    return typer.main.get_command(app)


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], click.Command]:
    """Return every command that does something, by its words."""
    nested = getattr(command, "commands", None)
    if nested is None:
        return {path: command}
    return {
        words: leaf
        for name, child in nested.items()
        if not child.hidden
        for words, leaf in leaves(child, (*path, name)).items()
    }


def groups_of(known: dict[tuple[str, ...], click.Command]) -> set[tuple[str, ...]]:
    """Return the words of every group: what stands before the last word of a command."""
    return {path[:length] for path in known for length in range(1, len(path))}


def shown_commands() -> list[str]:
    """Return every `niji …` line in a code block or code span of the documents; choices `a|b` are taken apart."""
    lines = set()
    for path in DOCUMENTS:
        pieces = [*SPAN.findall(prose_of(path)), *(line for _, code in code_blocks(path) for line in code.splitlines())]
        pieces += re.findall(r"^ {4}(niji .+)$", prose_of(path), re.MULTILINE)
        lines |= {piece.strip() for piece in pieces if re.match(r"(\.venv/bin/)?niji [a-z]", piece.strip())}
    return sorted(line.removeprefix(".venv/bin/") for line in lines)


def resolve(line: str) -> tuple[tuple[str, ...], list[str]]:
    """Return the words of the command that `line` calls, and the rest of the line."""
    words = shlex.split(line.replace("…", ""), comments=True)[1:]
    known = leaves(command_line())
    for length in (3, 2, 1):
        if tuple(words[:length]) in known:
            return tuple(words[:length]), words[length:]
    if tuple(words) in groups_of(known):
        return tuple(words), []
    pytest.fail(f"no such command: {line}")


def options_of(command: click.Command) -> dict[str, click.Parameter]:
    return {name: parameter for parameter in command.params for name in [*parameter.opts, *parameter.secondary_opts]}


def test_commands_are_found_in_the_documents() -> None:
    assert "niji audit verify" in shown_commands()


@pytest.mark.parametrize("line", shown_commands())
def test_every_command_shown_exists_with_its_options(line: str) -> None:
    words, rest = resolve(line)
    command = leaves(command_line()).get(words)
    if command is None:
        return
    known = options_of(command)
    assert [word for word in rest if word.startswith("--") and word.split("=")[0] not in [*known, "--help"]] == []


@pytest.mark.parametrize(
    "line", [line for _, code in code_blocks(ENGLISH) for line in code.splitlines() if line[:5] == "niji "]
)
def test_every_command_in_the_readme_is_complete(line: str) -> None:
    words, rest = resolve(line)
    leaves(command_line())[words].make_context("niji", list(rest))


PROSE = {"with"}
"""Words that follow the name where it is the product, not the command."""


def hints() -> list[str]:
    """Return every `niji …` that a text of the product tells somebody to type; what is filled in stands as X."""
    found = set()
    for folder in FOLDERS[:-1]:
        for path in (REPOSITORY / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(text_of(path))):
                parts = node.values if isinstance(node, ast.JoinedStr) else [node]
                text = "".join(
                    (part.value if isinstance(part.value, str) else "") if isinstance(part, ast.Constant) else " X "
                    for part in parts
                    if isinstance(part, ast.Constant | ast.FormattedValue)
                )
                found |= {match.strip(" .,;:") for match in re.findall(r"\bniji [a-z][^`\n·;()…']*", text)}
    return sorted(found)


@pytest.mark.parametrize("line", hints())
def test_every_command_that_a_message_suggests_exists(line: str) -> None:
    words = line.split()[1:]
    known = leaves(command_line())
    command = next((known[tuple(words[:length])] for length in (3, 2, 1) if tuple(words[:length]) in known), None)
    if words[0] in PROSE:
        return
    if command is None:
        group = max((path for path in groups_of(known) if path == tuple(words[: len(path)])), key=len, default=())
        assert group, "no such command"
        assert len(words) == len(group) or not words[len(group)].islower(), "no such command"
        return
    options = [word.split("=")[0].rstrip(",.") for word in words if re.match(r"--[a-z]", word)]
    assert [option for option in options if option not in [*options_of(command), "--help"]] == []


def examples() -> list[str]:
    """Return every command that the help of a command gives as an example."""
    epilogs = (command.epilog or "" for command in leaves(command_line()).values())
    parts = (part.split(":", 1)[-1] for text in epilogs for part in text.split("·") if "niji " in part)
    return [re.sub(r"\s+\([^)]*\)$", "", part).strip() for part in parts]


def test_examples_are_found_in_the_help() -> None:
    assert "niji policy check policies" in examples()


@pytest.mark.parametrize("line", examples())
def test_every_example_is_complete_and_names_policies_that_ship(line: str) -> None:
    words, rest = resolve(" ".join(line.split()))
    leaves(command_line())[words].make_context("niji", list(rest))
    named = [word for word in rest if word.startswith("policies/")]
    assert [word for word in named if not (REPOSITORY / word).exists()] == []


def test_every_command_is_documented() -> None:
    rows = [row[0].strip("`") for table in tables(REPOSITORY / "pipelines" / "README.md") for row in table]
    documented = {tuple(row.split()[1:]) for row in rows if row.startswith("niji ")}
    assert documented == set(leaves(command_line()))


def test_every_command_and_option_has_help() -> None:
    silent = []
    for words, command in leaves(command_line()).items():
        if not (command.help or "").strip():
            silent.append(" ".join(words))
        silent += [
            f"{' '.join(words)} {parameter.name}"
            for parameter in command.params
            if parameter.name != "help" and not getattr(parameter, "help", None)
        ]
    assert silent == []


# --- the policy files


@pytest.mark.parametrize("kind", ["dataset", "release", "hierarchy", "rulepack"])
def test_every_record_of_a_policy_file_says_what_it_is(kind: str) -> None:
    schema = json.loads(text_of(REPOSITORY / "policies" / "schema" / f"{kind}.json"))
    records = {kind: schema, **schema.get("$defs", {})}
    assert sorted(name for name, record in records.items() if not record.get("description", "").strip()) == []


def test_every_kind_of_policy_is_in_the_readme_of_policies() -> None:
    text = text_of(REPOSITORY / "policies" / "README.md")
    folders = sorted(path.name for path in (REPOSITORY / "policies").iterdir() if [*path.glob("*.yaml")])
    assert [folder for folder in folders if f"`{folder}/" not in text] == []
