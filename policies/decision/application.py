"""What is asked for and what is promised: release, delivery, variables, completeness of the form, terms."""

from collections.abc import Iterator

from policies.decision.uses import IntendedUse
from policies.decision.verdict import Point, admit, ask, hold, refuse
from policies.decision.view import RequestView
from policies.rules.view import ANONYMIZED, Parameters, words
from policies.vocabulary import Delivery, OutputCategory, RecipientKind, TermsClause

_GIVES_ROWS = frozenset({Delivery.EXTRACT, Delivery.SECURE_ENVIRONMENT})
_NO_PERSON = frozenset({*ANONYMIZED, OutputCategory.STATISTICS, OutputCategory.SYNTHETIC})


def request_names_this_release(view: RequestView, _: Parameters) -> Iterator[Point]:
    """The request is for this version of this release."""
    asked, release = view.request, view.release
    yield hold(
        "release",
        (asked.release, asked.release_version) == (release.id, release.version),
        yes=("申請された公開物はこのポリシーの版です", "the release asked for is this version of the policy"),
        no=("申請された公開物の版がポリシーと異なります", "the release or version asked for is not this policy's"),
    )


def delivery_is_offered(view: RequestView, _: Parameters) -> Iterator[Point]:
    """The policy gives what is asked for: an extract, or a statistical answer."""
    offered = set(view.release.delivery)
    if view.request.answer == "statistics":
        yield hold(
            "delivery",
            Delivery.STATISTIC in offered,
            yes=("統計での回答が認められています", "the policy gives statistical answers"),
            no=("このポリシーは統計での回答を認めていません", "the policy gives no statistical answers"),
        )
    else:
        yield hold(
            "delivery",
            bool(_GIVES_ROWS & offered),
            yes=("抽出データの提供が認められています", "the policy gives extracts"),
            no=("このポリシーは抽出データの提供を認めていません", "the policy gives no extracts"),
        )


def variables_are_released(view: RequestView, _: Parameters) -> Iterator[Point]:
    """Every variable asked for leaves in this release."""
    leaving = {
        f"{table.table}.{column.output_name}"
        for table in view.release.tables
        for column in table.columns
        if column.leaves
    }
    missing = [name for name in dict.fromkeys(view.request.variables) if name not in leaving]
    if view.request.variables:
        yield hold(
            "variables",
            not missing,
            yes=("申請された項目はすべて公開物にあります", "every variable asked for is in the release"),
            no=(
                f"公開物にない項目が{len(missing)}件申請されています",
                f"{len(missing)} of the variables asked for are not in the release",
            ),
        )


def data_are_necessary(view: RequestView, _: Parameters) -> Iterator[Point]:
    """EHDS-66: only what is needed, with a reason; data about persons only where anonymized data would not do."""
    request = view.request
    yield hold(
        "minimum",
        request.minimum_reason is not None,
        yes=("必要最小限である理由が書かれています", "why these data are needed is written"),
        no=("必要最小限である理由がありません", "why these data are needed is not written"),
    )
    if view.release.output_category not in _NO_PERSON:
        yield hold(
            "pseudonymized",
            request.pseudonymized_reason is not None,
            yes=("匿名加工では足りない理由が書かれています", "why anonymized data would not do is written"),
            no=("匿名加工では足りない理由がありません", "why anonymized data would not do is not written"),
        )


def application_is_complete(view: RequestView, parameters: Parameters) -> Iterator[Point]:
    """EHDS-67: everything that an application must say is said; what is brought in beside is seen by a person.

    Parameter `fields`: names of fields of the request that may not be empty.
    """
    default = ("users", "benefit", "uses", "minimum_reason", "safeguards", "ethics")
    fields = words(parameters, "fields") if "fields" in parameters else default
    missing = [name for name in fields if not getattr(view.request, name, None)]
    yield hold(
        "complete",
        not missing,
        yes=("申請書の必要事項は記入されています", "the application says all that it must"),
        no=(f"申請書に記入のない事項: {'、'.join(missing)}", f"the application does not say: {', '.join(missing)}"),
    )
    if view.request.own_data is not None:
        yield ask(
            "own-data",
            "申請者が持ち込むデータとの併用は、照合のおそれを人が確認します",
            "data brought in by the applicant; a person must see whether they could be matched",
        )


def answer_is_statistical(view: RequestView, _: Parameters) -> Iterator[Point]:
    """EHDS-69: who asks for a statistical answer gets no rows."""
    if view.request.answer == "statistics":
        yield hold(
            "rows",
            not view.request.variables,
            yes=("行データは求められていません", "no rows are asked for"),
            no=(
                "統計の申請で行データの項目が求められています",
                "a statistical answer was asked for together with columns",
            ),
        )


def opt_outs_are_honored(view: RequestView, _: Parameters) -> Iterator[Point]:
    """EHDS-71: nobody asks for the data of people who objected; a public body's exception is seen by a person."""
    if not view.request.wants_opted_out:
        yield admit(
            "opted-out",
            "オプトアウトした人のデータは求められていません",
            "no data of people who objected are asked for",
        )
    elif view.recipient is not None and view.recipient.kind is RecipientKind.GOVERNMENT:
        yield ask(
            "opted-out",
            "オプトアウトの例外の申請です。法律上の根拠を人が確認します",
            "an exception from the opt-out is asked for; a person must see on which law it rests",
        )
    else:
        yield refuse(
            "opted-out",
            "オプトアウトした人のデータは提供できません",
            "data of people who objected are asked for; only a public body may ask for an exception",
        )


def terms_are_accepted(view: RequestView, parameters: Parameters) -> Iterator[Point]:
    """The clauses that a rule names are accepted (NBDC-04, EHDS-61, NGMI-10); parameter `clauses`, else the policy's."""
    named = words(parameters, "clauses") if "clauses" in parameters else None
    asked = named if named is not None else view.release.terms.clauses if view.release.terms else ()
    missing = [clause for clause in asked if clause not in view.request.accepted_terms]
    labels = [TermsClause(clause) for clause in missing if clause in set(TermsClause)]
    unknown = len(missing) - len(labels)
    if asked:
        yield hold(
            "terms",
            not missing,
            yes=("利用条件を承諾しています", "the terms of use are accepted"),
            no=(
                "承諾のない利用条件: " + "、".join([*(each.ja for each in labels), *["不明な条項"] * unknown]),
                "terms not accepted: " + ", ".join([*(each.en for each in labels), *["unknown clause"] * unknown]),
            ),
        )


def use_stays_within_research(view: RequestView, _: Parameters) -> Iterator[Point]:
    """NGMI-10: a certified user works within research and development in medicine, and gives nothing on."""
    research = {
        IntendedUse.RESEARCH,
        IntendedUse.PRODUCT_DEVELOPMENT,
        IntendedUse.ALGORITHM_TRAINING,
        IntendedUse.METHODS_DEVELOPMENT,
        IntendedUse.GENETIC_STUDY,
    }
    uses = set(view.request.uses)
    if not uses:
        yield ask("research", "利用の内容が書かれていません", "what the data are for is not said")
        return
    yield hold(
        "research",
        uses <= research,
        yes=("医療分野の研究開発の範囲内です", "the uses are research and development in medicine"),
        no=("医療分野の研究開発でない利用が含まれます", "a use is not research and development in medicine"),
    )
