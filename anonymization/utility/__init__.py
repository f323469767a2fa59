"""What a release is still worth: measures of what became of its rows, each in a file with its paper.

Reading order: `coverage` (which values a published label stands for) → `compared` (the table reduced to distinct pairs
of source tuple and published tuple) → the measures → `report` (all of them, and what they are called).

Of a row: `granularity` (the share of the values that its labels cover; ARX Loss), `precision` (how high in its
hierarchies). Of a class: `class_sizes` (average class size, discernibility), `ambiguity`. Of the table: `entropy`
(non-uniform entropy), `divergence` (Kullback-Leibler). Of what is computed from it: `queries`, `marginals`,
`associations`, `prediction`.

Rows are counted, as in the papers; `class_sizes` says people as well. A missing value is a category of its own. A
suppressed row is at the root of everything, unless a measure says otherwise. What is said here is worked out from the
source: it belongs to whoever may see exact counts of it, and passes `anonymization.disclosure` before others see it.
"""
