"""Losses, slopes and what the discriminator sees, against autograd, torch's cross-entropy and hand-made packs."""

import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from genmodels.gan.config import (
    Method,
    discriminator_loss,
    generator_loss,
    judged,
    judged_gradient,
    verdicts,
    verdicts_gradient,
)

LOSSES = ["non-saturating", "saturating", "wasserstein"]
SEEN = [
    Method(),
    Method(pack=4),
    Method(minibatch_std=True),
    Method(pack=4, minibatch_std=True),
    Method(pack=4, judge="copies"),
    Method(pack=4, judge="sum"),
]


def named(method):
    return f"pack {method.pack} {method.judge}{' std' * method.minibatch_std}"


def normal(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def logits_of(seed, *shape):
    """Some where D is sure: up to about +-60, where 1 - D is no longer a number."""
    return 20 * normal(seed, *shape)


def assert_loss(measured, slopes, loss, *logits):
    """The loss (S,) and, of their sum over members, the derivatives by the logits."""
    assert measured.shape == loss.shape and slopes.dtype == measured.dtype == torch.float32
    torch.testing.assert_close(measured, loss.detach().float(), rtol=1e-5, atol=1e-6)
    expected = torch.cat(torch.autograd.grad(loss.sum(), logits), dim=1)
    # to 1e-5 of each slope, also where D is sure
    torch.testing.assert_close(slopes, expected.float(), rtol=1e-5, atol=1e-14)


@pytest.mark.parametrize("n", [1, 33])
@pytest.mark.parametrize("loss", ["non-saturating", "saturating"])
def test_cross_entropy_and_its_slopes_are_torchs(loss, n):
    # in double precision, for torch computes D - 1, which cancels
    real, fake = (logits_of(seed, 3, n).double().requires_grad_() for seed in (0, 1))
    labelled = [(real, torch.ones_like(real)), (fake, torch.zeros_like(fake))]
    terms = [binary_cross_entropy_with_logits(*pair, reduction="none").mean(1) for pair in labelled]
    assert_loss(*discriminator_loss(loss, real.detach().float(), fake.detach().float()), sum(terms), real, fake)
    # log(1 - D) is minus the cross-entropy to the label 0, -log D the cross-entropy to the label 1
    sign, label = (-1, 0) if loss == "saturating" else (1, 1)
    labels = torch.full_like(fake, float(label))
    own = sign * binary_cross_entropy_with_logits(fake, labels, reduction="none").mean(1)
    assert_loss(*generator_loss(loss, fake.detach().float()), own, fake)


def test_wasserstein_losses_are_differences_of_means():
    real, fake = (logits_of(seed, 3, 12).requires_grad_() for seed in (0, 1))
    measured = discriminator_loss("wasserstein", real.detach(), fake.detach())
    assert_loss(*measured, (fake.sum(1) - real.sum(1)) / 12, real, fake)
    assert_loss(*generator_loss("wasserstein", fake.detach()), -fake.sum(1) / 12, fake)


@pytest.mark.parametrize("n", [7, 33])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_members_bits_do_not_depend_on_its_company(loss, n):
    real, fake = logits_of(0, 5, n), logits_of(1, 5, n)
    together = *discriminator_loss(loss, real, fake), *generator_loss(loss, fake)
    for member in range(5):
        own = real[member : member + 1], fake[member : member + 1]
        alone = *discriminator_loss(loss, *own), *generator_loss(loss, own[1])
        for measured, expected in zip(together, alone, strict=True):
            assert torch.equal(measured[member], expected[0])


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_leave_the_logits_as_they_are(loss):
    real, fake = logits_of(0, 2, 4), logits_of(1, 2, 4)
    before = real.clone(), fake.clone()
    discriminator_loss(loss, real, fake)
    generator_loss(loss, fake)
    assert torch.equal(real, before[0]) and torch.equal(fake, before[1])


def by_hand(method, samples):
    """What the network takes for the samples (n, d) of one member and one source, row by row."""
    if method.judge == "sum":
        return samples
    if method.judge == "copies":
        return torch.stack([torch.cat([sample] * method.pack) for sample in samples])
    starts = range(0, len(samples), method.pack)
    packs = torch.stack([torch.cat(list(samples[start : start + method.pack])) for start in starts])
    if not method.minibatch_std:
        return packs
    columns = [((column - column.mean()) ** 2).mean().add(1e-8).sqrt() for column in packs.T]
    spread = sum(columns) / len(columns)
    return torch.cat([packs, spread.expand(len(packs), 1)], dim=1)


@pytest.mark.parametrize("method", SEEN, ids=named)
def test_the_discriminator_sees_the_sources_apart(method):
    dimensions = 3
    real, fake = normal(0, 3, 8, dimensions), 5 * normal(1, 3, 8, dimensions)
    seen = judged(method, torch.cat([real, fake], dim=1), sources=2)
    for member in range(3):
        expected = torch.cat([by_hand(method, source[member]) for source in (real, fake)])
        torch.testing.assert_close(seen[member], expected, rtol=1e-6, atol=1e-7)
    assert seen.shape[2] == method.inputs(dimensions)
    torch.testing.assert_close(judged(method, real), seen[:, : seen.shape[1] // 2], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("method", SEEN, ids=named)
def test_gradients_of_samples_are_those_of_autograd(method):
    samples = normal(0, 3, 8, 2).requires_grad_()
    seen = judged(method, samples)
    gradient = normal(1, *seen.shape)
    (expected,) = torch.autograd.grad(seen, samples, gradient)
    measured = judged_gradient(method, gradient, samples.detach())
    torch.testing.assert_close(measured, expected, rtol=1e-5, atol=1e-6)


def test_gradients_stay_finite_where_all_samples_are_one():
    method, samples = Method(minibatch_std=True), torch.ones(1, 4, 2)
    gradient = judged_gradient(method, torch.ones(1, 4, 3), samples)
    torch.testing.assert_close(gradient, torch.ones(1, 4, 2))


@pytest.mark.parametrize("method", SEEN, ids=named)
def test_verdicts_are_one_per_pack_and_their_gradient_is_that_of_autograd(method):
    outputs = normal(0, 3, judged(method, torch.zeros(1, 8, 2)).shape[1], 1).requires_grad_()
    logits = verdicts(method, outputs)
    if method.judge == "sum":
        expected = torch.stack([outputs[:, i : i + method.pack, 0].sum(1) for i in range(0, 8, method.pack)], dim=1)
        torch.testing.assert_close(logits, expected)
    else:
        assert torch.equal(logits, outputs[..., 0])
    slopes = normal(1, *logits.shape)
    (expected,) = torch.autograd.grad(logits, outputs, slopes)
    assert torch.equal(verdicts_gradient(method, slopes), expected)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (Method(), True),
        (Method(pack=1, minibatch_std=True), False),
        (Method(pack=2), False),
        (Method(pack=2, judge="copies"), False),
        (Method(pack=2, judge="sum"), True),
    ],
    ids=lambda value: named(value) if isinstance(value, Method) else "",
)
def test_which_networks_take_points(method, expected):
    assert method.judges_points is expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("loss", value) for value in ("hinge", None, "Saturating")],
        ("judge", "apart"),
        *[(name, value) for name in ("discriminator_steps", "generator_steps", "pack") for value in (0, 2.5)],
        *[(name, value) for name in ("discriminator_rate", "generator_rate") for value in (0.0, math.nan)],
        *[(name, value) for name in ("gradient_penalty", "penalty_norm") for value in (-1e-9, math.inf)],
    ],
)
def test_bad_options_are_named(name, value):
    with pytest.raises(ValueError, match=rf"^{name}: expected"):
        Method(**{name: value})


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("gradient_penalty", {"gradient_penalty": 1.0, "minibatch_std": True}),
        ("gradient_penalty", {"gradient_penalty": 1.0, "pack": 2, "judge": "sum"}),
        ("gradient_penalty", {"gradient_penalty": 1.0, "pack": 2, "judge": "copies"}),
        ("minibatch_std", {"minibatch_std": True, "pack": 2, "judge": "sum"}),
        ("minibatch_std", {"minibatch_std": True, "pack": 2, "judge": "copies"}),
    ],
    ids=str,
)
def test_options_that_exclude_each_other_are_named(name, options):
    with pytest.raises(ValueError, match=rf"^{name}: expected"):
        Method(**options)


def test_without_options_play_is_balanced():
    method = Method()
    assert method.generator_steps == method.discriminator_steps == method.pack == 1
    assert method.generator_rate == method.discriminator_rate
    assert not (method.minibatch_std or method.gradient_penalty or method.spectral_norm)
    assert Method(gradient_penalty=5.0).penalty_norm == 0  # a penalty alone is R1
