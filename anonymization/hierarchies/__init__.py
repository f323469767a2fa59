"""Where hierarchies come from, whether they are any good, and what became of them in a release.

Reading order: `builders` (from a policy to a hierarchy, one line a kind), the kinds `dates`, `numbers`, `texts`,
`ages`, `places`, `codes`; then `laws` (every law that a written hierarchy breaks, with its line), `artifact` (a
hierarchy as a file with a digest), `coverage` (which values of a table it does not know), and `mapping` (what a
release made of each value, to be applied elsewhere). The type itself, and its laws, are in `anonymization.hierarchy`.
"""
