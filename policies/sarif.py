"""Findings in SARIF, so that a code review shows them beside the lines they are about.

Source: Static Analysis Results Interchange Format (SARIF) Version 2.1.0, OASIS Standard incorporating Errata 01, 28 August
2023; section numbers below are its own. Belongs here: the format. Does not: finding anything.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from policies.findings import Finding, is_ok
from policies.model import Rule, RulePack
from policies.vocabulary import Severity

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "SRCROOT"
# §3.27.10: what stops a release is an error, what a person must accept a warning, what is only recorded a note.
_LEVELS: Mapping[Severity, str] = {Severity.BLOCK: "error", Severity.HOLD: "warning", Severity.WARN: "note"}
_MARKS: Mapping[str, tuple[str, str]] = {
    "L": ("法令の本文で確認", "read in the statute"),
    "S": ("公的または二次的な資料で確認", "read in an official or secondary page"),
    "G": ("一般的な知識(要確認)", "general knowledge, to be confirmed"),
}


def sarif(
    findings: Sequence[Finding], packs: Iterable[RulePack], *, base: Path, tool_version: str
) -> dict[str, object]:
    """Return findings as one SARIF log with one run.

    Args:
        findings: What a check found, in its order.
        packs: Where the rules of the findings stand; a finding of no pack is described by its own reason.
        base: The folder to which file names are made relative: the top of the repository that is reviewed.
        tool_version: The version of Niji.

    Returns:
        A JSON object. Equal findings give equal objects: there is no clock and no name of the machine in it.
    """
    clauses = {rule.id: (rule, pack) for pack in packs for rule in pack.rules}
    first = {finding.rule: finding for finding in reversed(findings)}
    ids = sorted(first)
    seen: Counter[str] = Counter()
    results = [_result(each, ids.index(each.rule), base=base, seen=seen) for each in findings]
    driver = {
        "name": "niji",
        "fullName": "Niji policy check",
        "semanticVersion": tool_version,
        "rules": [_clause(*clauses[name]) if name in clauses else _fault(first[name]) for name in ids],
    }
    run = {
        "tool": {"driver": driver},
        "language": "en",
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder in which the check was run."}}},
        "invocations": [{"executionSuccessful": True, "exitCode": 0 if is_ok(findings) else 10}],
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _clause(rule: Rule, pack: RulePack) -> dict[str, object]:
    """Describe a rule of a pack (§3.49): its text and citation in both languages, and how sure the citation is."""
    ja_mark, en_mark = _MARKS[rule.confidence]
    ja_bound, en_bound = ("", "") if pack.is_law else ("(法令ではない)", " (not law)")
    texts = [
        f"{rule.text.en}\n{rule.citation.en}{en_bound}; {en_mark}.",
        f"{rule.text.ja}\n{rule.citation.ja}{ja_bound}、{ja_mark}。",
    ]
    shown = [
        f"**{rule.id}** {rule.text.en}\n\n*{rule.citation.en}*{en_bound}; {en_mark}.",
        f"{rule.text.ja}\n\n*{rule.citation.ja}*{ja_bound}、{ja_mark}。",
    ]
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.text.en},
        "fullDescription": {"text": f"{rule.text.en} / {rule.text.ja}"},
        "help": {"text": "\n\n".join(texts), "markdown": "\n\n".join(shown)},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "tags": ["policy", pack.id, "law" if pack.is_law else "house-rule"],
            "citation": rule.citation.model_dump(),
            "text": rule.text.model_dump(),
            "confidence": rule.confidence,
        },
    }


def _fault(finding: Finding) -> dict[str, object]:
    """Describe a fault of the file itself, which no pack names."""
    name = finding.rule.rsplit(".", 1)[-1].replace("-", " ")
    reason = finding.why[:1].upper() + finding.why[1:] + "."
    return {
        "id": finding.rule,
        "shortDescription": {"text": name[:1].upper() + name[1:]},
        "fullDescription": {"text": reason},
        "help": {"text": reason},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
        "properties": {"tags": ["policy", "file"]},
    }


def _result(finding: Finding, index: int, *, base: Path, seen: Counter[str]) -> dict[str, object]:
    uri, is_inside = _uri(finding.place.file, base)
    location: dict[str, object] = {"artifactLocation": {"uri": uri, **({"uriBaseId": _ROOT} if is_inside else {})}}
    if finding.place.line:
        region = {"startLine": finding.place.line}
        location["region"] = region | ({"startColumn": finding.place.column} if finding.place.column else {})
    # §3.27.17: lines move when a file is edited above them, so they are no part of what a finding is known by.
    known = hashlib.sha256("\x00".join((finding.rule, uri, finding.what)).encode()).hexdigest()[:32]
    seen[known] += 1
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "kind": "fail",
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.what}\nWhy: {finding.why}\nFix: {finding.fix}"},
        "locations": [{"physicalLocation": location}] if finding.place.file else [],
        "partialFingerprints": {
            "nijiFinding/v1": f"{known}:{seen[known]}",
            # The only name that GitHub reads.
            "primaryLocationLineHash": f"{known}:{seen[known]}",
        },
    }


def _uri(file: str, base: Path) -> tuple[str, bool]:
    """Return a file's address relative to `base` (§3.4.4, §3.10), or its absolute one where it lies elsewhere."""
    # Not resolved: a link keeps the name under which the review shows it.
    real, root = Path(os.path.normpath(Path(file).absolute())), Path(os.path.normpath(base.absolute()))
    if real.is_relative_to(root):
        return quote(real.relative_to(root).as_posix(), safe="/@"), True
    return "file://" + quote(real.as_posix(), safe="/@"), False
