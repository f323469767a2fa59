"""Privacy models as vectorized predicates over a table of equivalence classes, one model a file."""
