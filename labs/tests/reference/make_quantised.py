"""Writes quantised.json: errors of approximations and 8-bit losses as PyTorch has them, for the tests of
the lab `activations`.

    python -m venv venv
    venv/bin/pip install torch==2.15.0 numpy
    venv/bin/python labs/tests/reference/make_quantised.py

The largest errors are those of a grid of 1e-5; the quantiser is torch's own, which computes in float32.
"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

X = torch.linspace(0, 8, 800_001)
GELU, CDF = F.gelu(X), torch.special.ndtr(X)


def largest(error):
    size, at = error.abs().max(0)
    return {"x": X[at].item(), "size": size.item()}


def best(error, low=1.5, high=2.0):
    """The k with the smallest largest error, by golden sections."""
    ratio = (math.sqrt(5) - 1) / 2
    size = lambda k: error(k).abs().max().item()
    while high - low > 1e-11:
        a, b = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, b) if size(a) < size(b) else (a, high)
    k = (low + high) / 2
    return {"k": k, "size": size(k)}


def tail(x):
    x = torch.tensor(float(x))
    exact = x * torch.special.ndtr(x)
    return ((F.gelu(x, approximate="tanh") - exact) / exact).abs().item()


def int8(f):
    """Inputs in [-4, 4]; with the input's scale, what becomes of the codes -127 to -1; with the output's
    own scale, signal to noise for N(0, 1) inputs."""
    q = torch.arange(-128, 128.0)
    z = q * 4 / 127
    y = f(z)
    quantise = lambda scale: torch.fake_quantize_per_tensor_affine(y.float(), scale, 0, -128, 127).double()
    negative = (q < 0) & (q > -128)
    same, exact = quantise(4 / 127)[negative], y[negative]
    own = quantise((y[1:].abs().max() / 127).item())
    weight = torch.exp(-z * z / 2)
    return {
        "codes": len(set(torch.round(same * 127 / 4).tolist())),
        "zeroed": int(((same == 0) & (exact != 0)).sum()),
        "error": math.sqrt(((same - exact) ** 2).sum() / (exact**2).sum()),
        "sqnr": 10 * math.log10((weight * y * y).sum() / (weight * (own - y) ** 2).sum()),
    }


out = {
    "torch": torch.__version__,
    "largest": {
        "gelu_tanh": largest(F.gelu(X, approximate="tanh") - GELU),
        "gelu_sigmoid": largest(X * torch.sigmoid(1.702 * X) - GELU),
        "gelu_relu": largest(F.relu(X) - GELU),
        "silu_hard_swish": largest(F.hardswish(X) - F.silu(X)),
        "sigmoid_hard_sigmoid": largest(F.hardsigmoid(X) - torch.sigmoid(X)),
    },
    "best": {
        "gelu_best_k": best(lambda k: X * torch.sigmoid(k * X) - GELU),
        "cdf_best_k": best(lambda k: torch.sigmoid(k * X) - CDF),
    },
    "tail": {str(x): tail(-x) for x in (2, 3, 4, 5)},
    "int8": {
        "leaky_relu": int8(lambda z: F.leaky_relu(z, 0.01)),
        "leaky_relu:0.1": int8(lambda z: F.leaky_relu(z, 0.1)),
        "leaky_relu:0.2": int8(lambda z: F.leaky_relu(z, 0.2)),
        "leaky_relu:0.25": int8(lambda z: F.leaky_relu(z, 0.25)),
        "gelu": int8(F.gelu),
        "silu": int8(F.silu),
        "tanh": int8(torch.tanh),
        "sigmoid": int8(torch.sigmoid),
        "elu": int8(F.elu),
        "selu": int8(F.selu),
    },
}
path = pathlib.Path(__file__).with_name("quantised.json")
path.write_text(json.dumps(out, indent=1) + "\n")
