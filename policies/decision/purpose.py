"""Is the purpose inside what the policy permits: one DUO permission, the disease, the letter of EHDS article 53."""

from collections.abc import Iterator

from policies.decision.duo import BY_ID, EHDS53, DuoKind, DuoTerm, citation, is_inside, permissions
from policies.decision.mondo import is_within
from policies.decision.uses import IntendedUse
from policies.decision.verdict import Point, Verdict, admit, ask, hold, refuse
from policies.decision.view import RequestView
from policies.model.strictness import Text
from policies.rules.view import Parameters, words
from policies.vocabulary import RecipientKind

PUBLIC_LETTERS = ("a", "b", "c")
"""Purposes that only public bodies may name. Source: Regulation (EU) 2025/327 art. 53(2)."""
PUBLIC_BODIES = (RecipientKind.GOVERNMENT.value,)


def purpose_is_inside(view: RequestView, _: Parameters) -> Iterator[Point]:
    """The purpose lies inside the policy's one permission; for a disease, at or below one that is named.

    Several permissions, or none, are a question: which of them holds is not written. They are no way in: a purpose that
    lies in none of them is refused.
    """
    asked = BY_ID.get(view.request.duo)
    given = permissions(view.release.purposes.duo)
    if asked is None or asked.kind is not DuoKind.PERMISSION:
        yield refuse(
            "purpose",
            "申請の利用目的コードはDUOの許可ではありません",
            "the request's purpose is not a permission of DUO",
        )
        return
    inside = [term for term in given if is_inside(asked.id, term.id)]
    if given and not inside:
        names = [term.label for term in given]
        yield _by(
            given[0],
            refuse(
                "purpose",
                f"「{asked.label.ja}」は許可された「{'、'.join(name.ja for name in names)}」の範囲外です",
                f"`{asked.label.en}` is outside the permitted `{', '.join(name.en for name in names)}`",
            ),
        )
    elif len(given) != 1:
        yield ask(
            "purpose",
            f"ポリシーの許可コードが{len(given)}個あり、どれによるか機械では決められません",
            f"the policy has {len(given)} permissions; which one holds, a person must see",
        )
    else:
        yield from _single(view, asked, given[0])


def _single(view: RequestView, asked: DuoTerm, given: DuoTerm) -> Iterator[Point]:
    yield _by(
        given,
        admit(
            "purpose",
            f"「{asked.label.ja}」は許可された「{given.label.ja}」の範囲内です",
            f"`{asked.label.en}` is inside the permitted `{given.label.en}`",
        ),
    )
    if asked.code == "DS" and not view.request.mondo:
        no_disease = refuse(
            "disease", "疾患特異的研究ですが疾患の指定がありません", "the purpose is one disease, and none is named"
        )
        yield _by(asked, no_disease)
    elif given.code == "DS":
        yield from (_by(given, point) for point in _diseases(view))
    yield from _ancestry(view, given)


def _diseases(view: RequestView) -> Iterator[Point]:
    allowed = view.release.purposes.mondo
    if not allowed:
        yield ask("disease", "ポリシーに疾患の指定がありません", "the policy names no disease")
        return
    for disease in dict.fromkeys(view.request.mondo):
        answer, label = is_within(view.diseases, disease, allowed), view.diseases.label(disease)
        if answer is None:
            yield ask(
                "disease",
                f"{disease} が許可された疾患の下位か、手元の表では分かりません",
                f"whether {disease} lies below a permitted disease is not in the table of diseases",
            )
        else:
            yield hold(
                "disease",
                answer,
                yes=(
                    f"「{label.ja}」は許可された疾患に含まれます",
                    f"`{label.en}` is a permitted disease, or a kind of one",
                ),
                no=(
                    f"「{label.ja}」は許可された疾患に含まれません",
                    f"`{label.en}` is not a permitted disease, nor a kind of one",
                ),
            )


def _ancestry(view: RequestView, given: DuoTerm) -> Iterator[Point]:
    if given.code in {"HMB", "DS"} and IntendedUse.ANCESTRY_RESEARCH in view.request.uses:
        yield _by(
            given,
            refuse(
                "ancestry",
                f"「{given.label.ja}」に集団の起源や祖先の研究は含まれません",
                f"`{given.label.en}` does not include the study of population origins or ancestry",
            ),
        )


def _by(term: DuoTerm, point: Point) -> Point:
    return Point(point.code, point.verdict, point.text, term.id, citation(term))


def ehds_purpose_is_open(view: RequestView, parameters: Parameters) -> Iterator[Point]:
    """EHDS-53: the letter is one of the policy's; (a) to (c) only for public bodies (parameters name both).

    A policy that names no letter asks for none; the letters for public bodies are closed to others all the same.
    """
    letter, named = view.request.ehds53, view.release.purposes.ehds53
    if named:
        names = Text(ja=EHDS53[letter].ja, en=EHDS53[letter].en) if letter else Text(ja="なし", en="none")
        yield hold(
            "ehds53",
            letter in named,
            yes=(
                f"EHDS 53条の目的「{names.ja}」はポリシーにあります",
                f"the purpose `{names.en}` is one of the policy's",
            ),
            no=(
                f"EHDS 53条の目的「{names.ja}」はポリシーにありません",
                f"the purpose `{names.en}` is not one of the policy's",
            ),
        )
    closed = words(parameters, "public_body_purposes") if "public_body_purposes" in parameters else PUBLIC_LETTERS
    bodies = words(parameters, "public_bodies") if "public_bodies" in parameters else PUBLIC_BODIES
    is_public_body = view.recipient is not None and view.recipient.kind in bodies
    if letter in closed and not is_public_body:
        yield refuse(
            "ehds53-public",
            f"EHDS 53条({letter})の目的は公的機関に限られます",
            f"the purpose of EHDS art. 53(1)({letter}) is for public bodies only",
        )


def care_is_seen_by_a_person(view: RequestView, _: Parameters) -> Iterator[Point]:
    """Use in care is never decided by a machine: a research release is not made for it."""
    if IntendedUse.CLINICAL_CARE in view.request.uses:
        yield Point(
            "clinical-care",
            Verdict.ASK,
            Text(
                ja="診療での利用は人の確認が必要です",
                en="use in care; a person must see whether these data may serve it",
            ),
        )
