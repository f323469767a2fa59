"""People and events: what an attacker knows of somebody's codes and visits, and how a release holds against it.

To be read in this order: `code_tree` (how a code becomes coarser) → `holdings` (who holds which codes) → `combinations`
(which combinations of codes too few people hold) → `cuts` (the least coarsening that leaves none), `greedy_cuts` and `cells`
(the same for larger inputs, and by single entries) → `set_valued` (all of it, for one group or class by class) → `trajectory`
(dates of visits) → `details` (joined to the tables of a release) → `people` (the door for callers without a policy).
"""
