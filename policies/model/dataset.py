"""The dataset policy: what the data are, who holds them, on what basis, and what every column is."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from policies.model.certification import Certification, SafetyControl
from policies.model.incident import IncidentDesk
from policies.model.notice import ConsentText, Notice, OptOutPoster
from policies.model.scan import FalseAlarm
from policies.model.sharing import EhdsFacts, IncidentalFindings, PublicSource, Sharing, UsPersons
from policies.model.source import DelimitedSource, Source
from policies.model.specifics import Media, PurposeOfUse
from policies.model.strictness import ColumnName, Name, PolicyModel, Text
from policies.vocabulary import (
    AcquisitionBasis,
    ColumnClass,
    ColumnMeaning,
    ColumnRole,
    ColumnType,
    ConsentBasis,
    ControllerType,
    IdentificationCode,
    TableKind,
)


class Contact(PolicyModel):
    """Where people may turn to; shown in the catalog."""

    name: Text
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]
    url: str | None = None


class Controller(PolicyModel):
    """Who holds the data (個人情報取扱事業者等).

    `measures_url` is where the safety measures are published (APPI 43(6), 46, 59); `certification` and `safety` are those
    of an operator that the NGMI Act certifies.
    """

    name: Text
    type: ControllerType
    contact: Contact
    measures_url: str | None = None
    certification: Certification | None = None
    safety: SafetyControl | None = None


class Steward(PolicyModel):
    """The team that answers for the dataset; becomes the owner of its assets."""

    team: Annotated[str, Field(pattern=r"^team:[a-z][a-z0-9-]*$")]
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]


class Column(PolicyModel):
    """One column: its legal classes, its label and its role.

    `class` takes one class or a list. `code` says which identification code it is. `date_calendars` lists the
    calendars a date may be written in. `allowed` closes the values; others are quarantined. `meaning` is written where a
    rule speaks of just that, such as municipalities; `media` where the column holds images, sound or signals.
    """

    name: ColumnName
    ja: Annotated[str, Field(min_length=1)]
    en: str | None = None
    type: ColumnType = ColumnType.STRING
    classes: Annotated[
        tuple[ColumnClass, ...],
        Field(min_length=1, validation_alias="class", serialization_alias="class"),
    ]
    role: ColumnRole
    code: IdentificationCode | None = None
    required: bool = False
    unit: str | None = None
    code_system: str | None = None
    references: str | None = None
    date_calendars: tuple[Literal["iso", "wareki", "slash", "compact", "omop"], ...] = ("iso",)
    allowed: tuple[str, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    meaning: ColumnMeaning | None = None
    media: Media | None = None

    @field_validator("classes", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        # Strict loading takes no list where a tuple is meant, once a validator has run.
        return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _code_needs_its_class(self) -> Self:
        if (self.code is not None) != (ColumnClass.IDENTIFICATION_CODE in self.classes):
            msg = "`code` is written exactly when the class is identification_code"
            raise ValueError(msg)
        return self


class TablePolicy(PolicyModel):
    """One table of a dataset; every column of the source is listed, in any order."""

    name: Name
    kind: TableKind
    title: Text
    source: Source
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]
    ignored_columns: tuple[ColumnName, ...] = ()
    samples: Name | None = None

    @model_validator(mode="after")
    def _named_columns_exist(self) -> Self:
        if isinstance(self.source, DelimitedSource) and not set(self.source.columns_from_path) <= {
            column.name for column in self.columns
        }:
            msg = "`columns_from_path` gives a column that `columns` does not list"
            raise ValueError(msg)
        return self

    def column(self, name: str) -> Column | None:
        """Return the column called `name`, or None."""
        return next((column for column in self.columns if column.name == name), None)

    def with_role(self, role: ColumnRole) -> tuple[Column, ...]:
        """Return the columns that have `role`, in policy order."""
        return tuple(column for column in self.columns if column.role is role)

    @property
    def person_key(self) -> str | None:
        """The name of the column that names the person, or None for a table without one."""
        keys = self.with_role(ColumnRole.PERSON_KEY)
        return keys[0].name if keys else None


class Register(PolicyModel):
    """Which table is the register, and what its decision codes mean; an unknown code stops the pipeline.

    `receipt` names the column with the day on which a receipt was given, `relation` the one that says who asked;
    `keep_years` is how long an entry is kept (NGMI-04, NGMI-06).
    """

    table: Name
    decision: ColumnName
    decided_on: ColumnName
    consented: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    receipt: ColumnName | None = None
    relation: ColumnName | None = None
    keep_years: Annotated[int, Field(ge=1)] | None = None


class Waiting(PolicyModel):
    """The waiting period between notice and first use (rule NGMI-03; a house rule elsewhere)."""

    notice_on: date
    wait_days: Annotated[int, Field(ge=0, le=3660)]


class Consent(PolicyModel):
    """Whose data may be used: the basis, the register, the waiting period, and what people were told."""

    basis: ConsentBasis
    register_: Annotated[Register | None, Field(alias="register")] = None
    waiting: Waiting | None = None
    reason: str | None = None
    text: ConsentText | None = None
    poster: OptOutPoster | None = None
    notices: tuple[Notice, ...] | None = None

    @model_validator(mode="after")
    def _basis_fits(self) -> Self:
        if self.basis is ConsentBasis.NOT_REQUIRED and (self.register_ is not None or not self.reason):
            msg = "`not_required` needs a `reason` and no register"
            raise ValueError(msg)
        if self.basis is not ConsentBasis.NOT_REQUIRED and self.register_ is None:
            msg = "`opt_in` and `opt_out` need a `register`"
            raise ValueError(msg)
        return self


class DatasetPolicy(PolicyModel):
    """What a dataset is; one file a dataset, signed by its steward.

    Everything after `tables` is said only where a regime asks for it; a rule pack that needs a fact refuses its absence.
    `population` names the people in it: the privacy account that every differentially private release of them is charged to.
    """

    schema_: Annotated[Literal["niji/dataset/v1"], Field(alias="schema")]
    id: Name
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    title: Text
    description: Text
    controller: Controller
    steward: Steward
    acquisition_basis: AcquisitionBasis
    consent: Consent
    project: Name
    tables: Annotated[tuple[TablePolicy, ...], Field(min_length=1)]
    population: Name | None = None
    purpose_of_use: PurposeOfUse | None = None
    sharing: Sharing | None = None
    incident_desk: IncidentDesk | None = None
    incidental_findings: IncidentalFindings | None = None
    deceased_included: bool | None = None
    derived_from: tuple[PublicSource, ...] | None = None
    us_persons: UsPersons | None = None
    ehds: EhdsFacts | None = None
    false_alarms: tuple[FalseAlarm, ...] | None = None

    def table(self, name: str) -> TablePolicy | None:
        """Return the table called `name`, or None."""
        return next((table for table in self.tables if table.name == name), None)

    @property
    def data_tables(self) -> tuple[TablePolicy, ...]:
        """The tables that are data, not the consent register."""
        return tuple(table for table in self.tables if table.kind is not TableKind.REGISTER)
