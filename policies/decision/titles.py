"""What each check of a request confirms, as a clause in both languages; a test fails when a check has none."""

from policies.rules.titles import clauses

REQUEST_TITLES = clauses(
    {
        "request_names_this_release": (
            "申請がこの公開物のこの版についてのものである",
            "the request is for this version of this release",
        ),
        "delivery_is_offered": (
            "求められた渡し方が、ポリシーにある",
            "the policy offers the delivery that is asked for",
        ),
        "variables_are_released": (
            "求められた変数が、すべてこの公開物にある",
            "every variable that is asked for is in the release",
        ),
        "data_are_necessary": (
            "必要な範囲に限られ、人についての行データが要る理由がある",
            "only what is needed is asked for, with a reason where rows about people are",
        ),
        "application_is_complete": (
            "申請に必要な事項がすべて書かれている",
            "everything that an application must say is said",
        ),
        "answer_is_statistical": (
            "統計提供の申請に、行データを渡さない",
            "who asks for a statistical answer gets no rows",
        ),
        "opt_outs_are_honored": (
            "利用を拒んだ人のデータが求められていない",
            "the data of people who objected are not asked for",
        ),
        "terms_are_accepted": ("求められる利用条件を受け入れている", "the clauses of the terms are accepted"),
        "use_stays_within_research": (
            "利用が医療分野の研究開発の範囲にあり、再提供をしない",
            "the use stays within research in medicine, and nothing is given on",
        ),
        "recipient_is_listed": (
            "申請者が、ポリシーに挙げた提供先である",
            "the recipient is one that the policy lists",
        ),
        "security_suffices": (
            "申請者のセキュリティの水準が、データの求める水準以上である",
            "the user's security level is at least that of the data",
        ),
        "country_is_safe": (
            "データが提供先の国にとどまり、外国では保護の措置がある",
            "the data stay in the recipient's country, abroad under a safeguard",
        ),
        "user_is_not_excluded": (
            "申請者と利用者が、利用を禁じられた者ではない",
            "neither the recipient nor a named user is shut out",
        ),
        "users_are_named": ("データを使う者の氏名が、一人ずつ挙げられている", "the people who use the data are named"),
        "purpose_is_inside": (
            "利用目的が、許された範囲内にある",
            "the purpose lies inside what the policy permits",
        ),
        "ehds_purpose_is_open": (
            "申請の目的が、その申請者に認められた目的である",
            "the purpose is one that this applicant may have",
        ),
        "care_is_seen_by_a_person": (
            "診療での利用を、人が判断する",
            "use in care is decided by a person",
        ),
        "modifiers_are_met": ("利用の付加条件を、すべて満たしている", "every condition of use is met"),
        "uses_are_not_prohibited": ("禁止された利用を含んでいない", "no intended use is prohibited"),
        "prohibited_uses_are_renounced": (
            "禁止される利用のすべてを、しないと約している",
            "the applicant undertakes to refrain from every prohibited use",
        ),
        "policy_is_valid": (
            "ポリシーが有効で、見直しと倫理審査の期限が切れていない",
            "the policy is in force, and its review and ethics approval are not overdue",
        ),
        "own_approval_holds": (
            "申請の挙げる倫理審査の承認が有効である",
            "an ethics approval that the request names holds",
        ),
        "period_is_allowed": (
            "利用期間が、ポリシーの上限以内である",
            "the period is not longer than the policy gives",
        ),
        "permit_is_short": (
            "許可の期間が10年以内で、終了後の消去が期限内である",
            "the permit is of ten years at most, with deletion in time after it",
        ),
        "embargo_is_over": ("公開の猶予期間が過ぎている", "the embargo is over"),
    }
)
"""What the checks of `REQUEST_CHECKS` confirm."""
