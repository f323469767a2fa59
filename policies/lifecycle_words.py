"""The sentences about where a policy stands, in Japanese and English; `lifecycle` chooses among them."""

from collections.abc import Mapping, Sequence
from datetime import date

from policies.approvals import Statement
from policies.lapses import Term
from policies.model.strictness import Text
from policies.roles import Act, PolicyStatus, Role


def nobody_signed() -> Text:
    """Say that there is no signature yet."""
    return Text(ja="まだ誰も署名していない", en="nobody has signed it yet")


def waits_for(roles: Sequence[Role]) -> Text:
    """Say whose signatures are missing."""
    ja = "、".join(role.ja for role in roles)
    en = ", ".join(role.en for role in roles)
    return Text(ja=f"署名待ち: {ja}", en=f"waits for the signature of: {en}")


def edited(last: Statement, version: str, changed: Sequence[str]) -> Text:
    """Say that an edit voided the signatures, and which part changed."""
    ja_parts = "、".join(changed) or f"版 {version}"
    en_parts = ", ".join(changed) or f"version {version}"
    return Text(
        ja=f"{last.on.isoformat()} の署名(版 {last.version})の後に変更された: {ja_parts}。署名は無効",
        en=f"changed since it was signed on {last.on.isoformat()} (version {last.version}): {en_parts}; "
        "the signatures no longer hold",
    )


def blocked(count: int, rule: str) -> Text:
    """Say that the check refuses the policy today."""
    return Text(
        ja=f"検査で禁止の指摘が {count} 件ある(最初のもの: {rule})",
        en=f"the check refuses it today with {count} findings, the first by {rule}",
    )


def new_hold(rule: str, count: int) -> Text:
    """Say that a HOLD finding waits for the compliance officer."""
    return Text(
        ja=f"保留の指摘 {rule}({count} 件)をコンプライアンス担当が承認していない",
        en=f"{count} HOLD findings of {rule} are not accepted by a compliance officer",
    )


def stopped_by(said: Statement) -> Text:
    """Say who suspended or retired it, when and why."""
    ja = "廃止" if said.act is Act.RETIRE else "停止"
    en = "retired" if said.act is Act.RETIRE else "suspended"
    day, why = said.on.isoformat(), said.reason or "-"
    return Text(
        ja=f"{said.by}({said.role.ja})が {day} に{ja}した。理由: {why}",
        en=f"{en} by {said.by} ({said.role.en}) on {day}, because: {why}",
    )


def lapsed(term: Term) -> Text:
    """Say what has run out."""
    day = term.to_on.isoformat() if term.to_on is not None else "-"
    return Text(ja=f"{term.what.ja}が {day} で切れた", en=f"{term.what.en} ended on {day}")


def not_begun(term: Term) -> Text:
    """Say what is not yet in force."""
    if term.from_on is None or term.from_on == date.max:
        return Text(ja=f"{term.what.ja}は施行日が決まっていない", en=f"{term.what.en} has no first day yet")
    day = term.from_on.isoformat()
    return Text(ja=f"{term.what.ja}は {day} から", en=f"{term.what.en} begins on {day}")


def rests_on(dataset: str, status: PolicyStatus, reasons: Sequence[Text]) -> Text:
    """Say that a dataset of the release is not active, and why."""
    ja = "。".join(reason.ja for reason in reasons)
    en = "; ".join(reason.en for reason in reasons)
    return Text(
        ja=f"データセット {dataset} が有効でない({status.ja}: {ja})",
        en=f"dataset '{dataset}' is {status.en}: {en}",
    )


def same_person(said: Statement, role: Role) -> Text:
    """Say that one person signed in two roles."""
    return Text(
        ja=f"{said.by} は既に{role.ja}として署名しており、{said.role.ja}の署名は数えない",
        en=f"{said.by} signed as {role.en} already, so the signature as {said.role.en} does not count",
    )


def too_early(said: Statement, needed: Role) -> Text:
    """Say that a signature came before the one it follows."""
    return Text(
        ja=f"{said.by}({said.role.ja})の署名は{needed.ja}の署名より前なので数えない",
        en=f"{said.by} signed as {said.role.en} before the {needed.en} did; that does not count",
    )


def signed_though_blocked(said: Statement) -> Text:
    """Say that a signature was given although the check refused the policy."""
    return Text(
        ja=f"{said.by}({said.role.ja})の署名は検査が禁止している間になされたので数えない",
        en=f"{said.by} signed as {said.role.en} while the check refused the policy; that does not count",
    )


def hold_left_open(said: Statement) -> Text:
    """Say that an approval left a HOLD finding open."""
    return Text(
        ja=f"{said.by} の承認は保留の指摘を残しているので数えない",
        en=f"the approval by {said.by} leaves a HOLD finding open; that does not count",
    )


def not_entitled(said: Statement) -> Text:
    """Say that the signer's key or role was not valid on the day."""
    return Text(
        ja=f"{said.by} は {said.on.isoformat()} に{said.role.ja}として署名する資格がなかった(登録・失効・役割)",
        en=f"{said.by} was not entitled to sign as {said.role.en} on {said.on.isoformat()} (enrolment, revocation, role)",
    )


def dated_later(said: Statement, on: date) -> Text:
    """Say that a signature is dated after today."""
    return Text(
        ja=f"{said.by} の署名の日付 {said.on.isoformat()} は {on.isoformat()} より後(時計が戻された)",
        en=f"the signature by {said.by} is dated {said.on.isoformat()}, after {on.isoformat()}: the clock was set back",
    )


def next_step(status: PolicyStatus, chosen: Mapping[Role, Statement]) -> Text | None:
    """Say what to do next; None for an active policy."""
    missing = [role for role in Role if role not in chosen]
    if status is PolicyStatus.ACTIVE:
        return None
    if status is PolicyStatus.RETIRED:
        return Text(
            ja="廃止は取り消せない。新しい id のポリシーを書く",
            en="a retired policy does not come back: write one with a new id",
        )
    if status is PolicyStatus.APPROVED:
        return Text(ja="開始日を待つ", en="wait for the first day")
    if status is PolicyStatus.SUSPENDED:
        return Text(
            ja="切れたものを更新して署名し直すか、停止ならコンプライアンス担当が `niji policy resume` で再開する",
            en="renew what ended and sign again; a suspension is lifted by a compliance officer with `niji policy resume`",
        )
    role = missing[0] if missing else Role.AUTHOR
    return Text(
        ja=f"{role.ja}が `niji policy sign FILE --role {role.value} --by ID` で署名する",
        en=f"the {role.en} signs: `niji policy sign FILE --role {role.value} --by ID`",
    )
