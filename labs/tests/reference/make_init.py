"""Writes init.json: what PyTorch's initialisers draw from, and its gains, for labs/tests/nn_init.rs.

    python -m venv venv
    venv/bin/pip install torch==2.15.0 numpy
    venv/bin/python labs/tests/reference/make_init.py

The parameters of each distribution are read off the call that torch.nn.init makes of `normal_` or
`uniform_`, so they are exact and no draw enters the file.
"""

import json
import math
import pathlib
from unittest import mock

import torch
from torch.nn import init

torch.set_default_dtype(torch.float64)
SHAPES = [(128, 128), (96, 200), (200, 96)]
SPARSE_INPUTS = 15


def drawn(fill, shape):
    """(distribution, standard deviation, bound) that `fill` asks the tensor for."""
    with mock.patch.object(torch.Tensor, "normal_") as normal, mock.patch.object(torch.Tensor, "uniform_") as uniform:
        fill(torch.empty(*shape))
    if normal.called:
        mean, std = normal.call_args.args
        assert mean == 0
        return "normal", std, None
    low, high = uniform.call_args.args
    assert low == -high
    return "uniform", high / math.sqrt(3), high


FILLS = {
    "lecun_normal": lambda w: init.kaiming_normal_(w, nonlinearity="linear"),
    "lecun_uniform": lambda w: init.kaiming_uniform_(w, nonlinearity="linear"),
    "xavier_normal": init.xavier_normal_,
    "xavier_uniform": init.xavier_uniform_,
    "he_normal": lambda w: init.kaiming_normal_(w, nonlinearity="relu"),
    "he_uniform": lambda w: init.kaiming_uniform_(w, nonlinearity="relu"),
    "he_normal_fan_out": lambda w: init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu"),
    # torch.nn.Linear.reset_parameters: a = sqrt 5, "the same as U(-1/sqrt(in), 1/sqrt(in))".
    "uniform_fan_in": lambda w: init.kaiming_uniform_(w, a=math.sqrt(5)),
}


def distributions():
    rows = []
    for name, fill in FILLS.items():
        for shape in SHAPES:
            kind, std, bound = drawn(fill, shape)
            rows.append({"scheme": name, "shape": shape, "kind": kind, "std": std, "bound": bound})
    return rows


def matrices():
    """Mean square of an orthogonal matrix, and inputs of a unit that a sparse one leaves."""
    torch.manual_seed(0)
    rows = []
    for out, fan_in in SHAPES:
        square = init.orthogonal_(torch.empty(out, fan_in)).square().mean().item()
        # sparse_ leaves out a share of each column; a unit's inputs are the column of the transpose.
        sparse = init.sparse_(torch.empty(fan_in, out), 1 - SPARSE_INPUTS / fan_in, std=1.0)
        kept = sorted(set((sparse != 0).sum(dim=0).tolist()))
        rows.append({"shape": (out, fan_in), "orthogonal_mean_square": square, "sparse_inputs": kept})
    return rows


def gains():
    names = ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]
    return {name: init.calculate_gain(name) for name in names} | {"leaky_relu 0.2": init.calculate_gain("leaky_relu", 0.2)}


def main():
    reference = {
        "about": "Written by make_init.py; float64 on the CPU.",
        "torch": torch.__version__.split("+")[0],
        "distributions": distributions(),
        "matrices": matrices(),
        "gains": gains(),
    }
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in reference.items())
    pathlib.Path(__file__).with_name("init.json").write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
