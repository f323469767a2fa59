"""Rules on who may give what to whom, on which article (APPI-05, 06, 08, 10, 11, 12, 19, 31; CONS-04)."""

from collections.abc import Iterator

from policies.rules.view import DatasetView, Parameters, Problem, ReleaseView, listed, words
from policies.vocabulary import (
    AcquisitionBasis,
    ColumnClass,
    ConsentBasis,
    ControllerType,
    OutputCategory,
    ProvisionBasis,
    RecipientKind,
    TableKind,
)

_BASIS = ("provision_basis",)
_SECTION_4 = frozenset({ProvisionBasis.ANONYMIZED_43, ProvisionBasis.ANONYMIZED_FORWARD_44})
_INSIDE = frozenset({ProvisionBasis.OUTSOURCING_27_5_1, ProvisionBasis.JOINT_USE_27_5_3, ProvisionBasis.LAW_27_1_1})
"""What is not a provision to a third party, and what a law orders (APPI 41(6), 27(5))."""


def special_care_is_declared(view: DatasetView, _: Parameters) -> Iterator[Problem]:
    """APPI-05: a clinical dataset says which of its columns are special-care-required."""
    tables = [table for table in view.dataset.data_tables if table.kind is not TableKind.REFERENCE]
    if tables and not any(ColumnClass.SPECIAL_CARE in column.classes for table in tables for column in table.columns):
        what = "no column is declared as special-care-required (要配慮個人情報)"
        yield Problem(what, "add `special_care` to the class of diagnoses, results, treatments", ("tables",))


def acquisition_fits(view: DatasetView, parameters: Parameters) -> Iterator[Problem]:
    """APPI-06: the basis of acquisition is one that this controller can have."""
    basis, controller = view.dataset.acquisition_basis, view.dataset.controller.type
    keys = ("acquisition_basis",)
    academic = words(parameters, "academic_controllers")
    if basis in {AcquisitionBasis.ACADEMIC_20_2_5, AcquisitionBasis.ACADEMIC_20_2_6} and controller not in academic:
        what = f"the basis '{basis.value}' is for academic institutions; the controller is a {controller.en}"
        yield Problem(what, "use `consent`, or correct `controller.type`", keys)
    if basis is AcquisitionBasis.OWN_CARE and controller.value.startswith("ngmi_"):
        what = f"a {controller.en} gives no care of its own"
        yield Problem(what, "name the basis on which the data were received", keys)
    if basis is AcquisitionBasis.CONSENT and view.dataset.consent.basis is not ConsentBasis.OPT_IN:
        what = "the data were acquired by consent, but no consent register says whose"
        yield Problem(what, "write `consent: {basis: opt_in, register: …}`", ("consent", "basis"))
    if basis is AcquisitionBasis.RECEIVED_ANONYMIZED:
        yield from _received_anonymized(view)


def _received_anonymized(view: DatasetView) -> Iterator[Problem]:
    identifying = {ColumnClass.DIRECT_IDENTIFIER, ColumnClass.IDENTIFICATION_CODE}
    for table_index, table in enumerate(view.dataset.tables):
        for column_index, column in enumerate(table.columns):
            if identifying & set(column.classes):
                what = f"the data were received anonymized, but '{table.name}.{column.name}' identifies people"
                keys = ("tables", table_index, "columns", column_index)
                yield Problem(what, "correct the basis, or refuse the delivery", keys)


def provision_has_its_basis(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """APPI-08: personal data leave on consent that a register and a text prove, or on an item with a paper behind it."""
    release = view.release
    if view.category is not OutputCategory.PERSONAL_DATA:
        return
    if release.provision_basis is ProvisionBasis.CONSENT_27_1:
        yield from _consented(view)
    for index, recipient in enumerate(release.recipients):
        if not recipient.contract:
            what = f"recipient {recipient.id} has no contract that shows {release.provision_basis.en}"
            yield Problem(what, "write the number of the contract or memorandum", ("recipients", index))


def _consented(view: ReleaseView) -> Iterator[Problem]:
    release = view.release
    registered = [one for one in view.datasets.values() if one.consent.basis is ConsentBasis.OPT_IN]
    # Controlled rows leave only for people who are in every dataset, so one register of consents covers them all.
    is_cut_to_all = release.method.kind == "controlled_rows" and bool(registered)
    for dataset in () if is_cut_to_all else view.datasets.values():
        if dataset not in registered:
            what = f"the release rests on consent, but dataset '{dataset.id}' has no consent register (opt_in)"
            yield Problem(what, "register consents, or use another basis", _BASIS)
    for dataset in registered:
        text = dataset.consent.text
        if text is None or not text.third_party:
            what = f"no consent text of '{dataset.id}' speaks of provision to third parties"
            yield Problem(what, "write `consent.text` of the dataset as people signed it", _BASIS)
            continue
        for index, recipient in enumerate(release.recipients):
            if recipient.kind is RecipientKind.COMPANY and not text.commercial:
                what = f"recipient {recipient.id} is a company, of which text {text.version} does not speak (企業利用の同意なし)"
                yield Problem(what, "remove it, or ask people again", ("recipients", index, "kind"))


def joint_research_is_agreed(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """APPI-10: academic provision under 27(1)(vi) is joint research of an academic provider with the recipient."""
    if view.release.provision_basis is not ProvisionBasis.ACADEMIC_JOINT_27_1_6:
        return
    academic = words(parameters, "academic_controllers")
    for dataset in view.datasets.values():
        if dataset.controller.type not in academic:
            what = f"the holder of '{dataset.id}' is a {dataset.controller.type.en}, not an academic institution"
            yield Problem(what, "use consent, or the recipient's own basis (27(1)(vii))", _BASIS)
    for index, recipient in enumerate(view.release.recipients):
        if not recipient.contract:
            what = f"recipient {recipient.id} has no joint-research agreement"
            yield Problem(what, "write its number as `contract`", ("recipients", index))


def recipient_is_academic(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """APPI-11: under 27(1)(vii) the recipient is an academic research institution."""
    if view.release.provision_basis is not ProvisionBasis.ACADEMIC_RECIPIENT_27_1_7:
        return
    for index, recipient in enumerate(view.release.recipients):
        if recipient.kind is not RecipientKind.ACADEMIC:
            what = f"recipient {recipient.id} is a {recipient.kind.en} (提供先が学術研究機関等でない)"
            yield Problem(what, "remove it, or use another basis", ("recipients", index, "kind"))


def special_care_is_not_opted_out(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """APPI-12: provision by opt-out (27(2)) is closed for special-care data."""
    if view.release.provision_basis is not ProvisionBasis.OPT_OUT_27_2:
        return
    for fate in view.fates:
        if fate.has(ColumnClass.SPECIAL_CARE) and fate.is_used:
            what = f"{fate.name} is special-care-required (要配慮個人情報はオプトアウト不可)"
            yield Problem(what, "use consent, or release anonymized information", fate.keys)


def pseudonymized_stays_inside(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """APPI-19: pseudonymized information goes to nobody but processors, joint users, and whom a law names."""
    release = view.release
    if view.category is not OutputCategory.PSEUDONYMIZED_APPI:
        return
    if release.provision_basis not in _INSIDE:
        what = f"pseudonymized information leaves on {release.provision_basis.en} (仮名加工情報は第三者提供不可)"
        yield Problem(what, "use outsourcing or joint use, or anonymize", _BASIS)
    for index, recipient in enumerate(release.recipients):
        if recipient.kind is RecipientKind.PUBLIC or not recipient.contract:
            what = f"recipient {recipient.id} is neither processor nor joint user by contract (仮名加工情報は第三者提供不可)"
            yield Problem(what, "remove it, or name its contract of outsourcing or joint use", ("recipients", index))


def section_4_is_private(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """APPI-31: arts. 43-46 do not apply to corporations of appended table 2, public hospitals and organs."""
    excluded = words(parameters, "excluded_controllers")
    if view.release.provision_basis not in _SECTION_4:
        return
    for dataset in view.datasets.values():
        if dataset.controller.type in excluded:
            what = f"the holder of '{dataset.id}' is a {dataset.controller.type.en} (別表第二法人等は第4節適用除外)"
            yield Problem(what, "use art. 116 (admin_anonymized_116), the NGMI route, or consent", _BASIS)


def _onward(view: ReleaseView) -> Iterator[Problem]:
    """Tell making anonymized information (43) from passing on what was received as such (44)."""
    is_onward = view.release.provision_basis is ProvisionBasis.ANONYMIZED_FORWARD_44
    for dataset in view.datasets.values():
        is_received = dataset.acquisition_basis is AcquisitionBasis.RECEIVED_ANONYMIZED
        if is_onward and not is_received:
            what = f"'{dataset.id}' was not received as anonymized information, so it is not passed on but made"
            yield Problem(what, "write `anonymized_43`", _BASIS)


def category_fits(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """CONS-04: category, basis and controller stand together in the compatibility table."""
    release, category = view.release, view.category
    bases = words(parameters, f"{category.value}_bases")
    controllers = words(parameters, f"{category.value}_controllers")
    if release.provision_basis not in bases:
        what = f"{category.en} ({category.ja}) does not leave on {release.provision_basis.en}"
        yield Problem(what, f"use one of {listed(bases)}", _BASIS)
    yield from _onward(view)
    for dataset in view.datasets.values():
        kind: ControllerType = dataset.controller.type
        if kind not in controllers:
            what = f"a {kind.en} ('{dataset.id}') does not make {category.en} ({category.ja})"
            yield Problem(
                what, f"choose a category open to it; this one is for {listed(controllers)}", ("output_category",)
            )
