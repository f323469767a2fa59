"""Chance that tests can repeat: random bytes from a seed, in the place of the system's generator."""

from random import Random

from anonymization.perturbation.randomness import Draws


def seeded(seed: int = 7) -> Draws:
    """Return draws whose bytes come from a seed."""
    return Draws(Random(seed).randbytes)
