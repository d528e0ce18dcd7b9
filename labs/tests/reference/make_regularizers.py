"""Writes regularizers.json: a few steps of PyTorch, in float64, under each regulariser, and a small convolutional
network, for the tests of labs/tests/nn_regularizers.rs.

    python -m venv venv
    venv/bin/pip install torch==2.15.0 numpy
    venv/bin/python labs/tests/reference/make_regularizers.py
"""

import json
import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

STEPS, LR = 4, 0.1


def normals(seed, *shape):
    """Draws rounded to three decimals: short in the file, and the same in every torch version."""
    draws = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return (draws * 1000).round() / 1000


def grown(x):
    return x.clone().requires_grad_(True)


def mlp():
    """x W^T + b, tanh, and a head."""
    x, y = normals(1, 6, 3), torch.tensor([0, 2, 1, 1, 0, 2])
    p = {"hidden.0.weight": normals(2, 4, 3), "hidden.0.bias": normals(3, 1, 4),
         "head.weight": normals(4, 3, 4), "head.bias": normals(5, 1, 3)}
    return x, y, p


def trajectory(name, optimizer, l1=0.0, l2=0.0, decay=0.0, max_norm=0.0, smoothing=0.0, proximal=False):
    """Weights after STEPS steps; penalties and decay are of weights, max-norm of hidden weights."""
    x, y, start = mlp()
    p = {k: grown(v) for k, v in start.items()}
    weights = [v for k, v in p.items() if k.endswith("weight")]
    others = [v for k, v in p.items() if k.endswith("bias")]
    if optimizer == "sgd":
        rule = torch.optim.SGD(weights + others, lr=LR, momentum=0.9)
    else:
        groups = [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
        rule = torch.optim.AdamW(groups, lr=LR, betas=(0.9, 0.999), eps=1e-8)
    losses = []
    for _ in range(STEPS):
        rule.zero_grad()
        logits = F.linear(torch.tanh(F.linear(x, p["hidden.0.weight"], p["hidden.0.bias"])), p["head.weight"]) + p["head.bias"]
        loss = F.cross_entropy(logits, y, label_smoothing=smoothing)
        loss = loss + 0.5 * l2 * sum(w.square().sum() for w in weights)
        if not proximal:
            loss = loss + l1 * sum(w.abs().sum() for w in weights)
        loss.backward()
        losses.append(loss.item())
        with torch.no_grad():
            if optimizer == "sgd" and decay:
                for w in weights:  # Loshchilov and Hutter, algorithm 1, which torch has for Adam alone.
                    w.mul_(1 - LR * decay)
            rule.step()
            if proximal:
                for w in weights:
                    w.copy_(F.softshrink(w, LR * l1))
            if max_norm:
                w = p["hidden.0.weight"]
                # torch.renorm divides by (norm + 1e-7): the same to that, and this to the last digit.
                exact = w * (max_norm / w.norm(dim=1, keepdim=True)).clamp(max=1)
                assert torch.allclose(exact, torch.renorm(w, 2, 0, max_norm), rtol=1e-6, atol=0)
                w.copy_(exact)
    out = {"name": name, "optimizer": optimizer, "lr": LR, "l1": l1, "l2": l2, "weight_decay": decay,
           "max_norm": max_norm, "label_smoothing": smoothing, "proximal": proximal, "losses": losses}
    return out | {"parameters": {k: v.tolist() for k, v in p.items()}}


def cnn():
    """Two blocks of conv 3x3, ReLU, 2x2 max pooling, and a head, on images of 8 x 9; the last column is lost."""
    x, y = normals(10, 5, 1, 8, 9), torch.tensor([0, 2, 1, 1, 0])
    x[0, 0, :4] = 0.5  # Flat parts: ties in the pooling.
    w1, b1, w2, b2 = (grown(normals(s, *shape)) for s, shape in [(11, (2, 1, 3, 3)), (12, (2,)), (13, (3, 2, 3, 3)), (14, (3,))])
    wh, bh = grown(normals(15, 3, 12)), grown(normals(16, 3))
    h = F.max_pool2d(F.relu(F.conv2d(x, w1, b1, padding=1)), 2)
    h = F.max_pool2d(F.relu(F.conv2d(h, w2, b2, padding=1)), 2)
    logits = F.linear(h.permute(0, 2, 3, 1).flatten(1), wh, bh)
    loss = F.cross_entropy(logits, y)
    loss.backward()
    rows = lambda w: w.permute(0, 2, 3, 1).flatten(1).tolist()
    named = {"hidden.0.weight": w1, "hidden.0.bias": b1, "hidden.1.weight": w2, "hidden.1.bias": b2,
             "head.weight": wh, "head.bias": bh}
    flat = lambda w: rows(w) if w.dim() == 4 else (w.tolist() if w.dim() == 2 else [w.tolist()])
    return {"x": x.flatten(1).tolist(), "labels": y.tolist(), "logits": logits.tolist(), "loss": loss.item(),
            "parameters": {k: flat(v.detach()) for k, v in named.items()},
            "gradients": {k: flat(v.grad) for k, v in named.items()}}


def smoothing():
    x, y = grown(normals(20, 6, 5) * 4), torch.tensor([0, 4, 2, 2, 1, 3])
    loss = F.cross_entropy(x, y, label_smoothing=0.15)
    loss.backward()
    return {"logits": x.tolist(), "labels": y.tolist(), "smoothing": 0.15, "loss": loss.item(), "gradient": x.grad.tolist()}


def main():
    x, y, p = mlp()
    reference = {
        "about": "Written by make_regularizers.py; float64 on the CPU.",
        "torch": torch.__version__.split("+")[0],
        "mlp": {"x": x.tolist(), "labels": y.tolist(), "parameters": {k: v.tolist() for k, v in p.items()}},
        "trajectories": [
            trajectory("none", "sgd"),
            trajectory("l2", "sgd", l2=0.1),
            trajectory("l2", "adamw", l2=0.1),
            trajectory("decoupled decay", "sgd", decay=0.5),
            trajectory("decoupled decay", "adamw", decay=0.5),
            trajectory("smoothing", "sgd", smoothing=0.2),
            trajectory("max-norm", "sgd", max_norm=1.0),
            trajectory("l1 by its subgradient", "sgd", l1=0.05),
            trajectory("l1 by soft threshold", "sgd", l1=0.5, proximal=True),
            trajectory("all", "adamw", l1=0.1, l2=0.02, decay=0.3, max_norm=1.2, smoothing=0.1, proximal=True),
        ],
        "cnn": cnn(),
        "smoothing": smoothing(),
    }
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in reference.items())
    pathlib.Path(__file__).with_name("regularizers.json").write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
