"""Who asks and from where: the recipient, its security, its country, its people, whether it is shut out."""

from collections.abc import Iterator

from policies.decision.verdict import Point, admit, ask, hold, refuse
from policies.decision.view import RequestView
from policies.rules.view import Parameters


def recipient_is_listed(view: RequestView, _: Parameters) -> Iterator[Point]:
    """The recipient is one of the release's, and what the request says of its kind is what the policy says."""
    recipient, said = view.recipient, view.request.recipient_kind
    if recipient is None:
        yield refuse("recipient", "提供先がポリシーにありません", "the recipient is not listed in the policy")
        return
    yield admit("recipient", "提供先はポリシーにあります", "the recipient is listed in the policy")
    if said is not None and said is not recipient.kind:
        yield refuse(
            "recipient-kind",
            f"提供先の区分が異なります(申請: {said.ja}、ポリシー: {recipient.kind.ja})",
            f"the recipient is said to be `{said.en}`; the policy says `{recipient.kind.en}`",
        )


def security_suffices(view: RequestView, _: Parameters) -> Iterator[Point]:
    """NBDC-02: the user's security level is not below the one agreed for the data."""
    if view.recipient is None:
        return
    agreed = view.recipient.security
    yield hold(
        "security",
        agreed is None or view.request.security >= agreed,
        yes=("安全管理の水準を満たします", "the security level suffices"),
        no=("安全管理の水準が足りません", "the security level is below the one agreed with the recipient"),
    )


def country_is_safe(view: RequestView, _: Parameters) -> Iterator[Point]:
    """APPI-14: the data stay in the recipient's country; abroad, a safeguard is written down."""
    recipient = view.recipient
    if recipient is None:
        return
    yield hold(
        "country",
        view.country == recipient.country,
        yes=(
            f"利用場所は提供先の国({recipient.country})です",
            f"the data stay in the recipient's country, {recipient.country}",
        ),
        no=(
            f"利用場所({view.country})がポリシーの提供先の国({recipient.country})と異なります",
            f"the data would be used in {view.country}; the policy says {recipient.country}",
        ),
    )
    if "JP" not in {recipient.country} and not recipient.safeguard:
        yield ask(
            "abroad",
            "外国の提供先です。保護措置の記載がありません",
            "the recipient is abroad and no safeguard is written down",
        )


def user_is_not_excluded(view: RequestView, _: Parameters) -> Iterator[Point]:
    """EHDS-63: neither the recipient nor a named user is shut out."""
    asking = {view.request.recipient, *view.request.users}
    if view.circumstances.excluded & asking:
        yield refuse(
            "excluded",
            "提供先又は利用者は、違反により申請を停止されています",
            "the recipient or a user is excluded after a breach",
        )


def users_are_named(view: RequestView, _: Parameters) -> Iterator[Point]:
    """EHDS-67: the people who will use the data are named, each once."""
    users = view.request.users
    if not users:
        yield ask("users", "利用者の指定がありません", "no user is named")
    else:
        yield hold(
            "users",
            len(set(users)) == len(users),
            yes=(f"利用者{len(users)}名が指定されています", f"the users are named ({len(users)})"),
            no=("利用者が重複しています", "a user is named twice"),
        )
