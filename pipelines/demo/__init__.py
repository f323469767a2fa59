"""A demo hospital and its genome cohort, made from a seed: nothing in it is about a real person, or copied.

Seeded random numbers are allowed here and nowhere else in the product.
"""
