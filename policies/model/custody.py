"""Who keeps what could undo a treatment, and where: the 加工方法等情報 and 削除情報等 of the Act (APPI 41(2), 43(2); Rules 32, 35)."""

from datetime import date
from typing import Annotated

from pydantic import Field

from policies.model.strictness import PolicyModel, Text
from policies.vocabulary import Keeping, Restorable


class Artefact(PolicyModel):
    """One thing that could restore what was taken away, and where it is."""

    what: Restorable
    kept: Keeping


class Custody(PolicyModel):
    """The vault, the roles that may open it, what is in it, and when the arrangement was last reviewed.

    `roles` are functions, not people's names. `access_log` says where the openings of the vault are recorded.
    """

    vault: Annotated[str, Field(min_length=3)]
    roles: Annotated[tuple[Text, ...], Field(min_length=1)]
    access_log: Annotated[str, Field(min_length=3)]
    artefacts: Annotated[tuple[Artefact, ...], Field(min_length=1)]
    reviewed_on: date
