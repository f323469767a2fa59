"""A second accountant, written from the papers and without OpenDP: what the laws of the noise really lose.

Sums over the laws themselves, in decimals of 50 digits; only σ is taken over, as the exact fraction that its float is.
Source: Canonne, Kamath, Steinke 2020 (discrete Gaussian, conversion); Bun & Steinke 2016 (zCDP: D_α ≤ ρα for all α > 1);
McKenna & Talwar 2007 (the exponential mechanism, which is the law of Gumbel noise's maximum).
"""

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction

ORDERS = (Fraction(11, 10), Fraction(2), Fraction(7), Fraction(40))


def exact_loss(differences: Iterable[int], sigma: float) -> Fraction:
    """Return ρ of discrete Gaussian noise on cells that differ so: Σd²/2σ², exact for whole numbers."""
    return Fraction(sum(int(each) ** 2 for each in differences)) / (2 * Fraction(sigma) ** 2)


def loss_of_gaussian(difference: int, sigma: float) -> float:
    """Return sup D_α/α of two discrete Gaussians that are `difference` apart, summed point by point."""
    reach = math.ceil(14 * sigma) + 40 * abs(difference)
    with localcontext() as context:
        context.prec = 50
        twice = 2 * Decimal(sigma) ** 2
        points = range(-reach, reach + 1)
        whole = sum(((-Decimal(x * x) / twice).exp() for x in points), Decimal(0))

        def divergence(order: Fraction) -> Decimal:
            one = Decimal(order.numerator) / Decimal(order.denominator)
            powers = ((-(one * (x - difference) ** 2 + (1 - one) * x * x) / twice).exp() for x in points)
            return (sum(powers, Decimal(0)) / whole).ln() / (one - 1) / one

        return float(max(divergence(order) for order in ORDERS))


def loss_of_choice(scale: float, scores: Sequence[int]) -> float:
    """Return sup D_α/α of choosing by exp(score/scale), over all neighbors whose scores each differ by at most one."""
    found = 0.0
    for moved in _moves(len(scores)):
        one = _choice([s / scale for s in scores])
        other = _choice([(s + m) / scale for s, m in zip(scores, moved, strict=True)])
        for order in map(float, (*ORDERS, Fraction(1001, 1000))):
            summed = math.fsum(p**order * q ** (1 - order) for p, q in zip(one, other, strict=True))
            found = max(found, math.log(summed) / (order - 1) / order)
    return found


def _moves(places: int) -> Iterable[tuple[int, ...]]:
    if places == 0:
        return [()]
    return [(move, *rest) for move in (-1, 0, 1) for rest in _moves(places - 1)]


def _choice(logits: Sequence[float]) -> list[float]:
    weights = [math.exp(each - max(logits)) for each in logits]
    return [weight / math.fsum(weights) for weight in weights]


def epsilon_at(rho: float, delta: float) -> float:
    """Return the least ε at δ that ρ-zCDP gives: min over α of ρα + ln(1 - 1/α) - ln(αδ)/(α - 1)."""
    orders = (1 + 10 ** (step / 2_000) for step in range(-6_000, 10_000))
    return max(
        0.0,
        min(rho * one + math.log1p(-1 / one) - (math.log(delta) + math.log(one)) / (one - 1) for one in orders),
    )


def epsilon_of_gaussian(rho: float, delta: float) -> float:
    """Return the ε at δ that Gaussian noise of this ρ really has; no right conversion is below it (Balle & Wang 2018)."""
    distance = math.sqrt(2 * rho)

    def beyond(epsilon: float) -> float:
        middle = epsilon / distance
        return _normal(distance / 2 - middle) - math.exp(epsilon) * _normal(-distance / 2 - middle)

    low, high = 0.0, 1.0
    while beyond(high) > delta:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if beyond(middle) > delta else (low, middle)
    return low


def _normal(point: float) -> float:
    return math.erfc(-point / math.sqrt(2)) / 2


def tail(sigma: float, reach: int) -> float:
    """Return P(noise >= reach) of the discrete law, summed point by point."""
    points = range(-math.ceil(40 * sigma) - 1, math.ceil(40 * sigma) + 2)
    law = {point: math.exp(-(point**2) / (2 * sigma**2)) for point in points}
    return math.fsum(weight for point, weight in law.items() if point >= reach) / math.fsum(law.values())
