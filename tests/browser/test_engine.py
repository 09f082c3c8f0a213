"""What trains in the browser against the package: losses step by step, gradients, Adam, random numbers."""

import base64
import hashlib
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import wasmtime
from playwright.sync_api import Browser, Page
from scipy import stats

from genmodels.data.toy import ring
from genmodels.gan.config import GANConfig
from genmodels.gan.losses import discriminator_loss, generator_loss
from genmodels.gan.train import BATCH_SIZE, _batches, continue_training, train_gans

STEPS, SEED = 20, 200
RULES: dict[str, dict[str, Any]] = {
    "non-saturating": {},
    "saturating": {"loss": "saturating"},
    "wasserstein": {"loss": "wasserstein", "gradient_penalty": 0.1},
    "three updates": {"discriminator_steps": 3},
    "slow D": {"lr_D": 2e-4},
    "packs of 2": {"pack": 2, "lr_D": 2e-4},
    "packs of 4": {"pack": 4},
    "minibatch std": {"minibatch_std": True},
    "minibatch std of packs": {"minibatch_std": True, "pack": 2, "loss": "saturating"},
    "R1": {"r1": 10.0},
    "gradient penalty": {"gradient_penalty": 0.1},
}
HELPERS = """
    float = (numbers) => Float32Array.from(numbers.flat());
    set = (game, networks) => networks.forEach((layers, i) =>
        layers.forEach(([w, b], l) => [game.G, game.D][i].set(l, w.flat(), b.flat())));
"""
PLAY = """([rules, networks, batches, frozen]) => {
    const game = new Game(Engine.room(), rules);
    set(game, networks);
    const losses = [[], []];
    for (const player of ["", frozen])
        for (const [real, z] of batches) {
            let loss;
            real.forEach((x, i) => { loss = game.learnD(float(x), float(z[i]), player !== "discriminator"); });
            losses[0].push(loss);
            losses[1].push(game.learnG(float(z.at(-1)), player !== "generator"));
        }
    return losses;
}"""
GRADIENTS = """([rules, networks, real, z]) => {
    const game = new Game(Engine.room(), { ...rules, lr_D: 0, lr_G: 0 });
    set(game, networks);
    game.learnD(float(real), float(z));
    game.learnG(float(z));
    const one = (gradient, { rows, columns, outputs, weights, biases }) => [
        Array.from({ length: rows * columns }, (_, i) => {
            return gradient[weights + Math.floor(i / columns) * outputs + (i % columns)];
        }),
        Array.from({ length: columns }, (_, i) => gradient[biases + i]),
    ];
    return [game.G, game.D].map(({ gradient, layers }) => layers.flatMap((layer) => one(gradient, layer)));
}"""
RANDOM = """() => {
    const [random, other] = [new Engine.Random(0), new Engine.Random(0, 1)];
    const wholes = Array.from({ length: 1000 }, () => random.whole());
    const normals = Array.from({ length: 20000 }, () => other.normal());
    const twin = new Engine.Random(0, 1);
    return [wholes, normals, normals.every((x) => x === twin.normal())];
}"""


@pytest.fixture(scope="module")
def engine(launched: Browser, root: Path) -> Page:
    page = launched.new_page()
    for name in ("engine", "game"):
        page.add_script_tag(path=root / f"conf/static/explorables/{name}.js")
    page.add_script_tag(content=HELPERS)
    return page


def networks(*nets: torch.nn.Module) -> list[Any]:
    return [[(w[0].tolist(), b[0].tolist()) for w, b in zip(net.weights, net.biases, strict=True)] for net in nets]


def test_kernels_are_the_compiled_source(root):
    """The bytes in the script are those that the readable source gives today."""
    folder = root / "conf/static/explorables"
    made = base64.b64encode(wasmtime.wat2wasm((folder / "kernels.wat").read_text(encoding="utf-8"))).decode()
    (held,) = re.findall(r'KERNELS = "(.*)";', (folder / "engine.js").read_text(encoding="utf-8"))
    assert held == made


@pytest.mark.parametrize("frozen", ["", "generator", "discriminator"])
@pytest.mark.parametrize("name", RULES)
def test_losses_are_those_of_the_package(engine, name, frozen):
    """Twenty steps from the same weights and random numbers, then twenty, perhaps of one player alone."""
    config = GANConfig(**RULES[name])
    data = ring()
    still = GANConfig(**(RULES[name] | {"lr_D": 1e-30, "lr_G": 1e-30}))
    first = train_gans(data, still, [SEED], 1)  # the first weights
    runs = [train_gans(data, config, [SEED], STEPS)]
    runs.append(continue_training(data, runs[0], STEPS, frozen=frozen or None))
    draws = _batches(data, [SEED], BATCH_SIZE, config.discriminator_steps)
    batches = [[x[:, 0].tolist() for x in next(draws)] for _ in range(STEPS)]
    found = engine.evaluate(PLAY, [RULES[name], networks(first.G, first.D), batches, frozen])
    expected = [[run.discriminator_loss[0], run.generator_loss[0]] for run in runs]
    # A critic's unit that is on for all samples has a bias whose gradient is 0 but for rounding, of which Adam makes
    # whole steps: there only the gradients, below, are exact.
    np.testing.assert_allclose(found, np.hstack(expected), rtol=1e-4, atol=0.01 if name == "wasserstein" else 0)


@pytest.mark.parametrize("name", RULES)
def test_gradients_are_those_of_autograd(engine, name):
    """Of all weights and biases, penalties included; a little trained, so that no gradient is that of the start."""
    config = GANConfig(**RULES[name])
    runs = train_gans(ring(), config, [SEED], 5)
    real, z = (x[:, 0] for x in next(_batches(ring(), [SEED + 1], BATCH_SIZE, 1)))
    found = engine.evaluate(GRADIENTS, [RULES[name], networks(runs.G, runs.D), real[0].tolist(), z[0].tolist()])
    fake = runs.G(z[:1])
    loss_D = discriminator_loss(runs.D(real[:1]), runs.D(fake.detach()), config.loss)
    losses = generator_loss(runs.D(fake), config.loss), loss_D + config.penalty(runs.D, real[:1], fake.detach())
    for net, loss, flat in zip((runs.G, runs.D), losses, found, strict=True):
        parameters = [p for pair in zip(net.weights, net.biases, strict=True) for p in pair]
        gradients = torch.autograd.grad(loss.sum(), parameters)
        largest = max(gradient.abs().max().item() for gradient in gradients)
        for gradient, one in zip(gradients, flat, strict=True):
            np.testing.assert_allclose(one, gradient.flatten(), rtol=1e-4, atol=1e-5 * largest)


def test_functions_are_exact(engine):
    """As exact as double precision allows, from below the smallest to above the largest numbers of a training."""
    x = [-900.0, -700.0, -31.7, -1.0, -1e-9, 0.0, 1e-9, 0.3, 1.0, 22.5, 690.0]
    y = [5e-300, 1e-9, 0.49, 0.999999, 1.0, 1.000001, 2.0, 3.7, 1e300]
    found = engine.evaluate(
        "([x, y]) => [x.map(Engine.exp), y.map(Engine.log), x.map(Engine.softplus), x.map(Engine.sigmoid)]", [x, y]
    )
    expected = np.exp(x), np.log(y), np.logaddexp(0, x), 1 / (1 + np.exp(-np.clip(x, -700, None)))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=3e-15, atol=1e-16)


def test_random_numbers_are_the_same_everywhere(engine):
    """xoshiro128**, written anew with Python's whole numbers; normals from the same seed are the same and normal."""
    wholes, normals, equal = engine.evaluate(RANDOM)
    assert equal and wholes == list(itertools.islice(xoshiro(0), 1000))
    assert stats.kstest(normals, "norm").pvalue > 0.01
    digest = hashlib.sha256(np.array(normals).tobytes()).hexdigest()[:16]
    assert digest == "521869ab3922e282"  # to the last bit: another machine must not see another run


def test_equal_seeds_give_equal_runs(engine):
    run = """seed => {
        const game = new Game(Engine.room(), { pack: 2, minibatch_std: true }, 16, seed);
        for (let step = 0; step < 50; step++) {
            game.learnD(game.latents(), game.latents());
            game.learnG(game.latents());
        }
        return Array.from(game.samples(new Engine.Random(5).normals(256)));
    }"""
    first, again, other = (engine.evaluate(run, seed) for seed in (3, 3, 4))
    assert first == again != other
    assert hashlib.sha256(np.array(first, "f4").tobytes()).hexdigest()[:16] == "ec74e7cc11791c54"


def xoshiro(seed: int) -> Iterator[int]:
    """Source: Blackman and Vigna 2021, started by splitmix32."""
    mask = 2**32 - 1
    state, s = seed * 0x9E3779B1 ^ 0x85EBCA77, []
    for _ in range(4):
        state = (state + 0x9E3779B9) & mask
        z = (state ^ state >> 16) * 0x21F0AAAD & mask
        z = (z ^ z >> 15) * 0x735A2D97 & mask
        s.append(z ^ z >> 15)
    while True:
        turned = s[1] * 5 & mask
        yield ((turned << 7 | turned >> 25) & mask) * 9 & mask
        t = s[1] << 9 & mask
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = (s[3] << 11 | s[3] >> 21) & mask
