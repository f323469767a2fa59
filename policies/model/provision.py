"""The papers behind a provision: joint use, academic publication, measures of a recipient abroad (APPI 27, 28)."""

from datetime import date
from typing import Annotated

from pydantic import Field

from policies.model.strictness import PolicyModel, Text


class Responsible(PolicyModel):
    """Who answers for jointly used data (APPI 27(5)(iii))."""

    name: Text
    address: Text
    representative: Text


class JointUse(PolicyModel):
    """The five items of which people are told before data are used jointly (APPI 27(5)(iii)), and where and when.

    The fact of joint use is the notice itself; the others are written out.
    """

    items: Text
    users: Text
    purpose: Text
    responsible: Responsible
    notice_url: Annotated[str, Field(min_length=4)]
    notified_on: date


class InfringementAssessment(PolicyModel):
    """Whether a publication would unduly infringe the rights of the people in it (APPI 27(1)(v))."""

    memo: Annotated[str, Field(min_length=3)]
    assessed_on: date
    is_undue: bool


class EquivalentMeasures(PolicyModel):
    """The system by which a recipient abroad keeps measures equal to the Act's (APPI 28(3); Rules 16, 18)."""

    system: Annotated[str, Field(min_length=3)]
    checked_on: date
