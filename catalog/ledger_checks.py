"""What the privacy ledger proves of a release by rule: one question has one answer, and every try was paid for (DP-03).

A pure function over the ledger's entries. Not here: whether their chain holds (`Ledger.verify`).
"""

from collections.abc import Sequence

from anonymization.evidence import CheckResult, rule_check
from catalog.ledger_entries import EntryKind, LedgerEntry


def ledger_checks(entries: Sequence[LedgerEntry], *, charge_id: str, stored_answer: str) -> tuple[CheckResult, ...]:
    """Hold the stored answer of a charge against the ledger (rule DP-03).

    Args:
        entries: All entries of the ledger, in order.
        charge_id: The charge that the release was answered under.
        stored_answer: The digest of the answer, taken from the stored tables anew.

    Returns:
        One check: the charge stands before its answer, the answer on record is the stored one, and no other answer of
        the same question on the same data is on record. `tries` counts the charges of the question; each was spent.
    """
    charges = {str(one.body["charge_id"]): one for one in entries if one.kind is EntryKind.CHARGE}
    answers = {str(one.body["charge_id"]): one for one in entries if one.kind is EntryKind.RELEASE}
    charge, answer = charges.get(charge_id), answers.get(charge_id)
    same = [name for name, one in charges.items() if charge is not None and _question(one) == _question(charge)]
    wrong = (
        int(charge is None or answer is None or answer.seq < charge.seq)
        + int(answer is None or answer.body["answer_digest"] != stored_answer)
        + sum(name in answers for name in same if name != charge_id)
    )
    what = "the stored answer is the one on record for its question, paid for before it was drawn"
    return (rule_check("DP-03", "ledger.drawn_once", wrong, what, {"tries": len(same)}),)


def _question(charge: LedgerEntry) -> tuple[object, object]:
    return charge.body["query_hash"], charge.body["snapshot"]
