"""What the identifier scanner can find, and the register of its known false alarms.

The kinds are a closed vocabulary because a steward writes them in a dataset policy. What they look like, and what a hit
means, is in `anonymization`; nothing here touches data.
"""

from datetime import date, timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from policies.model.strictness import ColumnName, Name, PolicyModel, Text
from policies.vocabulary import Labelled

MAX_FALSE_ALARM_DAYS = 366
"""House rule: a false alarm is looked at again within a year."""


class IdentifierKind(Labelled):
    """What kind of identifier was found."""

    MY_NUMBER = "my_number", "個人番号", "My Number"
    RESIDENT_CODE = "resident_code", "住民票コード", "resident record code"
    CORPORATE_NUMBER = "corporate_number", "法人番号", "corporate number"
    INSURER_NUMBER = "insurer_number", "保険者番号", "insurer number"
    INSURED_NUMBER = "insured_number", "被保険者等記号・番号", "insured symbol and number"
    LATE_ELDERLY = "late_elderly", "後期高齢者医療 被保険者番号", "late-elderly insured number"
    LONG_TERM_CARE = "long_term_care", "介護保険 被保険者番号", "long-term-care insured number"
    PUBLIC_EXPENSE_PAYER = "public_expense_payer", "公費負担者番号", "public-expense payer number"
    PUBLIC_EXPENSE_RECIPIENT = "public_expense_recipient", "公費受給者番号", "public-expense recipient number"
    MEDICAL_INSTITUTION = "medical_institution", "医療機関コード", "medical institution code"
    DRIVER_LICENCE = "driver_licence", "運転免許証番号", "driver's licence number"
    PASSPORT = "passport", "旅券番号", "passport number"
    RESIDENCE_CARD = "residence_card", "在留カード・特別永住者証明書番号", "residence-card number"
    BASIC_PENSION = "basic_pension", "基礎年金番号", "basic pension number"
    EMPLOYMENT_INSURANCE = "employment_insurance", "雇用保険被保険者番号", "employment-insurance number"
    PATIENT_NUMBER = "patient_number", "患者番号", "patient number"
    PHONE = "phone", "電話・FAX番号", "telephone or fax number"
    POSTAL_CODE = "postal_code", "郵便番号", "postal code"
    EMAIL = "email", "電子メールアドレス", "e-mail address"
    URL = "url", "URL", "web address"
    IP_ADDRESS = "ip_address", "IPアドレス", "IP address"
    NAME = "name", "氏名", "name"
    ADDRESS = "address", "番地までの住所", "address down to the lot"
    WAREKI_DATE = "wareki_date", "和暦日付", "date in a Japanese era"


class FalseAlarm(PolicyModel):
    """One known false alarm: what the scanner takes for an identifier in this column is none.

    It stands in the dataset policy, so the steward's signature covers it. Accepted kinds are reported and do not block;
    after `expires_on` the alarm counts again. A My Number or a resident code is accepted only while the data show no
    more right check digits than chance gives.
    """

    table: Name
    column: ColumnName
    kind: IdentifierKind
    reason: Text
    by: Annotated[str, Field(min_length=1, max_length=120)]
    accepted_on: date
    expires_on: date

    @model_validator(mode="after")
    def _ends_within_a_year(self) -> Self:
        if not timedelta(0) < self.expires_on - self.accepted_on <= timedelta(days=MAX_FALSE_ALARM_DAYS):
            msg = f"`expires_on` is 1 to {MAX_FALSE_ALARM_DAYS} days after `accepted_on`"
            raise ValueError(msg)
        return self

    def is_in_force(self, on: date) -> bool:
        """Return whether the entry counts on a day; the last day is included."""
        return self.accepted_on <= on <= self.expires_on
