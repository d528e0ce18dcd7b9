"""LIME and Shapley for a classifier whose evidence saturates: numbers of labs/src/theory/exercises/attribution.rs.

Needs numpy. Prints LIME's intercept and weights (weighted least squares over all subsets, kernel exp(-D^2 / 1.5^2)
with D^2 the number of missing parts), their sum, and Shapley's values as means over all orders.
"""

import itertools
import math

import numpy as np

PARTS = np.array([40, 30, 20, 5]) / 100
WIDTH = 1.5


def confidence(seen):
    return 100 * (1 - np.prod(1 - PARTS * np.array(seen)))


subsets = list(itertools.product([0, 1], repeat=len(PARTS)))
root = np.sqrt([math.exp(-(len(PARTS) - sum(s)) / WIDTH**2) for s in subsets])
design = np.array([[1, *s] for s in subsets], float)
target = np.array([confidence(s) for s in subsets])
lime = np.linalg.lstsq(design * root[:, None], target * root, rcond=None)[0]
print("LIME", lime, "sum of weights", lime[1:].sum())

shapley = np.zeros(len(PARTS))
orders = list(itertools.permutations(range(len(PARTS))))
for order in orders:
    seen = [0] * len(PARTS)
    for part in order:
        before = confidence(seen)
        seen[part] = 1
        shapley[part] += (confidence(seen) - before) / len(orders)
print("Shapley", shapley, "sum", shapley.sum())
