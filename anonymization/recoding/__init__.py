"""Local recoding: each class of rows is published at labels of its own, instead of one level a column for the whole table.

Reading order: `trees` (the labels of a column as a tree, and what each costs), `nodes` (which combinations of levels are
tried), `peel` (the first classes), `groups` (classes that change, and whether they meet the models), `plan` and `improve`
(moves that lose less), `free_cuts` (intervals of numbers among the labels), `publish` (the joins that apply the result), `local` (the whole of it).
"""
