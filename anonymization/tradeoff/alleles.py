"""Alternatives of allele frequencies: the count floor and the power that is tolerated. Alleles are counted once."""

from collections.abc import Iterator, Mapping, Sequence

from anonymization.genome.release import choose_alleles, counted_alleles
from anonymization.tables import Pseudonymized
from anonymization.tradeoff.alternative import Alternative, Value, combinations
from policies.errors import PolicyError
from policies.model import ReleasePolicy
from policies.model.method import AlleleFrequencies


def current_alleles(method: AlleleFrequencies) -> dict[str, Value]:
    """Return the parameters of allele frequencies that a frontier may change, as the policy has them."""
    return {"min_allele_count": method.min_allele_count, "membership_max_power": method.membership_max_power}


def default_alleles(method: AlleleFrequencies) -> dict[str, tuple[Value, ...]]:
    """Return the grid that is tried where none is given."""
    return {
        "min_allele_count": tuple(sorted({5, 10, 20, method.min_allele_count})),
        "membership_max_power": tuple(sorted({0.1, 0.2, 0.3, 0.5, 0.7, 0.9, method.membership_max_power})),
    }


def allele_alternatives(
    release: ReleasePolicy, sources: Mapping[str, Pseudonymized], *, grid: Mapping[str, Sequence[Value]]
) -> Iterator[Alternative]:
    """Yield what each floor and tolerated power would publish.

    Risk is the bound on the power of a membership test, cost the share of the counted alleles that stay inside.
    """
    method = release.method
    if not isinstance(method, AlleleFrequencies):
        raise PolicyError(
            "policy.other-method",
            what="the release has no alleles",
            why="the floor is theirs",
            fix="use its own method",
        )
    counts, people = counted_alleles(release, sources)
    for number, parameters in enumerate(combinations(grid, current=current_alleles(method))):
        changed = method.model_copy(
            update={
                "min_allele_count": int(parameters["min_allele_count"]),
                "membership_max_power": float(parameters["membership_max_power"]),
            }
        )
        chosen = choose_alleles(counts, changed, people=people)
        published = int(chosen.published.sum())
        if not chosen.bound.holds or not published:
            why = "genome.nothing-left" if not published else "genome.membership-bound"
            yield Alternative(parameters, None, None, why=why, is_current=number == 0)
            continue
        yield Alternative(
            parameters,
            risk=chosen.bound.power,
            cost=1 - published / counts.num_rows,
            figures={
                "sites": published,
                "power_bound": chosen.bound.power,
                "below_floor": chosen.below_floor,
                "thinned_out": chosen.thinned_out,
            },
            is_current=number == 0,
        )
