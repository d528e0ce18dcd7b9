"""Writes moments.json: E f, E f^2 and E f'^2 for x ~ N(0, 1), for the tests of labs/tests/nn_moments.rs.

    venv/bin/pip install mpmath==1.3.0
    venv/bin/python labs/tests/reference/make_moments.py

Integrals by mpmath with 25 digits, split where f has kinks; f' is differentiated by hand. f and f' are the
papers' formulas, named as candelab names them, with its parameter after a colon.
"""

import json
import pathlib

import mpmath as m

m.mp.dps = 25

number = lambda text: m.mpf(text)
sigmoid = lambda x: 1 / (1 + m.exp(-x))
softplus = lambda x: m.log1p(m.exp(x))
cdf, pdf = m.ncdf, m.npdf
# Klambauer et al. 2017, eq. 14.
ALPHA = pdf(0) / (number("0.5") - m.sqrt(m.e) * cdf(-1))
SCALE = 1 / m.sqrt(
    number("0.5") + ALPHA**2 * (number("0.5") - 2 * m.sqrt(m.e) * cdf(-1) + m.e**2 * cdf(-2))
)
# Where x = sigmoid(x).
MEETS = m.findroot(lambda x: x - sigmoid(x), 0.66)


def leaky(p):
    p = number(p)
    return lambda x: x if x > 0 else p * x, lambda x: 1 if x > 0 else p


def elu(a):
    a = number(a)
    return lambda x: x if x > 0 else a * m.expm1(x), lambda x: 1 if x > 0 else a * m.exp(x)


def celu(a):
    a = number(a)
    return lambda x: x if x > 0 else a * m.expm1(x / a), lambda x: 1 if x > 0 else m.exp(x / a)


def swish(b):
    b = number(b)
    return lambda x: x * sigmoid(b * x), lambda x: sigmoid(b * x) * (1 + b * x * sigmoid(-b * x))


def selu():
    f, slope = elu(ALPHA)
    return lambda x: SCALE * f(x), lambda x: SCALE * slope(x)


def gelu_tanh():
    scale, cubic = m.sqrt(2 / m.pi), number("0.044715")
    u = lambda x: scale * (x + cubic * x**3)
    slope = lambda x: (1 + m.tanh(u(x))) / 2 + x / 2 * m.sech(u(x)) ** 2 * scale * (1 + 3 * cubic * x * x)
    return lambda x: x / 2 * (1 + m.tanh(u(x))), slope


def mish():
    slope = lambda x: m.tanh(softplus(x)) + x * m.sech(softplus(x)) ** 2 * sigmoid(x)
    return lambda x: x * m.tanh(softplus(x)), slope


FUNCTIONS = {
    "identity": (lambda x: x, lambda x: 1),
    "sigmoid": (sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),
    "tanh": (m.tanh, lambda x: m.sech(x) ** 2),
    "relu": leaky("0"),
    "leaky_relu": leaky("0.01"),
    "leaky_relu:0.1": leaky("0.1"),
    "leaky_relu:0.2": leaky("0.2"),
    "leaky_relu:0.3": leaky("0.3"),
    "prelu": leaky("0.25"),
    "rrelu": leaky(number(11) / 48),
    "elu:0.5": elu("0.5"),
    "elu": elu("1"),
    "elu:1.5": elu("1.5"),
    "elu:2": elu("2"),
    "selu": selu(),
    "celu:0.5": celu("0.5"),
    "celu": celu("1"),
    "celu:2": celu("2"),
    "gelu": (lambda x: x * cdf(x), lambda x: cdf(x) + x * pdf(x)),
    "gelu_tanh": gelu_tanh(),
    "gelu_sigmoid": swish("1.702"),
    "silu": swish("1"),
    "swish": swish("1"),
    "mish": mish(),
    "softplus": (softplus, sigmoid),
    "softsign": (lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2),
    "hard_sigmoid": (lambda x: min(max(x + 3, 0), 6) / 6, lambda x: m.mpf(abs(x) < 3) / 6),
    "hard_swish": (
        lambda x: x * min(max(x + 3, 0), 6) / 6,
        lambda x: 0 if x < -3 else 1 if x > 3 else x / 3 + number("0.5"),
    ),
    "relu6": (lambda x: min(max(x, 0), 6), lambda x: m.mpf(0 < x < 6)),
    "relu_squared": (lambda x: max(x, 0) ** 2, lambda x: 2 * max(x, 0)),
    "sine": (m.sin, m.cos),
    "x_tanh_x": (lambda x: x * m.tanh(x), lambda x: m.tanh(x) + x * m.sech(x) ** 2),
    "erf(x/sqrt(2))": (lambda x: m.erf(x / m.sqrt(2)), lambda x: 2 * pdf(x)),
    "max(x,sigmoid(x))": (
        lambda x: max(x, sigmoid(x)),
        lambda x: 1 if x > MEETS else sigmoid(x) * sigmoid(-x),
    ),
}


def mean(g):
    """To 14 standard deviations, where the normal density is 1e-43."""
    points = sorted([-14, -8, -4, -3, -2, -1, 0, MEETS, 1, 2, 3, 4, 6, 8, 14])
    # A function that is odd has mean 0, and rounding has none.
    return float(m.chop(m.quad(lambda z: g(z) * pdf(z), points), 1e-20))


def main():
    lines = []
    for name, (f, slope) in FUNCTIONS.items():
        moments = [mean(f), mean(lambda z: f(z) ** 2), mean(lambda z: slope(z) ** 2)]
        lines.append(f"{json.dumps(name)}: {json.dumps(moments)}")
    path = pathlib.Path(__file__).with_name("moments.json")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
