"""What the ledger refuses with: each error with its code, and what a person can do.

Not here: `altered`, for a chain that does not hold (`ledger_entries`).
"""

from catalog.ledger_scopes import delta_text, rho_text
from catalog.ledger_views import AccountView
from policies.errors import BudgetError, DataError, IntegrityError, NijiError, Place, PolicyError

_WHERE = Place("ledger.sqlite")
_RECONCILE = "`niji budget reconcile --by NAME --reason TEXT` counts what the anchors remember as spent"


def no_amount() -> NijiError:
    """Return the refusal of a charge that is not a whole number of micro-ρ above zero, or whose δ is no whole number."""
    return PolicyError(
        "budget.no-amount",
        what="a charge of nothing, or of no whole number of micro-ρ or units of δ, was asked",
        why="every release that draws noise costs at least one micro-ρ, and accounts are in whole units",
        fix="charge what the plan says, rounded up",
    )


def unexplained() -> NijiError:
    """Return the refusal of a decision without a name or a reason, or about another population's account."""
    return PolicyError(
        "budget.cap-unexplained",
        what="the account was to be changed without a decision behind it",
        why="a cap, and what is counted as spent, is a decision of named people (rule DP-06)",
        fix="give a cap of at least 0, an account of the population, who decided it, and the reason",
    )


def cap_differs(scope: str, declared: int, recorded: int) -> NijiError:
    """Return the refusal of a policy whose cap is not the one on record."""
    return BudgetError(
        "budget.cap-differs",
        what=f"the policy says a cap of ρ={rho_text(declared)} for '{scope}', the ledger ρ={rho_text(recorded)}",
        why="a cap changes only by a recorded decision, never because a policy file was edited",
        fix="correct the policy, or record the decision with `niji budget set-cap`",
    )


def other_population(declared: str, recorded: str) -> NijiError:
    """Return the refusal of a charge for people whose source is on another population's account."""
    return BudgetError(
        "budget.other-population",
        what=f"the policy charges '{declared}', and what its people are read from was charged for '{recorded}'",
        why="one population has one account, whatever its datasets, files and policies are called",
        fix=f"write `population: {recorded}`; or, if these are other people, land them in another place",
    )


def over_cap(account: AccountView, asked: int) -> NijiError:
    """Return the refusal of a charge that an account does not cover."""
    left, cap, spent = (rho_text(one) for one in (account.left_micro, account.cap_micro, account.spent_micro))
    return BudgetError(
        "budget.over-cap",
        what=f"'{account.scope}' has ρ={left} left and ρ={rho_text(asked)} is asked",
        why=f"cap ρ={cap}, spent ρ={spent}, asked ρ={rho_text(asked)}; spent loss never returns",
        fix="ask less (smaller release_rho), publish a stored answer, or decide on another cap by name",
    )


def delta_cap_differs(scope: str, declared: int, recorded: int) -> NijiError:
    """Return the refusal of a policy whose cap of δ is not the one on record."""
    return BudgetError(
        "ledger.delta-cap-differs",
        what=f"the policy says a cap of δ={delta_text(declared)} for '{scope}', the ledger δ={delta_text(recorded)}",
        why="a cap changes only by a recorded decision, never because a policy file was edited",
        fix="correct the policy, or record the decision with `niji budget set-cap`",
    )


def over_delta_cap(account: AccountView, asked: int) -> NijiError:
    """Return the refusal of a charge whose δ an account does not cover."""
    cap = account.delta_cap_units or 0
    left, spent = delta_text(max(0, cap - account.delta_spent_units)), delta_text(account.delta_spent_units)
    return BudgetError(
        "ledger.delta-cap",
        what=f"'{account.scope}' has δ={left} left for thresholds and δ={delta_text(asked)} is asked",
        why=f"cap δ={delta_text(cap)}, spent δ={spent}; the chances that a threshold fails add up, and never return",
        fix="ask less (a smaller threshold_delta), use public keys, or decide on another cap by name",
    )


def unknown_population(population: str) -> NijiError:
    """Return the refusal to show an account that there is not."""
    return BudgetError(
        "budget.unknown-population",
        what=f"population '{population}' has no account",
        why="an account is opened by the first charge, or by setting its cap",
        fix="check the name; `niji budget show` lists all accounts",
    )


def not_reserved(charge_id: str) -> NijiError:
    """Return the refusal to end a charge twice, or one that there is not."""
    return IntegrityError(
        "ledger.not-reserved",
        what=f"charge {charge_id} is not waiting for an answer",
        why="only a reserved charge can be settled or burned, once",
        fix="look at `niji budget history`; charge anew if there is no answer",
    )


def answered_meanwhile() -> NijiError:
    """Return the refusal of a second answer to one question."""
    return IntegrityError(
        "ledger.answered-meanwhile",
        what="another run answered the same question first",
        why="a question has one published answer, or its noise could be averaged away",
        fix="burn this charge and publish the stored answer",
    )


def restored(has_entries: int, kept_entries: int) -> NijiError:
    """Return the refusal of a ledger that is older than its anchor, or another one."""
    return IntegrityError(
        "ledger.restored",
        what=f"the privacy ledger ({has_entries} entries) is not the one that had entry {kept_entries}",
        why="it was restored from a backup, or exchanged; what was charged since would not count as spent",
        fix=f"put the newest ledger back; if it is lost, {_RECONCILE}",
        where=_WHERE,
    )


def anchor_missing(kind: str) -> NijiError:
    """Return the refusal of a ledger that has an anchor by its own entries, where none is found."""
    return IntegrityError(
        "ledger.anchor-missing",
        what=f"the {kind} anchor of the privacy ledger is gone",
        why="without it an older copy of the ledger could not be told from the newest",
        fix=f"put it back (see NIJI_LEDGER_ANCHOR); if it is lost, {_RECONCILE}",
        where=_WHERE,
    )


def nothing_to_reconcile() -> NijiError:
    """Return the refusal to reconcile a ledger that fits its anchors."""
    return PolicyError(
        "ledger.nothing-to-reconcile",
        what="the privacy ledger is the newest that its anchors know",
        why="reconciling counts losses as spent that a restored ledger has forgotten; here is none",
        fix="nothing is to be done",
    )


def unwritable(doing: str) -> NijiError:
    """Return the refusal where the database itself failed; nothing was committed."""
    return DataError(
        "ledger.unwritable",
        what=f"the privacy ledger could not {doing}",
        why="it is locked, full, read-only, out of reach or not a ledger; without its entry nothing may be drawn",
        fix="check disk, permissions, the server and other runs, then try again",
    )
