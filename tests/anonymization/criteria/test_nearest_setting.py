"""Where there is no release, the error names the model that fails and a setting that would have been met."""

import ibis
import pyarrow as pa
import pytest

from anonymization.generalize import Generalized, generalize_table
from anonymization.quasi import QuasiIdentifier
from anonymization.sensitive_models import AskedModel
from policies.errors import DataError
from policies.model.sensitive import Closeness, Disclosure, DistinctL, EntropyL, Likeness, RecursiveL, ValueShare

ROWS = {"q": ["a"] * 6 + ["b"] * 4, "s": ["x"] * 4 + ["y", "z"] + ["x", "y", "y", "y"]}
"""Two classes that no hierarchy merges: 4 : 1 : 1 and 1 : 3 : 0."""


def run(model: AskedModel | None = None, *, k: int = 2, limit: float = 0.0) -> Generalized:
    return generalize_table(
        ibis.memtable(pa.table(ROWS)),
        quasi_identifiers=[QuasiIdentifier("q")],
        k=k,
        sensitive=[model] if model else [],
        suppression_limit=limit,
        person=None,
    )


def with_setting(model: AskedModel, name: str, setting: float) -> AskedModel:
    return model.model_copy(update={name: setting})


CASES: list[tuple[AskedModel, str, float]] = [
    (DistinctL(column="s", l=3), "l", 2),
    (RecursiveL(model="recursive_l", column="s", c=2, l=2), "c", 3.001),
    (Closeness(model="t_closeness", column="s", t=0.1), "t", 0.351),
    (ValueShare(model="alpha_share", column="s", alpha=0.5), "alpha", 0.751),
    (Likeness(model="beta_likeness", column="s", beta=0.5, enhanced=False), "beta", 0.876),
]


@pytest.mark.parametrize(("model", "name", "setting"), CASES, ids=[name for _, name, _ in CASES])
def test_the_setting_that_is_named_is_met_and_what_was_asked_is_not(
    model: AskedModel, name: str, setting: float
) -> None:
    with pytest.raises(DataError) as refused:
        run(model)
    assert refused.value.code == "data.no-solution"
    bound = "at most" if name == "l" else "at least"
    assert f"{name} of {bound} {setting:g}" in refused.value.fix
    assert run(with_setting(model, name, setting)).suppressed_records == 0
    if name != "l":
        with pytest.raises(DataError):
            run(with_setting(model, name, setting - 0.002))


def test_k_is_named_too() -> None:
    with pytest.raises(DataError) as refused:
        run(k=5)
    assert "k of at most 4" in refused.value.fix
    assert run(k=4).classes == 2


def test_the_setting_allows_for_what_may_be_suppressed() -> None:
    with pytest.raises(DataError) as refused:
        run(ValueShare(model="alpha_share", column="s", alpha=0.5), limit=0.4)
    assert "alpha of at least 0.667" in refused.value.fix


def test_a_model_that_no_setting_would_meet_names_none() -> None:
    with pytest.raises(DataError) as refused:
        run(Disclosure(model="delta_disclosure", column="s", delta=3))  # one value is not in every class at all
    assert "delta of" not in refused.value.fix
    assert "delta" not in refused.value.fix
    with pytest.raises(DataError) as refused:
        run(EntropyL(model="entropy_l", column="s", l=3))
    assert "l of" not in refused.value.fix
