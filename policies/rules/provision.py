"""Rules on provision that need a paper: academic publication, insiders, recipients abroad (APPI-09, 13, 14)."""

from collections.abc import Iterator

from policies.model import Recipient
from policies.places import Key
from policies.rules.view import Parameters, Problem, ReleaseView, number, words
from policies.vocabulary import ConsentBasis, ProvisionBasis, RecipientKind

_BASIS = ("provision_basis",)
_JOINT: tuple[Key, ...] = ("joint_use",)


def publication_is_unavoidable(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """APPI-09: an academic holder assessed, before the release, that nobody's rights are unduly infringed."""
    academic = words(parameters, "academic_controllers")
    for dataset in view.datasets.values():
        if dataset.controller.type not in academic:
            what = f"the holder of '{dataset.id}' is a {dataset.controller.type.en}, not an academic institution"
            yield Problem(what, "use consent, or another basis", _BASIS)
    assessment = view.release.infringement_assessment
    if assessment is None:
        what = "nobody assessed whether the publication infringes rights and interests (権利利益の侵害)"
        yield Problem(what, "write `infringement_assessment` with its memo", _BASIS)
    elif assessment.is_undue or assessment.assessed_on > view.release.effective_from:
        what = "the assessment finds undue infringement, or came after the release"
        yield Problem(what, "do not publish on this basis", ("infringement_assessment",))


def insiders_are_named(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """APPI-13: joint use has its notice of five items beforehand; a processor has its contract."""
    release = view.release
    if release.provision_basis is ProvisionBasis.JOINT_USE_27_5_3:
        joint = release.joint_use
        if joint is None:
            what = "joint use has no notice of its items, users, purpose and responsible person (共同利用の5項目)"
            yield Problem(what, "write `joint_use`", _BASIS)
        elif joint.notified_on > release.effective_from:
            what = "people are told of the joint use after it begins"
            yield Problem(what, "give notice first, or move `effective_from`", (*_JOINT, "notified_on"))
    for index, recipient in enumerate(release.recipients):
        if recipient.kind is RecipientKind.PUBLIC or not recipient.contract:
            what = f"recipient {recipient.id} is neither processor nor joint user by contract"
            yield Problem(what, "write the number of its contract, or remove it", ("recipients", index))


def foreign_recipients_are_safe(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """APPI-14: data about people go abroad to a designated country, on informed consent, or under measures that are checked.

    Consent covers a country that the consent text names, upon the information sheet that `safeguard` names.
    """
    designated = words(parameters, "designated_countries")
    for index, recipient in enumerate(view.release.recipients):
        keys: tuple[Key, ...] = ("recipients", index, "country")
        if recipient.country == "JP" or recipient.country in designated or _is_consented(view, recipient):
            continue
        measures = recipient.equivalent_measures
        if measures is None:
            what = f"recipient {recipient.id} is in {recipient.country}, with no safeguard (外国第三者提供)"
            fix = "name the information sheet as `safeguard` and the country in the consent text, or `equivalent_measures`"
            yield Problem(what, fix, keys)
        elif not 0 <= (view.on - measures.checked_on).days <= number(parameters, "checked_within_days"):
            what = f"the equivalent measures of recipient {recipient.id} were not checked within the year"
            yield Problem(what, "check them and write `checked_on`", keys)


def _is_consented(view: ReleaseView, recipient: Recipient) -> bool:
    texts = [one.consent.text for one in view.datasets.values() if one.consent.basis is ConsentBasis.OPT_IN]
    is_named = bool(texts) and all(text is not None and recipient.country in text.foreign for text in texts)
    return is_named and bool(recipient.safeguard)
