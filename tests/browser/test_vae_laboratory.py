"""The VAE laboratory: what trains there against torch step by step, and what its readers do."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Page
from torch import Tensor, nn

from genmodels.vae.model import VAE

STEPS, BATCH, UNITS = 20, 64, 64
RULES: dict[str, dict[str, Any]] = {
    "both terms": {},
    "a large weight": {"beta": 4.0},
    "mean term": {"terms": "mean"},
    "variance term": {"terms": "variance"},
    "none": {"terms": "none"},
    "autoencoder": {"terms": "autoencoder"},
    "learned variance": {"learned": True},
}
TRAIN = """([rules, columns, d, layers, batches]) => {
    const vae = new Vae(Engine.room(), new Float32Array(columns), columns, d, 0);
    [vae.encoder, vae.decoder].forEach((net, i) => layers[i].forEach(([w, b], l) => net.set(l, w, b)));
    vae.free(rules.variance);
    return batches.map(([x, noise]) => {
        const sigma2 = vae.variance(rules);
        const { error, mean, variance } = vae.learn(rules, Float32Array.from(x), noise);
        return [error, sigma2, ...mean, ...variance];
    });
}"""


class Twin(VAE):
    """The package's VAE with two hidden layers, a linear output, and the choices of the laboratory."""

    def __init__(self, columns: int, d: int, terms: str, beta: float, variance: float, learned: bool) -> None:
        super().__init__(latent_dim=d, sigma2=variance, beta=beta, pixels=columns)
        self.terms, self.learned = terms, learned
        self.log_sigma2 = nn.Parameter(torch.tensor(math.log(variance)), requires_grad=learned)
        self.encoder, self.decoder = (
            nn.Sequential(
                nn.Linear(a, UNITS), nn.LeakyReLU(0.2), nn.Linear(UNITS, UNITS), nn.LeakyReLU(0.2), nn.Linear(UNITS, b)
            )
            for a, b in ((columns, 2 * d), (d, columns))
        )

    def step(self, x: Tensor, noise: Tensor) -> tuple[Tensor, list[float]]:
        """The loss, and [|x - decoded|^2, sigma^2, mean terms, variance terms]."""
        mu, logvar = self.encoder(x).chunk(2, dim=-1)
        z = mu if self.terms == "autoencoder" else mu + (logvar / 2).exp() * noise
        mean, variance = mu.square() / 2, self.kl_of_width(logvar)
        sigma2 = self.log_sigma2.exp()
        error = 2 * self.sigma2 * self.reconstruction(x, z).mean()
        charged = {"both": mean + variance, "mean": mean, "variance": variance}.get(self.terms, torch.zeros(1))
        loss = error / (2 * sigma2) + x.shape[1] / 2 * self.log_sigma2 + self.beta * charged.sum(dim=-1).mean()
        return loss, [error.item(), sigma2.item(), *mean.mean(0).tolist(), *variance.mean(0).tolist()]

    def kl_of_width(self, logvar: Tensor) -> Tensor:
        return (logvar.exp() - 1 - logvar) / 2


@pytest.fixture(scope="module")
def engine(launched: Browser, root: Path) -> Page:
    page = launched.new_page()
    for name in ("engine", "elbo"):
        page.add_script_tag(path=root / f"conf/static/explorables/{name}.js")
    return page


@pytest.mark.parametrize(("columns", "d"), [(2, 2), (64, 1)])
@pytest.mark.parametrize("name", RULES)
def test_losses_are_those_of_torch(engine, name, columns, d):
    """Twenty steps from the same weights and noise. What is compared at a step follows from all gradients before it."""
    rules = {"terms": "both", "beta": 1.0, "variance": 0.1, "learned": False} | RULES[name]
    torch.manual_seed(200)
    twin = Twin(columns, d, **rules)
    optimizer = torch.optim.Adam([p for p in twin.parameters() if p.requires_grad], 2e-3)
    layers = [
        [(net[i].weight.T.flatten().tolist(), net[i].bias.tolist()) for i in (0, 2, 4)]
        for net in (twin.encoder, twin.decoder)
    ]
    batches, expected = [], []
    for _ in range(STEPS):
        x, noise = torch.randn(BATCH, columns), torch.randn(BATCH, d)
        batches.append((x.flatten().tolist(), noise.flatten().tolist()))
        loss, found = twin.step(x, noise)
        expected.append(found)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found = engine.evaluate(TRAIN, [rules, columns, d, layers, batches])
    assert np.ptp(expected, axis=0)[0] > 0.01 * expected[0][0]  # it learns
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)
