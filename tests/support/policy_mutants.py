"""Mutants of a release: each removes or loosens one thing that protects people, and nothing else.

Made from the policy's own tree, so a new column or a new block brings its mutants by itself. Here is only the making;
`test_policy_mutants.py` says which must be refused, and why the others need not.
"""

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from policies.model import DatasetPolicy, HierarchyPolicy, ReleasePolicy
from policies.vocabulary import ProvisionBasis

Tree = dict[str, Any]
KEEP = {"op": "keep", "reason": "asked for by researchers"}
GONE = object()
"""In place of a value: take the key away."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one policy: `what` names it (`tables.patients.sex: keep`), `tree` is the policy that it makes."""

    policy: str
    what: str
    tree: Tree


def tree_of(policy: ReleasePolicy | DatasetPolicy | HierarchyPolicy) -> Tree:
    """Return a policy as the plain tree that its file holds."""
    tree: Tree = json.loads(policy.model_dump_json(by_alias=True, exclude_none=True))
    return tree


def release_mutants(release: ReleasePolicy) -> Iterator[Mutant]:
    """Yield every mutant of a release: its columns, its method, its papers."""
    tree = tree_of(release)
    for change in (_columns, _METHODS[release.method.kind], _papers):
        for what, mutant in change(tree):
            yield Mutant(release.id, what, mutant)


def dataset_mutants(dataset: DatasetPolicy) -> Iterator[Mutant]:
    """Yield mutants of what a dataset says of itself; classes of columns are the scanner's, at stage `classified`."""
    tree = tree_of(dataset)
    for key in (
        "population",
        "purpose_of_use",
        "incident_desk",
        "deceased_included",
        "controller.measures_url",
        "consent.text",
    ):
        yield from _maybe(dataset.id, tree, key, GONE)
    yield from _maybe(dataset.id, tree, "consent.text.third_party", False)
    yield from _maybe(dataset.id, tree, "acquisition_basis", "received_anonymized")
    if tree["consent"]["basis"] != "not_required":
        for register in ("refused", "withdrawn", "consented"):
            yield from _maybe(dataset.id, tree, f"consent.register.{register}", GONE)


def hierarchy_mutants(hierarchy: HierarchyPolicy) -> Iterator[Mutant]:
    """Yield mutants of a hierarchy of intervals: its open class is gone, or begins where nobody is."""
    tree = tree_of(hierarchy)
    if tree["levels"]["kind"] == "intervals" and "top_from" in tree["levels"]:
        yield from _maybe(hierarchy.id, tree, "levels.top_from", GONE)
        yield from _maybe(hierarchy.id, tree, "levels.top_from", tree["levels"]["high"])


def _maybe(policy: str, tree: Tree, path: str, value: Any) -> Iterator[Mutant]:
    if _found(tree, path) is not None:
        yield Mutant(policy, f"{path}: {_said(value)}", _with(tree, path, value))


def _found(tree: Any, path: str) -> Any:
    for key in path.split("."):
        tree = tree[int(key)] if isinstance(tree, list) else tree.get(key) if isinstance(tree, dict) else None
        if tree is None:
            return None
    return tree


def _with(tree: Tree, path: str, value: Any) -> Tree:
    """Return a copy with one value changed; `GONE` takes it away."""
    changed = copy.deepcopy(tree)
    *above, last = path.split(".")
    place: Any = changed
    for key in above:
        place = place[int(key)] if isinstance(place, list) else place[key]
    key = int(last) if isinstance(place, list) else last
    if value is GONE:
        del place[key]
    else:
        place[key] = value
    return changed


def _said(value: Any) -> str:
    return "gone" if value is GONE else json.dumps(value, ensure_ascii=False, default=str)


Changes = Iterator[tuple[str, Tree]]


# --- columns


def _columns(tree: Tree) -> Changes:
    for at, table in enumerate(tree["tables"]):
        for index, column in enumerate(table["columns"]):
            name = f"{table['table']}.{column['name']}"
            path = f"tables.{at}.columns.{index}"
            yield f"{name}: not listed", _with(tree, path, GONE)
            for what, treat in _treatments(column["treat"]):
                yield f"{name}: {what}", _with(tree, f"{path}.treat", treat)


def _treatments(treat: list[Tree]) -> Iterator[tuple[str, list[Tree]]]:
    operations = [step["op"] for step in treat]
    if operations != ["keep"]:
        yield "kept", [KEEP]
    if operations == ["drop_column"]:
        yield "used instead of dropped", [{"op": "aggregate_only"}]
        yield "pseudonymized instead of dropped", [{"op": "pseudonymize", "method": "random", "scope": "release"}]
    for index, step in enumerate(treat):
        if len(treat) > 1:
            yield f"without {step['op']}", [other for at, other in enumerate(treat) if at != index]
        for what, weaker in _weaker(step):
            yield what, [weaker if at == index else other for at, other in enumerate(treat)]


def _weaker(step: Tree) -> Iterator[tuple[str, Tree]]:
    if step["op"] in {"top_code", "bottom_code", "round"}:
        yield from _weaker_number(step)
        return
    match step["op"]:
        case "generalize":
            levels = range(step["level"]) if isinstance(step["level"], int) else [0]
            for level in levels:
                yield f"generalized to level {level} only", {**step, "level": level}
        case "roll_up_rare":
            yield "rare is below 2", {**step, "min_persons": 2}
            yield "rare is one less", {**step, "min_persons": step["min_persons"] - 1}
            if step.get("start_level"):
                yield "rolled up from level 0", {**step, "start_level": 0}
        case "truncate_date":
            finer = ["year", "quarter", "month"]
            for to in finer[finer.index(step["to"]) + 1 :]:
                yield f"truncated to {to}", {**step, "to": to}
        case "pseudonymize":
            yield "keyed pseudonym of the project", {**step, "method": "hmac", "scope": "project"}
            yield "random id of the project", {**step, "method": "random", "scope": "project"}
        case "to_age":
            yield "shifted instead of age", {"op": "date_shift", "unit": "person", "max_days": 1}


def _weaker_number(step: Tree) -> Iterator[tuple[str, Tree]]:
    match step["op"]:
        case "top_code":
            yield "top ten times higher", {**step, "limit": str(Decimal(step["limit"]) * 10)}
        case "bottom_code":
            yield "bottom at zero", {**step, "limit": "0"}
        case "round":
            yield "rounded ten times finer", {**step, "to": str(Decimal(step["to"]) / 10)}


# --- methods


def _several(tree: Tree, changes: Mapping[str, Any]) -> Changes:
    for path, value in changes.items():
        key, _, label = path.partition(" ")
        yield f"{key}: {_said(value)}{f' ({label})' if label else ''}", _with(tree, key, value)


def _microdata(tree: Tree) -> Changes:
    method = tree["method"]
    yield from _several(
        tree,
        {
            "method.k": method["k"] - 1,
            "method.k far": 2,
            "method.suppression_limit": method["suppression_limit"] * 2,
            "method.suppression_limit all": 1.0,
            "method.max_record_risk": method["max_record_risk"] * 2,
            "method.max_record_risk all": 1.0,
            "method.sensitive": [],
            "method.approved_by": "",
        },
    )
    for index, name in enumerate(method["quasi_identifiers"]):
        yield f"quasi-identifier {name}: not counted", _with(tree, f"method.quasi_identifiers.{index}", GONE)
    for index, criterion in enumerate(method["sensitive"]):
        path = f"method.sensitive.{index}.l"
        yield f"l of {criterion['column']}: one less", _with(tree, path, criterion["l"] - 1)


def _small_cells(tree: Tree) -> Changes:
    yield from _several(tree, {"method.min_cell": tree["method"]["min_cell"] - 1, "method.min_cell least": 3})


def _dp(tree: Tree) -> Changes:
    budget = tree["method"]["budget"]
    cap, rho = Decimal(budget["population_rho_cap"]), Decimal(budget["release_rho"])
    yield from _several(
        tree,
        {
            "method.budget.population_rho_cap": str(cap * 2),
            "method.budget.release_rho above": str(cap * Decimal("1.1")),
            "method.budget.release_rho double": str(rho * 2),
            "method.budget.delta": "0.0005",
            "method.budget.period_to": _later(budget["period_to"], 365),
            "method.budget.period_from": _later(budget["period_from"], -365),
            "method.budget.approved_on": GONE,
            "method.budget.approved_on old": _later(budget["approved_on"], -365),
            "method.budget.approved_by": "",
            "method.budget.population": "another-population",
            "method.unit": "row",
            "method.neighbouring": "change_one",
            "method.mechanism": "laplace",
        },
    )
    for index, output in enumerate(tree["method"].get("exact_beside", ())):
        yield f"exact beside {output['release']}: not said", _with(tree, f"method.exact_beside.{index}", GONE)
    for index, query in enumerate(tree["method"]["queries"]):
        path = f"method.queries.{index}"
        yield f"{query['name']}: without bounds", _with(tree, f"{path}.bounds", GONE)
        yield f"{query['name']}: bound of nowhere", _with(tree, f"{path}.bounds.source", "")
        yield f"{query['name']}: larger share", _with(tree, f"{path}.rho_share", "1")
        if "clip" in query:
            yield f"{query['name']}: without clip", _with(tree, f"{path}.clip", GONE)
            yield f"{query['name']}: 99 rows a cell", _with(tree, f"{path}.bounds.rows_per_person_per_cell", 99)
        for key, public in enumerate(query["by"]):
            yield (
                f"{query['name']}: keys of {public['column']} from the data",
                _with(tree, f"{path}.by.{key}.values", []),
            )


def _alleles(tree: Tree) -> Changes:
    method = tree["method"]
    yield from _several(
        tree,
        {
            "method.min_allele_count": method["min_allele_count"] - 1,
            "method.min_allele_count least": 1,
            "method.complement_floor": False,
            "method.membership_false_positive_rate": method["membership_false_positive_rate"] / 10,
            "method.membership_max_power": min(0.99, method["membership_max_power"] + 0.1),
            "method.membership_max_power most": 0.99,
            "method.approved_by": "",
        },
    )


def _controlled(tree: Tree) -> Changes:
    yield from _several(tree, {"method.environment": "download"})


_METHODS: Mapping[str, Callable[[Tree], Changes]] = {
    "microdata": _microdata,
    "small_cells": _small_cells,
    "dp_statistics": _dp,
    "allele_frequencies": _alleles,
    "controlled_rows": _controlled,
}


# --- papers


def _later(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def _papers(tree: Tree) -> Changes:
    for basis in ProvisionBasis:
        if basis.value != tree["provision_basis"]:
            yield f"provision_basis: {basis.value}", _with(tree, "provision_basis", basis.value)
    for index, pack in enumerate(tree["rule_packs"]):
        yield f"without pack {pack.split('@')[0]}", _with(tree, f"rule_packs.{index}", GONE)
    for index, use in enumerate(tree["prohibited_uses"]):
        yield f"{use}: not prohibited", _with(tree, f"prohibited_uses.{index}", GONE)
    yield "purposes: general research", _with(tree, "purposes.duo.0", "DUO:0000042")
    yield "purposes: no restriction", _with(tree, "purposes.duo.0", "DUO:0000004")
    if "open" not in tree["delivery"]:
        yield "delivery: open too", _with(tree, "delivery", [*tree["delivery"], "open"])
    yield "review_due: two years later", _with(tree, "review_due", _later(tree["review_due"], 730))
    for what, mutant in _recipients(tree):
        yield what, mutant
    for what, mutant in _blocks(tree):
        yield what, mutant


def _recipients(tree: Tree) -> Changes:
    for index, recipient in enumerate(tree["recipients"]):
        path, name = f"recipients.{index}", recipient["id"]
        if "contract" in recipient:
            yield f"{name}: without contract", _with(tree, f"{path}.contract", GONE)
        if recipient["kind"] != "public":
            yield f"{name}: the public", _with(tree, path, {**recipient, "kind": "public"})
            yield f"{name}: a recipient abroad", _with(tree, f"{path}.country", "US")
            if recipient["kind"] == "academic":
                yield f"{name}: a company", _with(tree, f"{path}.kind", "company")


def _blocks(tree: Tree) -> Changes:
    retention = tree["retention"]
    changes: dict[str, Any] = {
        "retention.ledger_years": 2,
        "retention.access_log_years": GONE,
        "retention.extract_months": retention["extract_months"] * 5,
        "retention.delete_within_days": retention["delete_within_days"] * 6,
    }
    for block in ("publication", "terms", "custody", "ethics"):
        if block in tree:
            changes[block] = GONE
    if "publication" in tree:
        changes["publication.label_ja"] = "匿名化済みデータ"
        changes["publication.items_published_on"] = _later(tree["effective_from"], 3)
        changes["publication.items_url"] = ""
    if "custody" in tree:
        changes["custody.reviewed_on"] = _later(tree["custody"]["reviewed_on"], -730)
        changes["custody.roles.0"] = GONE
    if "ethics" in tree:
        changes["ethics.expires_on"] = "2026-10-31"
        changes["ethics.committee_no"] = ""
        changes["ethics.ic_type"] = GONE
    yield from _several(tree, {path: value for path, value in changes.items() if _found(tree, path) is not None})
    for index, artefact in enumerate(tree.get("custody", {}).get("artefacts", ())):
        path = f"custody.artefacts.{index}"
        yield f"{artefact['what']}: not spoken of", _with(tree, path, GONE)
        yield f"{artefact['what']}: beside the data", _with(tree, f"{path}.kept", "with_data")
    for index, clause in enumerate(tree.get("terms", {}).get("clauses", ())):
        yield f"clause {clause}: gone", _with(tree, f"terms.clauses.{index}", GONE)
