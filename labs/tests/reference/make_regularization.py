"""Writes regularization.json: what PyTorch and numpy compute, in float64, for labs/tests/regularization_numbers.rs.

    python -m venv venv
    venv/bin/pip install torch==2.15.0 numpy
    venv/bin/python labs/tests/reference/make_regularization.py

Inputs are rounded to three decimals and stored beside the results.
"""

import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def normals(seed, *shape):
    draws = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return (draws * 1000).round() / 1000


def ece(probabilities, labels, bins):
    """As in Guo et al.'s temperature_scaling.py (`_ECELoss`): bins (low, high], and the largest gap."""
    confidences, predictions = probabilities.max(1)
    right = predictions.eq(labels)
    edges = torch.linspace(0, 1, bins + 1)
    total, largest = 0.0, 0.0
    for low, high in zip(edges[:-1], edges[1:]):
        inside = confidences.gt(low) & confidences.le(high)
        if inside.any():
            gap = (confidences[inside].mean() - right[inside].double().mean()).abs().item()
            total += gap * inside.double().mean().item()
            largest = max(largest, gap)
    return total, largest


def fitted_temperature(logits, labels):
    """The minimum over ln T by L-BFGS, with the loss of PyTorch."""
    u = torch.zeros((), requires_grad=True)
    optimiser = torch.optim.LBFGS([u], max_iter=500, tolerance_grad=1e-15, tolerance_change=1e-18,
                                  line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        loss = F.cross_entropy(logits / u.exp(), labels)
        loss.backward()
        return loss

    optimiser.step(closure)
    return u.exp().item()


def calibration():
    logits = normals(1, 60, 4) * 3
    noisy = logits + normals(2, 60, 4) * 4
    labels = noisy.argmax(1)
    out = {"logits": logits.tolist(), "labels": labels.tolist()}
    probabilities = logits.softmax(1)
    for bins in (5, 15):
        out[f"ece_{bins}"], out[f"mce_{bins}"] = ece(probabilities, labels, bins)
    out["brier"] = (probabilities - F.one_hot(labels, 4)).square().sum(1).mean().item()
    out["nll"] = F.cross_entropy(logits, labels).item()
    out["temperature"] = fitted_temperature(logits, labels)
    out["nll_scaled"] = F.cross_entropy(logits / out["temperature"], labels).item()
    return out


def regressions():
    out = []
    for n, p in ((8, 5), (5, 8), (6, 6)):
        x, y, beta = (t.numpy() for t in (normals(10 + n, n, p), normals(20 + n, n), normals(30 + n, p)))
        beta = beta / np.linalg.norm(beta)
        inverse, lam = np.linalg.pinv(x), 0.3
        gram = x.T @ x / n
        shrink = np.linalg.inv(gram + lam * np.eye(p))
        # Hastie et al. 2019: bias and variance as matrices, with s^2 = 1/4.
        outside = np.eye(p) - inverse @ x
        out.append({
            "x": x.tolist(), "y": y.tolist(), "beta": beta.tolist(), "lambda": lam,
            "minimum_norm": (inverse @ y).tolist(),
            "ridge": np.linalg.solve(x.T @ x + n * lam * np.eye(p), x.T @ y).tolist(),
            "bias": float(beta @ outside @ beta), "variance": 0.25 * float(np.trace(np.linalg.inv(gram) / n if n > p else inverse @ inverse.T)),
            "ridge_bias": lam**2 * float(beta @ shrink @ shrink @ beta),
            "ridge_variance": 0.25 / n * float(np.trace(gram @ shrink @ shrink)),
        })
    return out


def decay():
    """Softmax regression: 30 steps with L2 in the loss, and of PyTorch's decoupled AdamW."""
    x, start = normals(40, 20, 4), normals(41, 4, 3)
    labels = (x @ normals(42, 4, 3) + normals(43, 20, 3)).argmax(1)
    lr, lam, steps, momentum = 0.05, 0.3, 30, 0.9
    out = {"x": x.tolist(), "labels": labels.tolist(), "start": start.tolist(), "lr": lr, "decay": lam,
           "steps": steps, "momentum": momentum}

    def run(make, penalty, shrink=0.0):
        w = start.clone().requires_grad_(True)
        optimiser = make([w])
        for _ in range(steps):
            optimiser.zero_grad()
            (F.cross_entropy(x @ w, labels) + 0.5 * penalty * w.square().sum()).backward()
            with torch.no_grad():
                w.mul_(1 - lr * shrink)
            optimiser.step()
        return w.detach()

    ends = {
        "sgd_loss": run(lambda p: torch.optim.SGD(p, lr), lam),
        "sgd_update": run(lambda p: torch.optim.SGD(p, lr), 0.0, lam),
        "momentum_loss": run(lambda p: torch.optim.SGD(p, lr, momentum), lam),
        "momentum_update": run(lambda p: torch.optim.SGD(p, lr, momentum), 0.0, lam),
        "adam_loss": run(lambda p: torch.optim.Adam(p, lr, (momentum, 0.999)), lam),
        "adam_update": run(lambda p: torch.optim.AdamW(p, lr, (momentum, 0.999), weight_decay=lam), 0.0),
    }
    return out | {name: end.flatten().tolist() for name, end in ends.items()}


def uncertainty():
    members = normals(50, 7, 4).mul(2).softmax(1)
    mean = torch.distributions.Categorical(members.mean(0))
    each = torch.distributions.Categorical(members)
    votes = members.argmax(1)
    return {
        "members": members.tolist(),
        "predictive_entropy": mean.entropy().item(),
        "expected_entropy": each.entropy().mean().item(),
        "mutual_information": (mean.entropy() - each.entropy().mean()).item(),
        "variation_ratio": 1 - (votes == votes.mode().values).double().mean().item(),
        "geometric": members.log().mean(0).softmax(0).tolist(),
        "kl": torch.distributions.kl_divergence(torch.distributions.Categorical(members[0]), mean).item(),
    }


def sparsity():
    weights = normals(60, 40)
    weights[weights.abs() < 0.2] = 0
    w = np.sort(np.abs(weights.numpy()))
    n = len(w)
    return {
        "weights": weights.tolist(),
        "hoyer": (math.sqrt(n) - np.linalg.norm(w, 1) / np.linalg.norm(w)) / (math.sqrt(n) - 1),
        # As the mean absolute difference over twice the mean, not by ranks.
        "gini": float(np.abs(w[:, None] - w[None]).mean() / (2 * w.mean())),
        "zeros": float((w == 0).mean()),
        "below_0.5": float((w < 0.5).mean()),
    }


if __name__ == "__main__":
    out = {"torch": torch.__version__, "calibration": calibration(), "regressions": regressions(),
           "decay": decay(), "uncertainty": uncertainty(), "sparsity": sparsity()}
    pathlib.Path(__file__).with_name("regularization.json").write_text(json.dumps(out) + "\n")
