"""The one door to OpenDP: its core alone, with the features that its proofs allow.

Its prelude loads scikit-learn, SciPy and pandas as well, for things that nothing here calls: two seconds of every command.
"""

from functools import cache
from types import SimpleNamespace


@cache
def core() -> SimpleNamespace:
    """Load OpenDP's core: domains and metrics by name, `m` for measurements, `c` for conversions between measures."""
    from opendp import combinators, domains, measurements, measures, metrics
    from opendp.mod import enable_features

    # "contrib" says that the proofs are not all finished; nothing weaker is ever enabled.
    enable_features("contrib")
    return SimpleNamespace(
        c=combinators,
        m=measurements,
        atom_domain=domains.atom_domain,
        map_domain=domains.map_domain,
        vector_domain=domains.vector_domain,
        absolute_distance=metrics.absolute_distance,
        l02inf_distance=metrics.l02inf_distance,
        l2_distance=metrics.l2_distance,
        linf_distance=metrics.linf_distance,
        zero_concentrated_divergence=measures.zero_concentrated_divergence,
    )
