"""The optimal search for a generalization: bounds first, few checks, and a certificate of the optimum.

Reading order: `problem` (what is asked), `lattice` (its nodes), `classes` (one check), `bounds` (what is ruled out),
`order` (which node next), `optimal` (the search), `wide` (the search where the lattice is too large to list),
`certificate` (the independent replay).
"""
