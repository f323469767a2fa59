"""What people were told before their data were given away, and what they agreed to (NGMI 52, 57; ethics guideline, part 4)."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from policies.model.strictness import PolicyModel
from policies.vocabulary import NoticeItem


class Notice(PolicyModel):
    """The individual notice and the filing with the ministers before provision to a certified maker.

    Articles 52 (`anonymized`) and 57 (`pseudonymized`) each want a notice of their own. `items` are items (i) to (viii) of
    the paragraph. `first_provided_on` is the day on which data first went, or go, to the maker.
    """

    purpose: Literal["anonymized", "pseudonymized"]
    notified_on: date
    items: Annotated[tuple[NoticeItem, ...], Field(min_length=1)]
    filing_no: Annotated[str, Field(min_length=1)]
    filed_on: date
    stop_channel: Annotated[str, Field(min_length=4)]
    bereaved_may_stop: bool
    first_provided_on: date


class ConsentText(PolicyModel):
    """What the explanatory document of a study says people agree to; `foreign` lists the countries it names.

    `model_text` names the template that it follows, such as that of AMED; null where it follows none.
    """

    version: Annotated[str, Field(min_length=1)]
    third_party: bool
    commercial: bool
    foreign: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] = ()
    model_text: str | None = None

    @model_validator(mode="after")
    def _nothing_without_third_parties(self) -> Self:
        if not self.third_party and (self.commercial or self.foreign):
            msg = "`commercial` and `foreign` are provisions to third parties; write `third_party: true`"
            raise ValueError(msg)
        return self


class OptOutPoster(PolicyModel):
    """The public notice by which people may object to research without consent (オプトアウト文書)."""

    url: str
    published_on: date
