"""The closed vocabulary: every statistic that a release policy may ask for, and what compiles and answers it."""

from collections.abc import Mapping
from types import MappingProxyType

from anonymization.dp.queries.counts import COUNT, SUM
from anonymization.dp.queries.histogram import HISTOGRAM
from anonymization.dp.queries.kind import Kind
from anonymization.dp.queries.logistic import LOGISTIC_REGRESSION
from anonymization.dp.queries.marginals import MARGINALS
from anonymization.dp.queries.mean import MEAN
from anonymization.dp.queries.most_frequent import MOST_FREQUENT
from anonymization.dp.queries.quantiles import QUANTILES
from anonymization.dp.queries.regression import REGRESSION
from anonymization.dp.queries.survival import SURVIVAL
from anonymization.dp.queries.top import TOP
from anonymization.dp.queries.variance import VARIANCE
from policies.model.dp_queries import Statistic

KINDS: Mapping[Statistic, Kind] = MappingProxyType(
    {
        "people": COUNT,
        "rows": COUNT,
        "sum": SUM,
        "mean": MEAN,
        "variance": VARIANCE,
        "histogram": HISTOGRAM,
        "quantiles": QUANTILES,
        "marginals": MARGINALS,
        "survival": SURVIVAL,
        "top": TOP,
        "most_frequent": MOST_FREQUENT,
        "regression": REGRESSION,
        "logistic_regression": LOGISTIC_REGRESSION,
    }
)
"""Each statistic and the module that owns it."""
