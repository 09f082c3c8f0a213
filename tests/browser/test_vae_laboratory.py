"""The VAE laboratory: what trains there against torch step by step, and what its readers do."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from explorable_reader import Figure
from playwright.sync_api import Browser, Page, expect
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


STEPS_A_PRESS = 200
PAGE = "vae-laboratory.html"
PRESETS: dict[str, tuple[str, str]] = {
    "Autoencoder": ("ring,2,autoencoder,fixed,-2,0", "codes are points"),
    "VAE": ("ring,2,both,fixed,-2,0", "A linear VAE would use 2 of 2"),
    "Needles": ("ring,2,mean,fixed,-2,0", "no term holds up their widths"),
    "Apart": ("ring,2,variance,fixed,-2,0", "no term holds the codes together"),
    "One of two": ("gaussian,2,both,fixed,-0.7,0", "A linear VAE would use 1 of 2"),
    "Collapse": ("ring,2,both,fixed,-0.2,0", "The code says nothing"),
    "Blur": ("digits,2,both,fixed,-0.5,0", "A linear VAE would use 2 of 2"),
}


def open_figure(page: Page, site: str, state: str = "") -> Figure:
    return Figure(page, f"{site}/{PAGE}", "vae").open(state)


def learn(figure: Figure, presses: int) -> dict[str, float]:
    """Where nothing may move by itself, a button trains so many steps; what is then shown."""
    for _ in range(presses):
        step = figure.shown()["step"]
        figure.root.get_by_role("button", name=f"{STEPS_A_PRESS} steps").click()
        expect(figure.root.locator("[data-name=step]")).to_have_text(str(int(step + STEPS_A_PRESS)), timeout=60_000)
    return figure.shown()


@pytest.fixture(scope="module")
def still(open_shared, site):
    return open_figure(open_shared(reduced_motion="reduce"), site)


@pytest.mark.parametrize("name", PRESETS)
def test_each_lesson_shows_what_it_says(still, name):
    state, words = PRESETS[name]
    assert ",".join(still.press(name)).startswith(state)
    assert still.shown()["step"] == 0
    found = learn(still, 3)
    expect(still.note).to_contain_text(words)
    within = {
        "Autoencoder": found["near"] < 0.3,
        "VAE": found["active"] == found["linear"] == 2 and 2 < found["kl"] < 5 and 0.1 < found["width"] < 0.5,
        "Needles": found["width"] < 0.05,
        "Apart": found["kl"] > 20 and 0.7 < found["width"] < 1.2 and found["near"] < 0.05,
        "One of two": found["active"] == found["linear"] == 1 and found["kl"] == pytest.approx(0.816, abs=0.15),
        "Collapse": found["active"] == found["linear"] == 0 and found["kl"] < 0.02,
        "Blur": found["active"] == 2 and found["linear"] == 4,
    }
    assert within[name], found


def test_the_loss_may_change_while_it_runs_and_data_begin_anew(still):
    still.press("VAE")
    before = learn(still, 1)
    for label, value in (("KL terms", "mean"), ("Variance is", "learned")):
        still.root.get_by_label(label, exact=True).select_option(value)
        assert still.shown()["step"] == before["step"]
    assert learn(still, 1)["sigma2"] != pytest.approx(before["sigma2"], rel=0.01)
    for label, value in (("Size of z", "1"), ("Data", "spiral")):
        learn(still, 1)
        still.root.get_by_label(label, exact=True).select_option(value)
        assert still.shown()["step"] == 0


def test_a_seed_gives_the_same_run_and_another_seed_another(still):
    runs = []
    for seed in (1, 2, 1):
        still.follow(f"ring,2,both,fixed,-2,0,{seed},5,0,0")
        still.press("Restart")
        runs.append(learn(still, 1))
    assert runs[0] == pytest.approx(runs[2], abs=0, nan_ok=True)
    assert runs[0]["kl"] != runs[1]["kl"]


def test_it_plays_until_the_reader_stops_it_or_1500_steps_are_done(page, site):
    figure = open_figure(page, site)
    figure.press("Play")
    expect(figure.root.locator("[data-name=step]")).not_to_have_text("0")
    figure.press("Pause")
    step = figure.shown()["step"]
    page.wait_for_timeout(300)
    assert figure.shown()["step"] == step
    figure.press("Collapse")  # a lesson begins by itself
    expect(figure.root.get_by_role("button", name="Pause")).to_be_visible()
    figure.root.locator("#vae-speed").select_option("all")
    expect(figure.root.get_by_role("button", name="Play")).to_be_visible(timeout=60_000)
    assert figure.shown()["step"] == 1500
    figure.press("Reset")
    assert figure.shown()["step"] == 0
    expect(figure.root.get_by_role("button", name="Play")).to_be_visible()


def test_without_webassembly_a_sentence_says_so(page, site):
    page.add_init_script("delete window.WebAssembly")
    page.goto(f"{site}/{PAGE}")
    root = page.locator("[data-explorable=vae]")
    root.scroll_into_view_if_needed()
    expect(root).to_contain_text("which this browser does not have")


def test_eigenvalues_are_those_of_the_points(html):
    text = (html / "_static/explorables/vae.data.js").read_text(encoding="utf-8")
    for one in json.loads(text.removeprefix('Explorables.data("vae",').rstrip().removesuffix(");"))["sets"]:
        codes = np.array(list(map(ord, one["letters"])))
        z = codes - 35 - (codes > ord("\\"))
        points = np.cumsum(np.where(z % 2, -(z + 1) // 2, z // 2)).reshape(-1, one["columns"]) * one["step"]
        assert points.shape == (500, one["columns"])
        values = np.linalg.eigvalsh(np.cov(points.T, bias=True))[::-1]
        np.testing.assert_allclose(one["values"], values, atol=1e-6)
