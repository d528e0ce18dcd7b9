"""Writes torch.json: what PyTorch computes, in float64, for the tests of labs/tests/nn_torch.rs.

    python -m venv venv
    venv/bin/pip install torch==2.15.0 numpy
    venv/bin/python labs/tests/reference/make_torch.py

Any torch 2.x from 2.4 on (`rms_norm`) will do; the version used is in the file. Floats are printed
as Python prints them, with as many digits as tell them from their neighbours.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

from check_tensors import ACTIVATIONS, EPS, forward

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def normals(seed, *shape):
    """Draws rounded to three decimals: short in the file, and the same in every torch version."""
    draws = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return (draws * 1000).round() / 1000


def grown(x):
    return x.clone().requires_grad_(True)


# Kinks, both tails, the middle, and where exponentials in float64 end.
XS = [-700, -50, -8, -6, -5.5, -4.25, -3, -2.75, -2, -1.5, -1, -0.5, -0.125,
      0, 0.125, 0.5, 1, 1.5, 2, 2.75, 3, 4.25, 5.5, 6, 8, 50, 700]

# With another parameter than the usual one, as candelab writes it.
PARAMETERS = {
    "leaky_relu:0.2": lambda x: F.leaky_relu(x, 0.2),
    "prelu:0.1": lambda x: ACTIVATIONS["prelu"](x, 0.1),
    "elu:1.5": lambda x: F.elu(x, 1.5),
    "celu:0.5": lambda x: F.celu(x, 0.5),
    "celu:2": lambda x: F.celu(x, 2.0),
    "swish:1.5": lambda x: ACTIVATIONS["swish"](x, 1.5),
}


def activations():
    xs = torch.tensor(XS, dtype=torch.float64)
    out = {"x": xs.tolist()}
    for name, f in (ACTIVATIONS | PARAMETERS).items():
        x = grown(xs)
        y = f(x)
        y.sum().backward()
        out[name] = {"value": y.tolist(), "derivative": x.grad.tolist()}
    return out


def weighted(y, *variables):
    """y, and the gradients of sum(weight * y)."""
    weight = normals(70, *y.shape)
    (y * weight).sum().backward()
    return {"y": y.tolist(), "loss_weight": weight.tolist()} | {f"grad_{n}": v.grad.tolist() for n, v in variables}


def gates():
    """The first half of the features is a, the second b."""
    kinds = {
        "maxout": lambda z: z.unflatten(-1, (2, -1)).amax(-2),
        "glu": F.glu,
        "reglu": lambda z: z.chunk(2, -1)[0] * F.relu(z.chunk(2, -1)[1]),
        "geglu": lambda z: z.chunk(2, -1)[0] * F.gelu(z.chunk(2, -1)[1]),
        "swiglu": lambda z: z.chunk(2, -1)[0] * F.silu(z.chunk(2, -1)[1]),
    }
    out = {"x": (normals(71, 4, 6) * 3).tolist()}
    for name, gate in kinds.items():
        x = grown(torch.tensor(out["x"]))
        out[name] = weighted(gate(x), ("x", x))
    return out


def learned():
    """A slope or beta for each channel."""
    x, p = grown(normals(72, 5, 3) * 3), grown(normals(73, 3) / 2)
    out = {"x": x.tolist(), "parameter": p.tolist(), "prelu": weighted(F.prelu(x, p), ("x", x), ("parameter", p))}
    x.grad = p.grad = None
    return out | {"swish": weighted(ACTIVATIONS["swish"](x, p), ("x", x), ("parameter", p))}


def softmax():
    """Ordinary, tied, far apart and huge logits at several temperatures."""
    rows = normals(74, 5, 4)
    rows[1] = 1.5
    rows[2] *= 30
    rows[3] = torch.tensor([1e4, -1e4, 0.0, 9999.0])
    out = {"x": rows.tolist(), "cases": []}
    for temperature in (1e-3, 0.5, 1.0, 2.0, 1e3):
        x = grown(rows)
        case = {"temperature": temperature, "softmax": weighted(F.softmax(x / temperature, -1), ("x", x))}
        x.grad = None
        out["cases"].append(case | {"log_softmax": weighted(F.log_softmax(x / temperature, -1), ("x", x))})
    return out


def alpha_dropout():
    """What becomes of an element that is kept, and of one that is dropped."""
    out = {"x": [-1.0, 0.0, 2.0], "cases": []}
    for rate in (0.05, 0.1, 0.5):
        torch.manual_seed(0)
        kept, dropped = [], set()
        for x in out["x"]:
            values = F.alpha_dropout(torch.full((1000,), x), rate, training=True)
            # Dropped ones have the same value for every x.
            common = F.alpha_dropout(torch.full((1000,), 17.0), rate, training=True).unique().min()
            values = values.unique()
            apart = (values - common).abs() > 1e-9
            kept.append(values[apart].item())
            dropped.add(common.item())
        out["cases"].append({"rate": rate, "kept": kept, "dropped": dropped.pop()})
    return out


def batch_norm():
    """Two training steps, then evaluation; gradients of sum(weight * output)."""
    norm = torch.nn.BatchNorm1d(4, eps=EPS, momentum=0.1)
    scale, shift, weight = 1 + normals(1, 4), normals(2, 4), normals(3, 6, 4)
    with torch.no_grad():
        norm.weight.copy_(scale)
        norm.bias.copy_(shift)
    out = {"scale": scale.tolist(), "shift": shift.tolist(), "loss_weight": weight.tolist(), "steps": []}
    for seed, mode in [(4, "train"), (5, "train"), (6, "eval")]:
        norm.train(mode == "train")
        norm.zero_grad()
        x = grown(normals(seed, 6, 4) * 2 + 1)
        y = norm(x)
        (y * weight).sum().backward()
        out["steps"].append({
            "mode": mode,
            "x": x.tolist(),
            "y": y.tolist(),
            "running_mean": norm.running_mean.tolist(),
            "running_var": norm.running_var.tolist(),
            "grad_x": x.grad.tolist(),
            "grad_scale": norm.weight.grad.tolist(),
            "grad_shift": norm.bias.grad.tolist(),
        })
    return out


def row_norm(f, has_shift):
    """Layer or RMS normalisation; gradients of sum(weight * output)."""
    x, scale, weight = grown(normals(7, 4, 6)), grown(1 + normals(8, 6)), normals(10, 4, 6)
    shift = grown(normals(9, 6)) if has_shift else None
    y = f(x, scale, shift)
    (y * weight).sum().backward()
    out = {"x": x.tolist(), "scale": scale.tolist(), "loss_weight": weight.tolist(), "y": y.tolist()}
    out |= {"grad_x": x.grad.tolist(), "grad_scale": scale.grad.tolist()}
    if has_shift:
        out |= {"shift": shift.tolist(), "grad_shift": shift.grad.tolist()}
    return out


def cross_entropy():
    x, y = grown(normals(11, 6, 5) * 4), torch.tensor([0, 4, 2, 2, 1, 3])
    loss = F.cross_entropy(x, y)
    loss.backward()
    return {"logits": x.tolist(), "labels": y.tolist(), "loss": loss.item(), "gradient": x.grad.tolist()}


def problem():
    """mean((tanh(x W^T + b) - t)^2): the batch, the targets and the weights at the start."""
    return normals(12, 6, 3), normals(13, 6, 2), normals(14, 2, 3), normals(15, 2)


def gradients(w, b):
    x, t, _, _ = problem()
    w.grad = b.grad = None
    (torch.tanh(F.linear(x, w, b)) - t).square().mean().backward()


def trajectory(name, kind, rates, bias_without_gradient=()):
    """Five steps; `rates` gives (lr, momentum or beta_1, weight decay) for each."""
    _, _, w, b = problem()
    w, b = grown(w), grown(b)
    lr, momentum, decay = rates[0]
    make = {
        "sgd": lambda: torch.optim.SGD([w, b], lr=lr, momentum=momentum, weight_decay=decay),
        "adam": lambda: torch.optim.Adam([w, b], lr=lr, betas=(momentum, 0.999), eps=1e-8, weight_decay=decay),
        "adamw": lambda: torch.optim.AdamW([w, b], lr=lr, betas=(momentum, 0.999), eps=1e-8, weight_decay=decay),
    }
    optimizer = make[kind]()
    steps = []
    for i, (lr, momentum, decay) in enumerate(rates):
        group = optimizer.param_groups[0]
        group["lr"], group["weight_decay"] = lr, decay
        if kind == "sgd":
            group["momentum"] = momentum
        gradients(w, b)
        if i in bias_without_gradient:
            b.grad = None
        optimizer.step()
        steps.append({
            "lr": lr, "momentum": momentum, "weight_decay": decay,
            "bias_has_gradient": i not in bias_without_gradient,
            "weight": w.tolist(), "bias": b.tolist(),
        })
    return {"name": name, "kind": kind, "steps": steps}


def optimizers():
    x, t, w, b = problem()
    still = lambda *rates: [rates] * 5
    skip = (0, 2)
    return {
        "x": x.tolist(), "target": t.tolist(), "weight": w.tolist(), "bias": b.tolist(),
        "trajectories": [
            trajectory("plain", "sgd", still(0.5, 0.0, 0.0)),
            trajectory("momentum and decay", "sgd", still(0.2, 0.9, 0.01)),
            trajectory("momentum turned on, off and on", "sgd",
                       [(0.2, m, 0.0) for m in (0.0, 0.9, 0.0, 0.9, 0.9)]),
            trajectory("a bias now and then without gradient", "sgd", still(0.2, 0.9, 0.01), skip),
            trajectory("without decay", "adam", still(0.05, 0.9, 0.0)),
            trajectory("with decay", "adam", still(0.05, 0.9, 0.1)),
            trajectory("a bias now and then without gradient", "adam", still(0.05, 0.9, 0.1), skip),
            trajectory("with decay", "adamw", still(0.05, 0.9, 0.1)),
            trajectory("a falling rate", "adamw", [(0.1 / (i + 1), 0.9, 0.1) for i in range(5)]),
            trajectory("a bias now and then without gradient", "adamw", still(0.05, 0.9, 0.1), skip),
        ],
    }


def clip():
    """Clipping of the same problem's gradients; torch divides by (norm + 1e-6), see the test."""
    out = []
    for limit in (0.1, 100.0):
        _, _, w, b = problem()
        w, b = grown(w), grown(b)
        gradients(w, b)
        norm = torch.nn.utils.clip_grad_norm_([w, b], limit)
        out.append({"limit": limit, "norm": norm.item(), "weight": w.grad.tolist(), "bias": b.grad.tolist()})
    return out


def mlp_parameters():
    inputs, width, depth, classes = 4, 5, 3, 3
    p = {}
    for i in range(depth):
        p[f"hidden.{i}.weight"] = normals(20 + i, width, inputs if i == 0 else width)
        p[f"hidden.{i}.bias"] = normals(30 + i, width)
        p[f"hidden.{i}.scale"] = 1 + normals(40 + i, width) / 2
        p[f"hidden.{i}.shift"] = normals(50 + i, width) / 2
    return p | {"head.weight": normals(60, classes, width), "head.bias": normals(61, classes)}


def mlp_case(norm, residual, x, y):
    """h' = tanh(norm(W h + b)), plus h for layers after the first."""
    p = {name: grown(value) for name, value in mlp_parameters().items()}
    config = {"activation": torch.tanh, "norm": norm, "residual": residual, "depth": 3}
    inputs, logits = forward(config, x, p)
    loss = F.cross_entropy(logits, y)
    loss.backward()
    return {
        "norm": norm, "residual": residual, "logits": logits.tolist(), "loss": loss.item(),
        "parameter_gradient_norms": {n: v.grad.norm().item() for n, v in p.items() if v.grad is not None},
        "input_gradient_norms": [h.grad.norm().item() for h in inputs],
    }


def mlp():
    x, y = normals(62, 6, 4), torch.tensor([0, 2, 1, 1, 0, 2])
    return {
        "x": x.tolist(), "labels": y.tolist(),
        "parameters": {name: value.tolist() for name, value in mlp_parameters().items()},
        "cases": [mlp_case(n, r, x, y) for n in ("none", "batch", "layer", "rms") for r in (False, True)],
    }


def main():
    reference = {
        "about": "Written by make_torch.py; float64 on the CPU.",
        "torch": torch.__version__.split("+")[0],
        "activations": activations(),
        "gates": gates(),
        "learned": learned(),
        "softmax": softmax(),
        "alpha_dropout": alpha_dropout(),
        "batch_norm": batch_norm(),
        "layer_norm": row_norm(lambda x, scale, shift: F.layer_norm(x, x.shape[1:], scale, shift, EPS), True),
        "rms_norm": row_norm(lambda x, scale, _: F.rms_norm(x, x.shape[1:], scale, EPS), False),
        "cross_entropy": cross_entropy(),
        "optimizers": optimizers(),
        "clip": clip(),
        "mlp": mlp(),
    }
    # One line a section: small, and a change shows which section it touched.
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in reference.items())
    path = pathlib.Path(__file__).with_name("torch.json")
    path.write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
