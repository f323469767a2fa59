"""Perturbation: values that leave are not those that came, and each method says what that is worth.

Reading order: `randomness.py` (where chance comes from), `information_loss.py` (what it cost), `people.py` (who shares a
value) → microaggregation: `space.py` (how far rows are apart), `mdav.py` (groups of rows), `univariate.py` (the best groups of
one column), `microaggregation.py` (values from groups) → `coding.py` (top and bottom codes), `rounding.py`,
`controlled_rounding.py`, `swapping.py`, `pram.py`, `noise.py`, one method each, with its paper.

None of these is differential privacy. Columns are numpy arrays, a missing number is NaN, a missing code is -1.
"""
