"""Checks a gradient run of candelab against PyTorch.

    candelab run gradients --tensors --out DIR
    pip install torch numpy
    python labs/tests/reference/check_tensors.py DIR

DIR holds record.json (the network's make) and tensors.safetensors (batch, parameters, gradients).
The network is computed again in float64 and differentiated; the norm of each gradient is printed
beside the run's. Exit code 1: a relative difference above 1e-6, or something missing; 2: not a run.
"""

import json
import math
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

LIMIT = 1e-6
EPS = 1e-5
# Where batch normalisation subtracts a parameter again, its gradient is rounding, this far below the weights'.
ZERO = 1e-9

DTYPES = {"F64": "<f8", "F32": "<f4", "U32": "<u4", "I64": "<i8", "U8": "|u1"}

def hard_sigmoid(x):
    """As F.hardsigmoid, but with its derivative to float64: PyTorch's own is 1/6 in float32."""
    return F.relu6(x + 3) / 6


# Those without a name in PyTorch are their papers' formulas.
ACTIVATIONS = {
    # A new tensor, so that it has a gradient of its own.
    "identity": lambda x: x * 1.0,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "prelu": lambda x, slope=0.25: F.prelu(x, torch.as_tensor(slope, dtype=x.dtype).reshape(-1)),
    "rrelu": lambda x: F.rrelu(x, training=False),
    "elu": F.elu,
    "selu": F.selu,
    "celu": F.celu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "gelu_sigmoid": lambda x: x * torch.sigmoid(1.702 * x),
    "silu": F.silu,
    "swish": lambda x, beta=1.0: x * torch.sigmoid(beta * x),
    "mish": F.mish,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "hard_sigmoid": hard_sigmoid,
    "hard_swish": F.hardswish,
    "relu6": F.relu6,
    "relu_squared": lambda x: F.relu(x).square(),
    "sine": torch.sin,
    "x_tanh_x": lambda x: x * torch.tanh(x),
}
# What a layer learns in them: candelab's name, for each channel.
LEARNED = {"prelu": "slope", "swish": "beta"}


def read_safetensors(path):
    """Name to array: eight bytes of header length, a JSON header, the data."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    header.pop("__metadata__", None)

    def array(entry):
        start, end = entry["data_offsets"]
        return np.frombuffer(body[start:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])

    return {name: array(entry) for name, entry in header.items()}


def read_config(path):
    controls = {c["name"]: str(c["value"]) for c in json.loads(path.read_text())["controls"]}
    return {
        "activation": ACTIVATIONS[controls["activation"]],
        "learned": LEARNED.get(controls["activation"]),
        "linear": controls["activation"] == "identity",
        "norm": controls["norm"],
        "residual": controls["residual"].lower() == "true",
        "depth": int(controls["depth"]),
        "width": int(controls["width"]),
    }


def normalise(kind, z, scale, shift):
    match kind:
        case "none":
            return z
        case "batch":
            return F.batch_norm(z, None, None, scale, shift, training=True, eps=EPS)
        case "layer":
            return F.layer_norm(z, z.shape[1:], scale, shift, EPS)
        case "rms":
            return F.rms_norm(z, z.shape[1:], scale, EPS)
        case other:
            raise KeyError(f"norm {other}")


def forward(config, x, p):
    """The inputs of all layers and the logits; h' = f(norm(W h + b)), plus h after the first layer."""
    # A batch normalisation without scale or shift is one with 1 and 0, and PyTorch takes None for it.
    vector = lambda name: None if name not in p else p[name].reshape(-1)
    h = x.clone().requires_grad_(True)
    inputs = [h]
    for i in range(config["depth"]):
        z = F.linear(h, p[f"hidden.{i}.weight"], vector(f"hidden.{i}.bias"))
        z = normalise(config["norm"], z, vector(f"hidden.{i}.scale"), vector(f"hidden.{i}.shift"))
        learned = config.get("learned")
        out = config["activation"](z, p[f"hidden.{i}.{learned}"].reshape(-1)) if learned else config["activation"](z)
        h = out + h if config["residual"] and i > 0 else out
        # Its own tensor even where the activation is the identity, so that it has a gradient.
        h = h * 1.0
        h.retain_grad()
        inputs.append(h)
    return inputs, F.linear(h, p["head.weight"], vector("head.bias"))


def recompute(config, tensors):
    """Name of each gradient to PyTorch's, and the loss."""
    x = torch.tensor(tensors["batch.x"].astype(np.float64))
    y = torch.tensor(tensors["batch.y"].astype(np.int64)).reshape(-1)
    p = {
        name: torch.tensor(value.astype(np.float64), requires_grad=True)
        for name, value in tensors.items()
        if name.startswith(("hidden.", "head."))
    }
    for i in range(config["depth"]):
        if len(p[f"hidden.{i}.weight"]) != config["width"]:
            raise KeyError(f"hidden.{i}.weight of width {config['width']}")
    inputs, logits = forward(config, x, p)
    loss = F.cross_entropy(logits, y)
    loss.backward()
    gradients = {f"grad.{name}": value.grad for name, value in p.items()}
    gradients |= {f"grad.input.{l}": h.grad for l, h in enumerate(inputs)}
    return {name: g.numpy() for name, g in gradients.items()}, loss.item()


def is_zero(name, config, norms):
    """Whether exact arithmetic gives this gradient as 0, so that a relative difference means nothing."""
    _, place, i, *parameter = name.split(".")
    if config["norm"] != "batch" or place != "hidden":
        return False
    # The normalisation after it subtracts a bias; the next layer's a shift that reaches it unbent.
    next_subtracts = config["linear"] and not config["residual"] and int(i) + 1 < config["depth"]
    subtracted = ["bias", "shift"] if next_subtracts else ["bias"]
    return parameter[0] in subtracted and norms[name] <= ZERO * norms[f"grad.hidden.{i}.weight"]


def natural(name):
    """hidden.10 after hidden.9."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in name.split(".")]


def compare(config, ours, theirs):
    """Prints the table; answers what is wrong, in words."""
    norm = lambda table: {name: float(np.linalg.norm(g.astype(np.float64))) for name, g in table.items()}
    ours, theirs = norm(ours), norm(theirs)
    wrong = [f"{name} is in one of the two only" for name in sorted(ours.keys() ^ theirs.keys(), key=natural)]
    print(f"{'gradient':<24} {'candelab':>24} {'PyTorch':>24} {'difference':>12}")
    for name in sorted(ours.keys() & theirs.keys(), key=natural):
        a, b = ours[name], theirs[name]
        # NaN and infinity agree with nothing, not even with themselves.
        finite = math.isfinite(a) and math.isfinite(b)
        difference = 0.0 if finite and a == b else abs(a - b) / max(a, b) if finite else math.inf
        zero = is_zero(name, config, ours) and is_zero(name, config, theirs)
        print(f"{name:<24} {a:>24.16e} {b:>24.16e} {'rounding' if zero else f'{difference:.1e}':>12}")
        if not zero and difference > LIMIT:
            wrong.append(f"{name} differs by {difference:.1e}")
    return wrong


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    folder = pathlib.Path(arguments[1])
    try:
        config = read_config(folder / "record.json")
        tensors = read_safetensors(folder / "tensors.safetensors")
        theirs, loss = recompute(config, tensors)
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        print(f"{folder} does not hold a gradient run: {error!r}", file=sys.stderr)
        return 2
    ours = {name: value for name, value in tensors.items() if name.startswith("grad.")}
    wrong = compare(config, ours, theirs)
    print(f"loss in PyTorch {torch.__version__.split('+')[0]}: {loss!r}")
    print("\n".join(wrong) if wrong else f"{len(theirs)} gradient norms agree to {LIMIT}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
