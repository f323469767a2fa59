"""Cutting samples: sites stay, calls follow their sample, ploidy may change from site to site."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.samples import keep_samples
from tests.support.hospital_tables import genotypes


@given(st.lists(st.integers(0, 5), unique=True))
def test_calls_follow_their_samples(positions):
    whole = genotypes([f"S{n}" for n in range(6)])
    cut = keep_samples(whole, positions)
    assert cut.samples == tuple(f"S{n}" for n in positions)
    assert cut.sites.drop(["gt", "phased"]) == whole.sites.drop(["gt", "phased"])
    assert cut.sites.schema == whole.sites.schema
    for old, new in zip(whole.sites.to_pylist(), cut.sites.to_pylist(), strict=True):
        calls = np.frombuffer(old["gt"], np.int8).reshape(6, old["ploidy"])
        assert new["gt"] == calls[positions].tobytes()
        assert len(new["phased"]) == len(positions)


def test_all_samples_in_order_change_nothing():
    whole = genotypes(["a", "b"])
    assert keep_samples(whole, [0, 1]).sites == whole.sites


def test_samples_may_be_renamed():
    assert keep_samples(genotypes(["a", "b"]), [1], names=["x"]).samples == ("x",)


@pytest.mark.parametrize(("positions", "names"), [([0, 0], None), ([0], ["x", "y"])], ids=["twice", "names"])
def test_a_cut_that_makes_no_sense_is_refused(positions, names):
    with pytest.raises(ValueError, match=r"sample"):
        keep_samples(genotypes(["a", "b"]), positions, names=names)
