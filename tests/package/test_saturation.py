"""Both generator gradients against a plain computation per seed, and what the experiment is there to show."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from genmodels.data import mnist
from genmodels.gan import vanishing_gradients as saturation
from genmodels.gan.vanishing_gradients import GradientHistory, gradient_norms, run_lines, run_mnist
from genmodels.mlp import SLOPE, init_mlp, mlp

MEASURED = ("saturating", "non_saturating", "accuracy", "discriminator_loss")


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def module_of(parameters, member=0):
    """The member's perceptron as torch's own modules, with the same weights."""
    layers = []
    for weight, bias in zip(parameters[::2], parameters[1::2], strict=True):
        linear = nn.Linear(*weight.shape[1:])
        linear.weight.data = weight[member].detach().T.clone()
        linear.bias.data = bias[member, 0].detach().clone()
        layers += [linear, nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers[:-1])


def plain_norms(parameters, fake_logits):
    """Norms of the gradients of mean log(1 - D) and of mean -log D, from the definitions."""
    d = torch.sigmoid(fake_logits)
    for loss in (torch.log(1 - d).mean(), -torch.log(d).mean()):
        gradients = torch.autograd.grad(loss, parameters, retain_graph=True)
        yield float(torch.sqrt(sum((gradient.double() ** 2).sum() for gradient in gradients)))


def plain_step(module, optimiser, *losses):
    module.zero_grad()
    sum(losses).backward()
    optimiser.step()


def plain_adam(module, rate, beta1):
    return torch.optim.Adam(module.parameters(), lr=rate, betas=(beta1, 0.999))


def plain_loss(logits, label):
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


def plain_history(parameters, held_out, draw, discriminator, steps):
    """The history of one seed with torch's own modules, losses and optimiser, measured after every step."""
    (real, fake), rows = held_out, []
    optimiser = plain_adam(discriminator, saturation.RATE, saturation.BETA1)
    for step in range(steps + 1):
        on_real, on_fake = discriminator(real), discriminator(fake)
        accuracy = ((on_real > 0).double().mean() + (on_fake < 0).double().mean()) / 2
        loss = plain_loss(on_real, 1.0) + plain_loss(on_fake, 0.0)
        rows.append([*plain_norms(parameters, on_fake), accuracy.item(), loss.item()])
        if step < steps:
            on_real, on_fake = (discriminator(batch.detach()) for batch in draw())
            plain_step(discriminator, optimiser, plain_loss(on_real, 1.0), plain_loss(on_fake, 0.0))
    return SimpleNamespace(**dict(zip(MEASURED, np.array(rows).T, strict=True)))


def assert_same(history, member, plain, rtol):
    for name in MEASURED:
        expected = getattr(plain, name)[history.steps]
        np.testing.assert_allclose(getattr(history, name)[member], expected, rtol=rtol, err_msg=name)


def test_gradients_are_those_of_separate_modules():
    generators = [seeded(seed) for seed in range(3)]
    generator, discriminator = init_mlp((4, 8, 5), generators), init_mlp((5, 6, 1), generators)
    z = torch.randn(3, 20, 4, generator=seeded(9))
    fake_logits = mlp(discriminator, mlp(generator, z)).squeeze(-1)
    stacked = [gradient_norms(generator, fake_logits, kind) for kind in ("saturating", "non-saturating")]
    for member in range(3):
        own = module_of(generator, member)
        expected = plain_norms(list(own.parameters()), module_of(discriminator, member)(own(z[member])))
        for norms, norm in zip(stacked, expected, strict=True):
            assert norms[member].item() == pytest.approx(norm, rel=1e-5)


def test_each_member_goes_down_its_own_mean_loss():
    discriminator = init_mlp((2, 6, 1), [seeded(seed) for seed in range(3)])
    modules = [module_of(discriminator, member) for member in range(3)]
    real, fake = torch.randn(2, 3, 20, 2, generator=seeded(9))
    # not Adam, whose steps are as long for a loss that is too large
    saturation._discriminator_step(discriminator, torch.optim.SGD(discriminator, lr=0.5), lambda: (real, fake))
    for member, module in enumerate(modules):
        losses = plain_loss(module(real[member]), 1.0), plain_loss(module(fake[member]), 0.0)
        plain_step(module, torch.optim.SGD(module.parameters(), lr=0.5), *losses)
        for own, expected in zip(module_of(discriminator, member).parameters(), module.parameters(), strict=True):
            torch.testing.assert_close(own, expected)


def test_lines_agree_with_a_plain_loop():
    history, seed = run_lines([4, 7], steps=25), 7
    generator, theta = seeded(seed), torch.tensor(1.0, requires_grad=True)

    def draw(n=saturation.BATCH):
        z = torch.rand(2, n, generator=generator)
        return torch.stack([0 * z[0], z[0]], 1), torch.stack([theta + 0 * z[1], z[1]], 1)

    held_out = draw(saturation.HELD_OUT)
    discriminator = module_of(init_mlp((2, *saturation.HIDDEN, 1), [generator]))
    assert_same(history, 1, plain_history([theta], held_out, draw, discriminator, 25), rtol=2e-3)


def test_mnist_agrees_with_a_plain_loop():
    history, g = run_mnist([3, 5], steps=6, training_steps=4), seeded(5)
    train, test = (torch.tensor(mnist.load(split)[0]).reshape(-1, 784) for split in ("train", "test"))
    width, noise = saturation.GAN_HIDDEN, saturation.GAN_NOISE
    players = init_mlp((noise, width, 784), [g]), init_mlp((784, width, 1), [g])
    generator, opponent = nn.Sequential(module_of(players[0]), nn.Sigmoid()), module_of(players[1])

    def draw(images=train, n=saturation.BATCH):
        rows = torch.randint(len(images), (n,), generator=g)
        return images[rows], generator(torch.randn(n, noise, generator=g))

    settings = saturation.GAN_RATE, saturation.GAN_BETA1
    optimisers = [plain_adam(module, *settings) for module in (generator, opponent)]
    for _ in range(4):
        real, fake = draw()
        losses = plain_loss(opponent(real), 1.0), plain_loss(opponent(fake.detach()), 0.0)
        plain_step(opponent, optimisers[1], *losses)
        plain_step(generator, optimisers[0], plain_loss(opponent(draw()[1]), 1.0))  # -log D
    fresh = module_of(init_mlp((784, *saturation.HIDDEN, 1), [g]))
    held_out = draw(test, saturation.HELD_OUT)
    np.testing.assert_allclose(history.samples[1].reshape(16, 784), held_out[1][:16].detach(), atol=1e-4)
    plain = plain_history(list(generator.parameters()), held_out, draw, fresh, 6)
    assert_same(history, 1, plain, rtol=2e-3)


@pytest.mark.parametrize(("run", "steps"), [(run_lines, (60,)), (run_mnist, (4, 4))])
def test_a_member_does_not_depend_on_its_company(run, steps):
    alone, together = run([2], *steps), run([0, 2, 3], *steps)
    for name in (*MEASURED, "samples"):
        values, others = getattr(together, name)[1], getattr(together, name)[2]
        np.testing.assert_allclose(getattr(alone, name)[0], values, rtol=1e-5, atol=1e-7, err_msg=name)
        assert name == "accuracy" or not np.allclose(values, others, rtol=1e-3)


@pytest.mark.parametrize(("run", "steps"), [(run_lines, (20,)), (run_mnist, (2, 2))])
def test_same_seeds_same_bits(run, steps):
    first, second = run([1, 2], *steps), run([1, 2], *steps)
    for name in (*MEASURED, "samples", "steps"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


@pytest.fixture(scope="module")
def lines():
    return run_lines(range(3), steps=250)


def test_lines_starve_the_saturating_generator_and_feed_the_other(lines):
    assert (lines.accuracy[:, lines.steps >= 50] > 0.99).all()
    assert (lines.fall() > 2).all()
    assert (lines.rise() > 1).all()
    late = lines.steps >= 50  # D is perfect: from here on everything goes one way
    assert (np.diff(np.log(lines.saturating[:, late]), axis=1) < 0.1).all()
    assert (lines.discriminator_loss[:, -1] < 1e-3).all()


def test_steps_are_whole_rising_and_end_with_the_last(lines):
    assert lines.steps[0] == 0 and lines.steps[1] == 1 and lines.steps[-1] == 250
    assert (np.diff(lines.steps) > 0).all() and len(lines.steps) <= saturation.MEASUREMENTS
    assert lines.saturating.shape == lines.accuracy.shape == (3, len(lines.steps))


def test_steps_lie_evenly_on_a_log_axis():
    measured = saturation._log_spaced(10**12)  # so many that no two are rounded to the same
    assert len(measured) == saturation.MEASUREMENTS
    even = np.logspace(0, 12, saturation.MEASUREMENTS - 1)
    assert (np.abs(np.array(measured[1:]) - even) <= 0.5 + 1e-14 * even).all()


def test_blind_discriminator_for_lines_at_distance_0():
    history = run_lines([0, 1], steps=100, distance=0.0)
    assert (history.discriminator_loss[:, -1] > 2 * np.log(2) - 0.02).all()
    assert (np.abs(history.accuracy[:, -1] - 0.5) < 0.07).all()  # 1024 fair coins: 4.5 standard errors


def test_mnist_starves_the_saturating_generator_and_feeds_the_other():
    history = run_mnist([0], steps=100, training_steps=60)
    assert (history.accuracy[:, -1] > 0.99).all()
    assert (history.fall() > 1).all()
    assert (history.rise() > 1).all()
    assert history.samples.shape == (1, 16, 28, 28)
    assert history.samples.min() >= 0 and history.samples.max() <= 1


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
        (run_lines, {"seeds": []}, "seeds: expected at least one"),
        (run_lines, {"seeds": [0], "steps": 0}, "steps: expected at least 1"),
        (run_lines, {"seeds": [0], "distance": np.nan}, "distance: expected one finite number"),
        (run_lines, {"seeds": [0], "distance": np.inf}, "distance: expected one finite number"),
        (run_mnist, {"seeds": []}, "seeds: expected at least one"),
        (run_mnist, {"seeds": [0], "steps": -1}, "steps: expected at least 1"),
        (run_mnist, {"seeds": [0], "training_steps": -1}, "training_steps: expected at least 0"),
    ],
    ids=lambda value: None if callable(value) else str(value),
)
def test_bad_input_is_named(run, arguments, message):
    with pytest.raises(ValueError, match=message):
        run(**arguments)


def test_damaged_digits_are_reported(monkeypatch, tmp_path):
    monkeypatch.setattr(mnist, "PATH", tmp_path / "mnist.npz")
    with pytest.raises(mnist.DataError):
        run_mnist([0], steps=1)


def test_a_logit_of_0_is_on_neither_side():
    theta = torch.ones(1, 1, requires_grad=True)
    undecided = 0.0 * theta.expand(1, 4)
    accuracy = saturation._row([theta], undecided.detach(), undecided)[2]
    assert accuracy.tolist() == [0.0]
