"""The stated rule of the noise's law: the smaller 95 % error at equal ρ, by OpenDP's own maps; Laplace never is (see DECISIONS)."""

import math

import pytest

from anonymization.dp.mechanism import MICRO, distance_at_least, sigma_for


def laplace_scale(distance: int, rho_micro: int) -> float:
    """Return the least scale whose loss in zCDP is at most ρ: ε²/2 for ε = distance / scale."""
    import opendp.prelude as dp

    dp.enable_features("contrib")
    scale = distance / math.sqrt(2 * rho_micro / MICRO)
    space = (dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64"))
    lossless = dp.c.make_pureDP_to_zCDP(space >> dp.m.then_laplace(scale * 1.000001))
    assert lossless.map(distance) == pytest.approx(rho_micro / MICRO, rel=1e-5)
    return scale


def radius(weights: list[float]) -> int:
    """Return the least radius within which a symmetric law lies in 95 of 100 cases; weights from 0 outward."""
    total = weights[0] + 2 * sum(weights[1:])
    inside = weights[0]
    for place, weight in enumerate(weights[1:], 1):
        if inside >= 0.95 * total:
            return place - 1
        inside += 2 * weight
    raise AssertionError


@pytest.mark.parametrize("cells", [1, 2, 10])
@pytest.mark.parametrize("bound", [1, 3])
@pytest.mark.parametrize("rho_micro", [10_000, 100_000, 1_000_000])
def test_the_discrete_gaussian_is_never_the_noisier_one(cells: int, bound: int, rho_micro: int) -> None:
    sigma = sigma_for(distance_at_least(cells * bound * bound), rho_micro=rho_micro)
    scale = laplace_scale(cells * bound, rho_micro)
    reach = range(math.ceil(40 * scale) + 10)
    gaussian = radius([math.exp(-(number**2) / (2 * sigma**2)) for number in reach])
    laplace = radius([math.exp(-number / scale) for number in reach])
    assert gaussian <= laplace
    if sigma > 3:
        assert gaussian < laplace
