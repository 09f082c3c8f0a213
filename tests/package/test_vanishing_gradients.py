"""Both generator gradients against a plain computation per seed, and what the experiment is there to show."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from plain_loop import plain_mlp
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from genmodels.data import mnist
from genmodels.gan import vanishing_gradients
from genmodels.gan.vanishing_gradients import GradientHistory, gradient_norms, on_lines, on_mnist
from genmodels.mlp import EnsembleMLP

MEASURED = ("saturating", "non_saturating", "accuracy", "discriminator_loss")
HIDDEN = 2 * (vanishing_gradients.HIDDEN_DIM,)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def plain_norms(parameters, fake_logits):
    """Norms of the gradients of mean log(1 - D) and of mean -log D, from the definitions."""
    d = torch.sigmoid(fake_logits)
    for loss in (torch.log(1 - d).mean(), -torch.log(d).mean()):
        gradients = torch.autograd.grad(loss, parameters, retain_graph=True)
        yield float(torch.sqrt(sum((gradient.double() ** 2).sum() for gradient in gradients)))


def plain_step(module, optimizer, *losses):
    module.zero_grad()
    sum(losses).backward()
    optimizer.step()


def plain_adam(module, lr, beta1):
    return torch.optim.Adam(module.parameters(), lr=lr, betas=(beta1, 0.999))


def plain_loss(logits, label):
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


def plain_history(parameters, held_out, draw, discriminator, steps):
    """The history of one seed with torch's own modules, losses and Adam, measured after every step."""
    (real, fake), rows = held_out, []
    optimizer = plain_adam(discriminator, vanishing_gradients.LR_D, 0.9)
    for step in range(steps + 1):
        on_real, on_fake = discriminator(real), discriminator(fake)
        accuracy = ((on_real > 0).double().mean() + (on_fake < 0).double().mean()) / 2
        loss = plain_loss(on_real, 1.0) + plain_loss(on_fake, 0.0)
        rows.append([*plain_norms(parameters, on_fake), accuracy.item(), loss.item()])
        if step < steps:
            on_real, on_fake = (discriminator(batch.detach()) for batch in draw())
            plain_step(discriminator, optimizer, plain_loss(on_real, 1.0), plain_loss(on_fake, 0.0))
    return SimpleNamespace(**dict(zip(MEASURED, np.array(rows).T, strict=True)))


def assert_same(history, seed, plain, rtol):
    for name in MEASURED:
        expected = getattr(plain, name)[history.steps]
        np.testing.assert_allclose(getattr(history, name)[seed], expected, rtol=rtol, err_msg=name)


def test_gradients_are_those_of_separate_modules():
    seeds, z = range(3), torch.randn(3, 20, 4, generator=seeded(9))
    streams, again = ([seeded(seed) for seed in seeds] for _ in range(2))
    G, D = EnsembleMLP((4, 8, 5), streams), EnsembleMLP((5, 6, 1), streams)
    fake_logits = D(G(z)).squeeze(-1)
    for seed in seeds:
        plain_G, plain_D = plain_mlp((4, 8, 5), again[seed]), plain_mlp((5, 6, 1), again[seed])
        expected = plain_norms(list(plain_G.parameters()), plain_D(plain_G(z[seed])))
        for kind, norm in zip(("saturating", "non-saturating"), expected, strict=True):
            norms = gradient_norms(list(G.parameters()), fake_logits, kind)
            assert norms[seed].item() == pytest.approx(norm, rel=1e-5)


def test_lines_agree_with_a_plain_loop():
    history, seed = on_lines([4, 7], steps=25), 7
    generator, theta = seeded(seed), torch.tensor(1.0, requires_grad=True)

    def draw(n=vanishing_gradients.BATCH_SIZE):
        z = torch.rand(2, n, generator=generator)
        return torch.stack([0 * z[0], z[0]], 1), torch.stack([theta + 0 * z[1], z[1]], 1)

    held_out = draw(vanishing_gradients.HELD_OUT)
    discriminator = plain_mlp((2, *HIDDEN, 1), generator)
    assert_same(history, 1, plain_history([theta], held_out, draw, discriminator, 25), rtol=2e-3)


def test_mnist_agrees_with_a_plain_loop():
    history, g = on_mnist([3, 5], steps=6, training_steps=4), seeded(5)
    train, test = (torch.tensor(mnist.load(split)[0]).reshape(-1, 784) for split in ("train", "test"))
    width, latent_dim, batch_size = (
        getattr(vanishing_gradients, name) for name in ("GAN_HIDDEN_DIM", "LATENT_DIM", "BATCH_SIZE")
    )
    G, D = nn.Sequential(plain_mlp((latent_dim, width, 784), g), nn.Sigmoid()), plain_mlp((784, width, 1), g)
    opt_G, opt_D = (plain_adam(network, 1e-3, 0.5) for network in (G, D))

    def z(n=batch_size):
        return torch.randn(n, latent_dim, generator=g)

    def real(images=train, n=batch_size):
        return images[torch.randint(len(images), (n,), generator=g)]

    for _ in range(4):
        x, for_D, for_G = real(), z(), z()
        plain_step(D, opt_D, plain_loss(D(x), 1.0), plain_loss(D(G(for_D).detach()), 0.0))
        plain_step(G, opt_G, plain_loss(D(G(for_G)), 1.0))  # -log D
    held_out = real(test, vanishing_gradients.HELD_OUT), G(z(vanishing_gradients.HELD_OUT))
    np.testing.assert_allclose(history.samples[1].reshape(16, 784), held_out[1][:16].detach(), atol=1e-4)
    fresh = plain_mlp((784, *HIDDEN, 1), g)
    plain = plain_history(list(G.parameters()), held_out, lambda: (real(), G(z())), fresh, 6)
    assert_same(history, 1, plain, rtol=2e-3)


@pytest.mark.parametrize(("run", "steps"), [(on_lines, (60,)), (on_mnist, (4, 4))])
def test_a_seed_does_not_depend_on_its_company(run, steps):
    alone, together = run([2], *steps), run([0, 2, 3], *steps)
    for name in (*MEASURED, "samples"):
        values, others = getattr(together, name)[1], getattr(together, name)[2]
        np.testing.assert_allclose(getattr(alone, name)[0], values, rtol=1e-5, atol=1e-7, err_msg=name)
        assert name == "accuracy" or not np.allclose(values, others, rtol=1e-3)


@pytest.fixture(scope="module")
def lines():
    return on_lines(range(3), steps=250)


def test_steps_are_whole_rising_and_end_with_the_last(lines):
    assert lines.steps[0] == 0 and lines.steps[1] == 1 and lines.steps[-1] == 250
    assert (np.diff(lines.steps) > 0).all() and len(lines.steps) <= vanishing_gradients.MEASUREMENTS
    assert lines.saturating.shape == lines.accuracy.shape == (3, len(lines.steps))


def test_blind_discriminator_for_lines_at_distance_0():
    history = on_lines([0, 1], steps=100, distance=0.0)
    assert (history.discriminator_loss[:, -1] > 2 * np.log(2) - 0.02).all()
    assert (np.abs(history.accuracy[:, -1] - 0.5) < 0.07).all()  # 1024 fair coins: 4.5 standard errors


def history_of(saturating, non_saturating, accuracy):
    rows = [np.array([values], dtype=float) for values in (saturating, non_saturating, accuracy)]
    return GradientHistory(np.array([0, 1, 10, 100]), *rows, rows[0], np.zeros((1, 16, 2), np.float32))


def test_fall_is_from_the_peak_and_rise_from_the_untrained():
    history = history_of([0.1, 1.0, 0.1, 0.001], [0.01, 0.1, 2.0, 1.0], [1, 1, 1, 1])
    assert history.fall() == pytest.approx([3])
    assert history.rise() == pytest.approx([2])


@pytest.mark.parametrize(
    ("accuracy", "expected"),
    [([1, 1, 1, 1], 0), ([0.5, 1, 0.9, 1], 100), ([0.5, 0.9, 1, 1], 10), ([1, 1, 1, 0.9], np.inf)],
    ids=["always", "again", "once", "never"],
)
def test_perfect_from_is_the_step_after_the_last_error(accuracy, expected):
    assert history_of([1] * 4, [1] * 4, accuracy).perfect_from() == [expected]


@pytest.mark.parametrize(
    ("run", "arguments", "message"),
    [
        (on_lines, {"seeds": []}, "seeds: expected at least 1"),
        (on_lines, {"seeds": [0], "steps": 0}, "steps: expected at least 1"),
        (on_lines, {"seeds": [0], "distance": np.nan}, "distance: expected one finite number"),
        (on_mnist, {"seeds": [0], "steps": -1}, "steps: expected at least 1"),
        (on_mnist, {"seeds": [0], "training_steps": -1}, "training_steps: expected at least 0"),
    ],
    ids=lambda value: None if callable(value) else str(value),
)
def test_bad_input_is_named(run, arguments, message):
    with pytest.raises(ValueError, match=message):
        run(**arguments)


def test_a_logit_of_0_is_on_neither_side():
    theta = torch.ones(1, 1, requires_grad=True)
    undecided = 0.0 * theta.expand(1, 4)
    accuracy = vanishing_gradients._measure([theta], undecided.detach(), undecided)[2]
    assert accuracy.tolist() == [0.0]
