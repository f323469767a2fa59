"""When: is the policy in force, does the approval hold, how long may the data be used and kept, is there an embargo."""

from collections.abc import Iterator

from policies.decision.months import months_between
from policies.decision.verdict import Point, ask, hold, refuse
from policies.decision.view import RequestView
from policies.rules.view import Parameters, number


def policy_is_valid(view: RequestView, _: Parameters) -> Iterator[Point]:
    """The policy is in force, its review is not overdue, its own ethics approval holds; and it is active, where known."""
    release, on = view.release, view.on
    yield hold(
        "in-force",
        release.effective_from <= on,
        yes=("ポリシーは発効しています", "the policy is in force"),
        no=("ポリシーはまだ発効していません", "the policy is not in force yet"),
    )
    if on > release.review_due:
        yield ask("review", "ポリシーの見直し期限を過ぎています", "the policy is overdue for review")
    if release.ethics is not None:
        yield hold(
            "ethics",
            release.ethics.approved_on <= on <= release.ethics.expires_on,
            yes=("倫理審査の承認期間内です", "the release's ethics approval holds"),
            no=("倫理審査の承認期間外です", "the release's ethics approval does not hold"),
        )
    if view.circumstances.policy_is_active is not None:
        yield hold(
            "active",
            view.circumstances.policy_is_active,
            yes=("ポリシーは有効(署名済み)です", "the policy is signed and active"),
            no=(
                "ポリシーは有効ではありません(未承認・停止中・廃止)",
                "the policy is not active: unsigned, suspended or retired",
            ),
        )


def own_approval_holds(view: RequestView, _: Parameters) -> Iterator[Point]:
    """An ethics approval that the request names holds on the day, whether or not the policy asks for one.

    One that ends before the use does is a question: it must be renewed, or the use must end.
    """
    approval, on = view.request.ethics, view.on
    if approval is None:
        return
    starts_late = approval.approved_on is not None and approval.approved_on > on
    is_over = approval.expires_on is not None and approval.expires_on < on
    if starts_late or is_over:
        yield refuse(
            "own-ethics",
            "申請者の倫理審査の承認期間外です",
            "the ethics approval of the applicant's study does not hold on this day",
        )
    elif approval.expires_on is not None and approval.expires_on < view.request.period_to:
        yield ask(
            "own-ethics",
            "申請者の倫理審査の承認が利用期間の途中で終わります",
            "the ethics approval of the applicant's study ends before the period does",
        )


def period_is_allowed(view: RequestView, _: Parameters) -> Iterator[Point]:
    """The period is in order, not over, and not longer than the policy gives an extract.

    One that begins after the policy's review is a question: under what policy the data will then be is not known.
    """
    request, on, limit = view.request, view.on, view.release.retention.extract_months
    ordered = request.period_from <= request.period_to and request.period_to >= on
    length = months_between(max(request.period_from, on), request.period_to) if ordered else 0
    yield hold(
        "period",
        ordered and length <= limit,
        yes=(f"利用期間は上限({limit}か月)以内です", f"the period is within {limit} months"),
        no=(
            f"利用期間が上限({limit}か月)を超えるか、終わっています",
            f"the period is over, reversed, or longer than {limit} months",
        ),
    )
    if ordered and request.period_from > max(view.release.review_due, on):
        yield ask(
            "start",
            "利用期間がポリシーの見直し期限より後に始まります",
            "the period begins after the policy is due for review",
        )
    days = view.release.retention.delete_within_days
    if request.delete_by is not None:
        yield hold(
            "deletion",
            (request.delete_by - request.period_to).days <= days,
            yes=(f"終了後{days}日以内に消去されます", f"the data are deleted within {days} days of the end"),
            no=(
                f"消去の日が終了後{days}日を超えます",
                f"the data would be kept for more than {days} days after the end",
            ),
        )


def permit_is_short(view: RequestView, parameters: Parameters) -> Iterator[Point]:
    """EHDS-68: a permit of at most ten years, all copies deleted within six months after it.

    Parameters `years_at_most` and `delete_within_days`; 10 and 183 where a pack writes none.
    """
    years = number(parameters, "years_at_most") if "years_at_most" in parameters else 10
    days = number(parameters, "delete_within_days") if "delete_within_days" in parameters else 183
    request = view.request
    start = max(request.period_from, view.on)
    yield hold(
        "permit-length",
        months_between(start, request.period_to) <= years * 12,
        yes=(f"許可期間は{years}年以内です", f"the permit is for {years} years at most"),
        no=(f"許可期間が{years}年を超えます", f"the permit would be longer than {years} years"),
    )
    if request.delete_by is not None:
        yield hold(
            "kept-after-end",
            (request.delete_by - request.period_to).days <= days,
            yes=(
                f"許可終了後{days}日以内に消去されます",
                f"the data are deleted within {days} days of the permit's end",
            ),
            no=(
                f"許可終了後{days}日を超えて保管されます",
                f"the data would be kept for more than {days} days after the permit",
            ),
        )


def embargo_is_over(view: RequestView, _: Parameters) -> Iterator[Point]:
    """AMED-01: nothing is given before the embargo is over."""
    until = view.conditions.embargo_until
    if until is not None:
        yield hold(
            "embargo",
            view.on > until,
            yes=("公開猶予期間は終わっています", "the embargo is over"),
            no=(f"{until.isoformat()}までは公開猶予期間です", f"there is an embargo until {until.isoformat()}"),
        )
