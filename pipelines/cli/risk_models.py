"""The options of `niji anonymize` that ask for models of who could be found: `MODEL=NUMBERS`, and a population table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policies.errors import UsageError

if TYPE_CHECKING:
    from anonymization.evidence import CheckResult
    from anonymization.risk_models import AskedRisk
    from pipelines.cli.table_files import TableFile
    from policies.model.risk_models import RiskModel

_FORMS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "k_map": (("k",), "k_map=10"),
    "delta_presence": (("most", "least"), "delta_presence=0.2 or delta_presence=0.2,0.05"),
    "average_risk": (("most",), "average_risk=0.05"),
    "sample_uniqueness": (("most",), "sample_uniqueness=0.01"),
    "population_uniqueness": (("most", "people", "estimator"), "population_uniqueness=0.001,1200000"),
    "no_attack": (("gain", "cost", "attacker"), "no_attack=300,40 or no_attack=300,40,journalist"),
    "profitability": (
        ("gain", "cost", "benefit", "loss", "attacker"),
        "profitability=300,4,1200,3000 or profitability=300,4,1200,3000,journalist",
    ),
}
"""By model: what its values are, in their order, and an example; what a record has a default for may be left out."""
_WORDS = frozenset({"estimator", "attacker"})
_WHOLE = frozenset({"k", "people"})


@dataclass(frozen=True, slots=True)
class ReadRisk:
    """The models, and the population file that some of them are held against."""

    models: tuple["RiskModel", ...] = ()
    population: "TableFile | None" = None
    people: str | None = None

    def asked(self) -> "AskedRisk":
        """Return the models as the engine takes them.

        Raises:
            PolicyError: `policy.population`: a model needs a population table and there is none, or the reverse.
        """
        import ibis

        from anonymization.population import Population
        from anonymization.risk_models import AskedRisk

        if self.population is None:
            return AskedRisk(self.models)
        return AskedRisk(self.models, Population(ibis.memtable(self.population.table), self.people))

    def evidence(self, checks: Sequence["CheckResult"]) -> dict[str, Any]:
        """Return the models with what they reach by the recount, and the digest of the population table."""
        by_name = {check.name: dict(check.measured) for check in checks}
        return {
            "models": [
                {**model.model_dump(mode="json"), "reached": by_name.get(f"recount.{model.model}", {})}
                for model in self.models
            ],
            "population": None
            if self.population is None
            else {"table": self.population.digest, "people_column": self.people},
        }


def read_risk(texts: Sequence[str], *, population: Path | None, people: str | None) -> ReadRisk:
    """Return the models that `--risk` asks for, and the population table of `--population`.

    Raises:
        UsageError: `usage.risk`: a text that is no model with its numbers; `usage.model-twice`; `usage.population-people`:
            a column without the table.
    """
    from pipelines.cli.table_files import read_table_file

    if people is not None and population is None:
        raise UsageError(
            "usage.population-people",
            what="--population-people is given without --population",
            why="it names a column of the population table",
            fix="give the table, or leave the column out",
        )
    models: dict[str, RiskModel] = {}
    for text in texts:
        model = _model(text)
        if model.model in models:
            raise UsageError(
                "usage.model-twice",
                what=f"--risk asks twice for {model.model}",
                why="the stricter one alone would say the same",
                fix="keep the stricter one",
            )
        models[model.model] = model
    found = None if population is None else read_table_file(population)
    return ReadRisk(tuple(models.values()), found, people)


def _model(text: str) -> "RiskModel":
    from pydantic import TypeAdapter, ValidationError

    from policies.model.risk_models import RiskModel

    name, _, numbers = text.partition("=")
    if name not in _FORMS:
        raise UsageError(
            "usage.risk",
            what="--risk names no model that there is",
            why="a model that is not understood would protect nobody",
            fix=f"use one of {', '.join(_FORMS)}",
        )
    names, values = _FORMS[name][0], [value.strip() for value in numbers.split(",")]
    if len(values) > len(names):
        raise _form(name)
    written: dict[str, Any] = {"model": name}
    for key, value in zip(names, values, strict=False):
        written[key] = value if key in _WORDS else _number(name, value, is_whole=key in _WHOLE)
    reader: TypeAdapter[RiskModel] = TypeAdapter(RiskModel)
    try:
        return reader.validate_python(written)
    except ValidationError:
        raise _form(name) from None


def _number(model: str, text: str, *, is_whole: bool) -> float | int:
    try:
        return int(text) if is_whole else float(text)
    except ValueError:
        raise _form(model) from None


def _form(model: str) -> UsageError:
    names, example = _FORMS[model]
    return UsageError(
        "usage.risk",
        what=f"--risk {model} is not followed by numbers that it can have",
        why=f"it takes {', '.join(names)}, in this order",
        fix=f"write for example --risk {example}",
    )
