"""Measure a request against the release policy: admit, refuse, or a person must look, each with its reasons.

The machine's verdict is a proposal to the compliance officer where it admits, a barrier where it refuses, and a list
of questions where it cannot know. Pure functions; the day is given.

Source: legal-rules 3g (matching rule), APPI-15 and EHDS-73 (period), NBDC security levels.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from catalog.duo import BY_ID, DuoKind, is_inside
from policies.model import Recipient, ReleasePolicy
from policies.model.strictness import Text
from policies.vocabulary import Delivery, Labelled, RecipientKind

if TYPE_CHECKING:
    from catalog.access import RequestForm


class Verdict(Labelled):
    """What the machine says of a point, or of the whole request."""

    ADMIT = "admit", "可", "admit"
    REFUSE = "refuse", "不可", "refuse"
    ASK = "ask", "要確認", "a person must look"


@dataclass(frozen=True, slots=True)
class Reason:
    """One point: its code, the verdict on it, and a sentence in both languages."""

    code: str
    verdict: Verdict
    text: Text


@dataclass(frozen=True, slots=True)
class Assessment:
    """All points of one request on one day; refused if one point is, asked if one is and none is refused."""

    reasons: tuple[Reason, ...]

    @property
    def verdict(self) -> Verdict:
        """The verdict on the whole: the strictest of the points."""
        if self.refusals:
            return Verdict.REFUSE
        return Verdict.ASK if self.questions else Verdict.ADMIT

    @property
    def refusals(self) -> tuple[Reason, ...]:
        """The points that forbid an approval."""
        return tuple(reason for reason in self.reasons if reason.verdict is Verdict.REFUSE)

    @property
    def questions(self) -> tuple[Reason, ...]:
        """The points that a person must settle."""
        return tuple(reason for reason in self.reasons if reason.verdict is Verdict.ASK)

    def as_json(self) -> dict[str, object]:
        """Return verdict and reasons as plain JSON values."""
        points = [
            {"code": reason.code, "verdict": reason.verdict.value, "ja": reason.text.ja, "en": reason.text.en}
            for reason in self.reasons
        ]
        return {"verdict": self.verdict.value, "reasons": points}


def assess(form: "RequestForm", release: ReleasePolicy, *, on: date) -> Assessment:
    """Measure `form` against `release` on the day `on`.

    Returns:
        At least one reason for each of: release, delivery, recipient, security, purpose, modifiers, prohibited uses,
        period, validity of policy and ethics approval.
    """
    recipient = next((entry for entry in release.recipients if entry.id == form.recipient), None)
    reasons = [
        *_release(form, release),
        *_recipient(form, recipient),
        *_purpose(form, release),
        *_modifiers(form, release, recipient),
        *_prohibitions(form, release),
        *_period(form, release, on),
        *_validity(release, on),
    ]
    return Assessment(tuple(reasons))


def months_between(start: date, end: date) -> int:
    """Return the number of months that an inclusive period begins: 1 April to 30 April is one, to 1 May is two."""
    return (end.year - start.year) * 12 + end.month - start.month + (1 if end.day >= start.day else 0)


def _reason(code: str, verdict: Verdict, ja: str, en: str) -> Reason:
    return Reason(code, verdict, Text(ja=ja, en=en))


def _hold(code: str, holds: bool, yes: tuple[str, str], no: tuple[str, str]) -> Reason:
    return _reason(code, Verdict.ADMIT, *yes) if holds else _reason(code, Verdict.REFUSE, *no)


def _release(form: "RequestForm", release: ReleasePolicy) -> Iterator[Reason]:
    yield _hold(
        "release",
        (form.release, form.release_version) == (release.id, release.version),
        ("申請された公開物はこのポリシーの版です", "the release asked for is this version of the policy"),
        ("申請された公開物の版がポリシーと異なります", "the release or version asked for is not this policy's"),
    )
    yield _hold(
        "delivery",
        Delivery.EXTRACT in release.delivery,
        ("抽出データの提供が認められています", "the policy gives extracts"),
        ("このポリシーは抽出データの提供を認めていません", "the policy gives no extracts"),
    )


def _recipient(form: "RequestForm", recipient: Recipient | None) -> Iterator[Reason]:
    if recipient is None:
        yield _reason(
            "recipient", Verdict.REFUSE, "提供先がポリシーにありません", "the recipient is not listed in the policy"
        )
        return
    yield _reason("recipient", Verdict.ADMIT, "提供先はポリシーにあります", "the recipient is listed in the policy")
    strong_enough = recipient.security is None or form.security >= recipient.security
    yield _hold(
        "security",
        strong_enough,
        ("安全管理の水準を満たします", "the security level suffices"),
        ("安全管理の水準が足りません", "the security level is below the one agreed with the recipient"),
    )
    if recipient.country != "JP" and not recipient.safeguard:
        yield _reason(
            "abroad",
            Verdict.ASK,
            "外国の提供先です。保護措置の記載がありません",
            "the recipient is abroad and no safeguard is written down",
        )


def _purpose(form: "RequestForm", release: ReleasePolicy) -> Iterator[Reason]:
    permissions = [term for duo in release.purposes.duo if (term := BY_ID.get(duo)) and term.kind is DuoKind.PERMISSION]
    asked = BY_ID.get(form.duo)
    if len(permissions) != 1 or asked is None or asked.kind is not DuoKind.PERMISSION:
        yield _reason(
            "purpose",
            Verdict.ASK if asked is not None and asked.kind is DuoKind.PERMISSION else Verdict.REFUSE,
            "利用目的コード(DUO)を機械的に照合できません",
            "the purpose codes cannot be matched: one permission is needed on each side",
        )
    elif not is_inside(form.duo, permissions[0].id):
        yield _reason(
            "purpose",
            Verdict.REFUSE,
            f"「{asked.label.ja}」は許可された「{permissions[0].label.ja}」の範囲外です",
            f"`{asked.label.en}` is outside the permitted `{permissions[0].label.en}`",
        )
    elif permissions[0].code == "DS" and form.mondo not in release.purposes.mondo:
        yield _reason(
            "purpose",
            Verdict.ASK,
            "疾患が一致しません。下位概念かどうか確認が必要です",
            "the disease is not the one named; whether it lies below it, a person must see",
        )
    else:
        yield _reason(
            "purpose",
            Verdict.ADMIT,
            f"「{asked.label.ja}」は許可された範囲内です",
            f"`{asked.label.en}` is inside the permission",
        )
    if release.purposes.ehds53:
        yield _hold(
            "ehds53",
            form.ehds53 in release.purposes.ehds53,
            ("EHDS 53条の目的に合致します", "the purpose of EHDS article 53 is one of the policy's"),
            ("EHDS 53条の目的が異なります", "the purpose of EHDS article 53 is not one of the policy's"),
        )


def _modifiers(form: "RequestForm", release: ReleasePolicy, recipient: Recipient | None) -> Iterator[Reason]:
    is_company = recipient is not None and recipient.kind is RecipientKind.COMPANY
    decided: dict[str, bool] = {
        "IRB": form.ethics_approval is not None,
        "NCU": not form.commercial,
        "NPU": not is_company,
        "NPUNCU": not (form.commercial or is_company),
        "NPOA": BY_ID[form.duo].code != "POA" if form.duo in BY_ID else False,
        "IS": recipient is not None,
        "TS": True,  # the period is a point of its own
    }
    for duo in release.purposes.duo:
        term = BY_ID.get(duo)
        if term is None:
            yield _reason("modifier", Verdict.ASK, f"未知のコード {duo} です", f"{duo} is not a known code")
        elif term.kind is DuoKind.PERMISSION:
            continue
        elif term.code not in decided:
            yield _reason(
                f"modifier.{term.code}",
                Verdict.ASK,
                f"条件「{term.label.ja}」は人の確認が必要です",
                f"whether `{term.label.en}` is met, a person must see",
            )
        else:
            yield _hold(
                f"modifier.{term.code}",
                decided[term.code],
                (f"条件「{term.label.ja}」を満たします", f"`{term.label.en}` is met"),
                (f"条件「{term.label.ja}」を満たしません", f"`{term.label.en}` is not met"),
            )


def _prohibitions(form: "RequestForm", release: ReleasePolicy) -> Iterator[Reason]:
    missing = [use for use in release.prohibited_uses if use not in form.accepted_prohibitions]
    yield _hold(
        "prohibited-uses",
        not missing,
        ("禁止される利用をすべて承諾しています", "every prohibited use is renounced"),
        (
            "承諾のない禁止事項: " + "、".join(use.ja for use in missing),
            "prohibited uses not renounced: " + ", ".join(use.en for use in missing),
        ),
    )


def _period(form: "RequestForm", release: ReleasePolicy, on: date) -> Iterator[Reason]:
    limit = release.retention.extract_months
    ordered = form.period_from <= form.period_to and form.period_to >= on
    length = months_between(max(form.period_from, on), form.period_to) if ordered else 0
    yield _hold(
        "period",
        ordered and length <= limit,
        (f"利用期間は上限({limit}か月)以内です", f"the period is within {limit} months"),
        (
            f"利用期間が上限({limit}か月)を超えるか、終わっています",
            f"the period is over, reversed, or longer than {limit} months",
        ),
    )


def _validity(release: ReleasePolicy, on: date) -> Iterator[Reason]:
    yield _hold(
        "in-force",
        release.effective_from <= on,
        ("ポリシーは発効しています", "the policy is in force"),
        ("ポリシーはまだ発効していません", "the policy is not in force yet"),
    )
    if on > release.review_due:
        yield _reason("review", Verdict.ASK, "ポリシーの見直し期限を過ぎています", "the policy is overdue for review")
    if release.ethics is not None:
        yield _hold(
            "ethics",
            release.ethics.approved_on <= on <= release.ethics.expires_on,
            ("倫理審査の承認期間内です", "the release's ethics approval holds"),
            ("倫理審査の承認期間外です", "the release's ethics approval does not hold"),
        )
