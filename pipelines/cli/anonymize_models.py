"""The options of `niji anonymize` that ask for models of sensitive columns: from `COLUMN=NUMBER` to what the engine takes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.cli.hierarchy_files import HierarchyFile, read_hierarchies
from policies.errors import UsageError

if TYPE_CHECKING:
    from anonymization.sensitive_models import AskedModel
    from policies.model.sensitive import SensitiveModel

_FORMS: Mapping[str, tuple[str, str, str]] = {
    "l": ("distinct_l", "COLUMN=L with L a whole number of 2 or more", "diagnosis=3"),
    "entropy-l": ("entropy_l", "COLUMN=L with L of 2 or more", "diagnosis=2.5"),
    "recursive-l": ("recursive_l", "COLUMN=C,L with C above 0 and L a whole number of 2 or more", "diagnosis=4,3"),
    "positive-recursive-l": (
        "positive_recursive_l",
        "COLUMN=C,L,VALUE,... with C above 0, L a whole number of 2 or more, and the values that may become known",
        "diagnosis=4,3,healthy",
    ),
    "t": ("t_closeness", "COLUMN=T with T between 0 and 1", "diagnosis=0.2"),
    "alpha": ("alpha_share", "COLUMN=A with A between 0 and 1", "diagnosis=0.5"),
    "beta": ("beta_likeness", "COLUMN=B or COLUMN=B,basic with B above 0", "diagnosis=2"),
    "delta": ("delta_disclosure", "COLUMN=D with D above 0", "diagnosis=1.5"),
}
"""By option: the model, the form that is asked for, and an example."""
_DISTANCES = ("equal", "ordered", "hierarchical")
_FILE = "column-file"
"""What a policy record calls the hierarchy that was read from the column's file; its digest is in the evidence."""


@dataclass(frozen=True, slots=True)
class AskedModels:
    """The models, and the files that say how far the values of their columns are apart, by column."""

    models: tuple["AskedModel", ...] = ()
    files: Mapping[str, HierarchyFile] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The sensitive columns, each once."""
        return tuple(dict.fromkeys(model.column for model in self.models))


def read_models(options: Mapping[str, Sequence[str] | None], *, folder: Path) -> AskedModels:
    """Return the models that the options ask for.

    Args:
        options: What was given, by the option's name without dashes in front; `distance` says it for columns of `t`.
        folder: The folder of hierarchies; a hierarchical distance reads the column's file, an ordered one takes the
            order of its rows, or numbers by their value where there is no file.

    Raises:
        UsageError: A text that is not of its option's form, a model twice, a distance without its model, no file for a
            hierarchical distance.
    """
    distances = dict(_distance(text) for text in options.get("distance") or ())
    stray = sorted(set(distances) - {_split("t", text)[0] for text in options.get("t") or ()})
    if stray:
        raise UsageError(
            "usage.distance",
            what=f"--distance names {', '.join(repr(column) for column in stray)}, for which no --t is given",
            why="a distance belongs to t-closeness",
            fix="add --t for the column, or leave --distance out",
        )
    files: dict[str, HierarchyFile] = {}
    models: dict[tuple[str, str], AskedModel] = {}
    for option in _FORMS:
        for text in options.get(option) or ():
            column, numbers = _split(option, text)
            if (option, column) in models:
                raise _twice(option, column)
            values = dict(_values(option, numbers))
            found = files_of(column, distances.get(column, "equal"), folder) if option == "t" else None
            if found is not None:
                files[column] = found
            models[option, column] = _model(option, column, values, distances.get(column, "equal"), found)
    return AskedModels(tuple(models.values()), files)


def files_of(column: str, distance: str, folder: Path) -> HierarchyFile | None:
    """Return the file that places a column's values: of need for a hierarchical distance, if there for an ordered one."""
    if distance == "hierarchical":
        return read_hierarchies(folder, [column])[column]
    if distance == "ordered":
        try:
            return read_hierarchies(folder, [column])[column]
        except UsageError as error:
            if error.code != "usage.hierarchy-missing":
                raise
    return None


def _model(
    option: str, column: str, values: Mapping[str, Any], distance: str, file: HierarchyFile | None
) -> "AskedModel":
    from anonymization.sensitive_models import TreeCloseness
    from policies.model.sensitive import Closeness

    more: dict[str, Any] = {}
    if option == "t":
        more = {"distance": distance}
        if distance == "hierarchical":
            more["hierarchy"] = _FILE
        elif distance == "ordered":
            more["order"] = "numeric" if file is None else _order_of(column, file)
    record = _record(option, {"model": _FORMS[option][0], "column": column, **values, **more})
    if isinstance(record, Closeness) and distance == "hierarchical" and file is not None:
        return TreeCloseness(record, file.hierarchy)
    return record


def _order_of(column: str, file: HierarchyFile) -> tuple[str, ...]:
    if file.hierarchy.rule is not None:
        raise UsageError(
            "usage.distance",
            what=f"the hierarchy of '{column}' knows values by rule, so its rows are no order of all values",
            why="an ordered distance needs the place of every value",
            fix=f"give rows in their order (…{column}.csv), or take --distance {column}=hierarchical",
        )
    return file.hierarchy.leaves


def _record(option: str, plain: Mapping[str, Any]) -> "SensitiveModel":
    from pydantic import TypeAdapter, ValidationError

    from policies.model.sensitive import SensitiveModel, WrittenModel

    reader: TypeAdapter[SensitiveModel] = TypeAdapter(WrittenModel)
    try:
        return reader.validate_python(plain)
    except ValidationError:
        raise _form(option) from None


def _values(option: str, numbers: str) -> Iterator[tuple[str, Any]]:
    """Yield the parameters that the text behind the equals sign gives; whether they are in bounds, the record says."""
    first, _, second = numbers.partition(",")
    if option in {"l", "recursive-l", "positive-recursive-l"}:
        whole = numbers
        if option != "l":
            yield "c", _number(option, first)
            whole = second
        if option == "positive-recursive-l":
            whole, _, values = second.partition(",")
            yield "disclosable", tuple(filter(None, (value.strip() for value in values.split(","))))
        if not whole.isdecimal():
            raise _form(option)
        yield "l", int(whole)
    elif option == "beta":
        if second not in {"", "basic"} or numbers.endswith(","):
            raise _form(option)
        yield "beta", _number(option, first)
        yield "enhanced", second != "basic"
    else:
        yield "l" if option == "entropy-l" else option, _number(option, numbers)


def _number(option: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _form(option) from None


def _split(option: str, text: str) -> tuple[str, str]:
    column, _, numbers = text.rpartition("=")
    if not column or not numbers:
        raise _form(option)
    return column, numbers.strip()


def _distance(text: str) -> tuple[str, str]:
    column, _, distance = text.rpartition("=")
    if not column or distance not in _DISTANCES:
        raise UsageError(
            "usage.distance",
            what=f"--distance is not of the form COLUMN=DISTANCE with one of {', '.join(_DISTANCES)}",
            why="t-closeness must know how far two values are apart",
            fix="write for example --distance diagnosis=hierarchical",
        )
    return column, distance


def _form(option: str) -> UsageError:
    model, form, example = _FORMS[option]
    return UsageError(
        f"usage.{option}",
        what=f"--{option} is not of the form {form}",
        why=f"the model {model} needs the sensitive column and its numbers",
        fix=f"write for example --{option} {example}",
    )


def _twice(option: str, column: str) -> UsageError:
    return UsageError(
        "usage.model-twice",
        what=f"--{option} is given twice for '{column}'",
        why="the stricter one alone would say the same",
        fix="keep the stricter one",
    )
