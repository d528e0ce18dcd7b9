"""Writes activations.json: what mpmath, at 40 digits, computes for the tests of the lab `activations`.

    python -m venv venv
    venv/bin/pip install mpmath==1.3.0
    venv/bin/python labs/tests/reference/make_activations.py

For z ~ N(0, 1): `moments` = [E f, E f^2, E f'^2]. `critical`: [x, value] of what has no closed form.
Numbers are printed with 20 digits.
"""

import json
import pathlib

from mpmath import mp, mpf, cosh, diff, e, erf, exp, expm1, findroot, inf, lambertw, log, pi, quad, sin, sqrt, tanh

mp.dps = 40

ALPHA = mpf("1.6732632423543772848")
SCALE = mpf("1.0507009873554804934")


def cdf(x):
    return (1 + erf(x / sqrt(2))) / 2


def sigmoid(x):
    return 1 / (1 + exp(-x))


def leaky(p):
    return lambda x: x if x > 0 else p * x


def elu(p):
    return lambda x: x if x > 0 else p * expm1(x)


def celu(p):
    return lambda x: x if x > 0 else p * expm1(x / p)


def clip(x, low, high):
    return min(max(x, mpf(low)), mpf(high))


def gelu_tanh(x):
    return x * (1 + tanh(sqrt(2 / pi) * (x + mpf("0.044715") * x**3))) / 2


def mish(x):
    return x * tanh(log(1 + exp(x)))


# Name, function, where its pieces meet.
FUNCTIONS = [
    ("identity", lambda x: x, []),
    ("sigmoid", sigmoid, []),
    ("tanh", tanh, []),
    ("relu", leaky(mpf(0)), [0]),
    ("leaky_relu", leaky(mpf("0.01")), [0]),
    ("leaky_relu:0.2", leaky(mpf("0.2")), [0]),
    ("prelu", leaky(mpf("0.25")), [0]),
    ("rrelu", leaky(mpf(11) / 48), [0]),
    ("elu", elu(mpf(1)), [0]),
    ("elu:1.5", elu(mpf("1.5")), [0]),
    ("selu", lambda x: SCALE * elu(ALPHA)(x), [0]),
    ("celu", celu(mpf(1)), [0]),
    ("celu:0.5", celu(mpf("0.5")), [0]),
    ("celu:2", celu(mpf(2)), [0]),
    ("gelu", lambda x: x * cdf(x), []),
    ("gelu_tanh", gelu_tanh, []),
    ("gelu_sigmoid", lambda x: x * sigmoid(mpf("1.702") * x), []),
    ("silu", lambda x: x * sigmoid(x), []),
    ("swish", lambda x: x * sigmoid(x), []),
    ("swish:2", lambda x: x * sigmoid(2 * x), []),
    ("mish", mish, []),
    ("softplus", lambda x: log(1 + exp(x)), []),
    ("softsign", lambda x: x / (1 + abs(x)), [0]),
    ("hard_sigmoid", lambda x: clip(x + 3, 0, 6) / 6, [-3, 3]),
    ("hard_swish", lambda x: x * clip(x + 3, 0, 6) / 6, [-3, 3]),
    ("relu6", lambda x: clip(x, 0, 6), [0, 6]),
    ("relu_squared", lambda x: max(x, mpf(0)) ** 2, [0]),
    ("sine", sin, []),
    ("x_tanh_x", lambda x: x * tanh(x), []),
]


def density(x):
    return exp(-x * x / 2) / sqrt(2 * pi)


def moments(f, meets):
    cuts = sorted(set(range(-14, 15)) | set(meets))
    slope = lambda x: diff(f, x, h=mpf(10) ** -12)
    over = lambda g: quad(lambda x: g(x) * density(x), cuts)
    # Nodes nearer to a kink than the difference quotient reaches cost E f'^2 some 1e-13.
    return [over(f), over(lambda x: f(x) ** 2), over(lambda x: slope(x) ** 2)]


def stationary(f, start):
    x = findroot(lambda x: diff(f, x), start)
    return x, f(x)


def steepest(f, start):
    x = findroot(lambda x: diff(f, x, 2), start)
    return x, diff(f, x)


def text(x):
    return mp.nstr(x, 20)


def main():
    critical = {
        "silu_min": (-1 - lambertw(1 / e), -lambertw(1 / e)),
        "silu_steepest": steepest(lambda x: x * sigmoid(x), 2.4),
        "gelu_min": stationary(lambda x: x * cdf(x), -0.75),
        "gelu_steepest": steepest(lambda x: x * cdf(x), 1.4),
        "gelu_tanh_min": stationary(gelu_tanh, -0.75),
        "gelu_tanh_steepest": steepest(gelu_tanh, 1.4),
        "mish_min": stationary(mish, -1.2),
        "mish_steepest": steepest(mish, 1.5),
        "mish_shallowest": steepest(mish, -2.25),
        "x_tanh_x_steepest": steepest(lambda x: x * tanh(x), 1.2),
    }
    out = {
        "recipe": "make_activations.py, mpmath " + __import__("mpmath").__version__,
        "critical": {k: [text(mpf(v.real)) for v in pair] for k, pair in critical.items()},
        "moments": {name: [text(v) for v in moments(f, meets)] for name, f, meets in FUNCTIONS},
    }
    path = pathlib.Path(__file__).with_name("activations.json")
    path.write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
