"""What a dataset says of itself beyond its columns: the purpose people were told, media that may show a person."""

from datetime import date
from typing import Annotated

from pydantic import Field

from policies.model.strictness import PolicyModel, Text


class PurposeOfUse(PolicyModel):
    """The purpose of use as specified to people (利用目的, APPI 17, 21), and the DUO permission it amounts to."""

    text: Text
    duo: Annotated[str, Field(pattern=r"^DUO:\d{7}$")]
    url: Annotated[str, Field(min_length=4)]
    published_on: date


class Media(PolicyModel):
    """What a column holds that is not text or number: images, sound, signals (APPI Order 1(i)(b)-(g)).

    `shows_features`: a face, iris, voice, gait, vein, finger or palm print could be computed from it, such as the face from
    an MR of the head. `judged_by` names who judged that.
    """

    type: Annotated[str, Field(pattern=r"^[a-z]+/[a-z0-9.+-]+$")]
    shows_features: bool
    judged_by: Annotated[str, Field(min_length=3)]
