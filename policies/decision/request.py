"""What a request says, as a plain record: who asks for which release, for what, where, how long, under which promises.

Outside input, so strict: unknown keys, lower-case ids and full-width digits are refused, not mended. It holds no value
of any cell and no key; the people in it are the users of the data, not those whom the data are about.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from policies.decision.uses import IntendedUse, Undertaking
from policies.model.strictness import Name, PolicyModel
from policies.model.use_conditions import Country, Word
from policies.vocabulary import ProhibitedUse, RecipientKind, TermsClause

Words = Annotated[str, StringConstraints(min_length=1, max_length=4000, strip_whitespace=True)]
VariableName = Annotated[str, StringConstraints(pattern=r"^[^.\s][^.]{0,119}\.[^.]{1,120}$")]
"""A column that leaves, as `table.column`."""

# `\d` would take digits of every script: '１' is not '1' to who compares ids later.
RECIPIENT_ID = r"^[A-Z]+-[0-9]{1,9}$"
VERSION = r"^[0-9]+\.[0-9]+\.[0-9]+$"
DUO_ID = r"^DUO:[0-9]{7}$"
MONDO_ID = r"^MONDO:[0-9]{7}$"


class EthicsApproval(PolicyModel):
    """The approval of the applicant's own study; a date that is not known is left out, and then asked for."""

    committee_no: Words
    approved_on: date | None = None
    expires_on: date | None = None


class _Asked(PolicyModel):
    """What every request says, whichever release it is for.

    `period_from` and `period_to` are both inclusive. `country` is where the data will be kept and used.
    `variables` are the columns that leave and are needed, as `table.column`; none means all. `own_data` says what the
    applicant brings in beside the data. `delete_by` is the day by which all copies are deleted.
    """

    recipient: Annotated[str, Field(pattern=RECIPIENT_ID)]
    recipient_kind: RecipientKind | None = None
    country: Country | None = None
    users: tuple[Word, ...] = ()
    purpose: Words
    benefit: Words | None = None
    duo: Annotated[str, Field(pattern=DUO_ID)]
    mondo: tuple[Annotated[str, Field(pattern=MONDO_ID)], ...] = ()
    ehds53: Literal["a", "b", "c", "d", "e", "f"] | None = None
    is_commercial: bool
    uses: tuple[IntendedUse, ...] = ()
    project: Word | None = None
    study_type: Word | None = None
    partner: Word | None = None
    answer: Literal["rows", "statistics"] = "rows"
    variables: tuple[VariableName, ...] = ()
    minimum_reason: Words | None = None
    pseudonymized_reason: Words | None = None
    own_data: Words | None = None
    wants_opted_out: bool = False
    ethics: EthicsApproval | None = None
    period_from: date
    period_to: date
    delete_by: date | None = None
    publishes_on: date | None = None
    security: Literal["type1", "type2"]
    safeguards: Words | None = None
    accepted_prohibitions: tuple[ProhibitedUse, ...]
    accepted_terms: tuple[TermsClause, ...] = ()
    undertakings: tuple[Undertaking, ...] = ()


class AccessRequest(_Asked):
    """One request for an extract (or for a statistical answer) of one version of one release."""

    release: Name
    release_version: Annotated[str, Field(pattern=VERSION)]


class CaseRequest(_Asked):
    """The request of a decision case; without a release and a version of its own it asks for what it is held against."""

    release: Name | None = None
    release_version: Annotated[str, Field(pattern=VERSION)] | None = None

    def for_release(self, release: str, version: str) -> AccessRequest:
        """Return the request, with release and version filled in where the case names none."""
        said = {name: getattr(self, name) for name in type(self).model_fields}
        asked = {"release": self.release or release, "release_version": self.release_version or version}
        return AccessRequest.model_validate({**said, **asked})


class RequestFile(AccessRequest):
    """A request as a file of its own."""

    schema_: Annotated[Literal["niji/request/v1"], Field(alias="schema")]
