"""Many GANs at once: a step against autograd by hand, seeds apart, snapshots where promised, failures named."""

import copy
import dataclasses
import re
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as entropy

from genmodels.data.toy import GaussianModes, ring
from genmodels.gan import train
from genmodels.gan.config import GANConfig
from genmodels.gan.discriminator import Discriminator
from genmodels.gan.train import (
    BATCH_SIZE,
    BLOCK,
    HIDDEN_DIM,
    LATENT_DIM,
    SNAPSHOT,
    TrainingError,
    continue_training,
    operations_per_step,
    random_streams,
    train_gans,
    train_step,
)
from genmodels.mlp import EnsembleMLP

CONFIGS = {
    "balanced": GANConfig(),
    "speeds": GANConfig(loss="saturating", discriminator_steps=3, lr_D=2e-4),
    "pack 4": GANConfig(pack=4),
    "pack 2 repeated": GANConfig(pack=2, packing="repeat"),
    "pack 4 as a sum": GANConfig(pack=4, packing="sum"),
    "pack 2, minibatch std": GANConfig(pack=2, minibatch_std=True),
    "wgan-gp": GANConfig(loss="wasserstein", gradient_penalty=10.0, discriminator_steps=2),
    "spectral norm": GANConfig(spectral_norm=True),
    "R1": GANConfig(r1=10.0),
}
SMALL, RECORDS = {"hidden_dim": 8, "batch_size": 8}, ("discriminator_loss", "generator_loss", "snapshots")
every_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


def points_for(config, n):
    """Points, or packs of them, as the discriminators take them."""
    shape = (n, 2) if config.pack == 1 or config.packing == "repeat" else (n, config.pack, 2)
    return np.random.default_rng(0).normal(size=shape)


def state_of(runs):
    """Copies of both networks' weights, of the state of their Adam and of the directions of spectral norm."""
    moments = [each for opt in (runs.opt_G, runs.opt_D) for own in opt.state.values() for each in own.values()]
    return [each.detach().clone() for each in (*runs.G.parameters(), *runs.D.parameters(), *moments, *runs.D.left)]


def same(first, second):
    return all(map(torch.equal, first, second)) and len(first) == len(second)


def losses_by_hand(config, real_logits, fake_logits):
    """L_D and L_G, summed over members."""
    n = real_logits.shape[1]
    if config.loss == "wasserstein":
        return (fake_logits - real_logits).sum() / n, -fake_logits.sum() / n
    one, zero = torch.ones_like(real_logits), torch.zeros_like(real_logits)
    own = -entropy(fake_logits, zero, reduction="sum") / n
    if config.loss == "non-saturating":
        own = entropy(fake_logits, one, reduction="sum") / n
    return (entropy(real_logits, one, reduction="sum") + entropy(fake_logits, zero, reduction="sum")) / n, own


def penalty_by_hand(config, D, real, fake):
    if not (config.r1 or config.gradient_penalty):
        return 0.0
    u = torch.linspace(0, 1, real.shape[1])[:, None]
    at = (real if config.r1 else u * real + (1 - u) * fake).clone().requires_grad_()
    squared = torch.autograd.grad(D(at).sum(), at, create_graph=True)[0].square().sum(-1)
    penalty = config.r1 / 2 * squared if config.r1 else config.gradient_penalty * (squared.sqrt() - 1) ** 2
    return penalty.sum() / real.shape[1]


@pytest.mark.parametrize("lr_G", [0.1, 0.0])
@every_config
def test_in_a_step_each_network_follows_its_own_loss_alone(config, lr_G):
    own, k = [torch.Generator().manual_seed(seed) for seed in (0, 1)], config.discriminator_steps
    G, D = EnsembleMLP((2, 5, 2), own).double(), Discriminator(config, 2, 5, own).double()
    D.left = [u.double() for u in D.left]
    real = torch.randn(k, 2, 8, 2, generator=own[0], dtype=torch.float64)
    z = torch.randn(k + 1, 2, 8, 2, generator=own[0], dtype=torch.float64)
    old_G, hand_D = copy.deepcopy((G, D))
    arrived = {"G": [], "D": []}  # every gradient that a first matrix gets
    for name, network in (("G", G), ("D", D)):
        network.weights[0].register_post_accumulate_grad_hook(lambda w, to=arrived[name]: to.append(w.grad.clone()))
    opt_G, opt_D = torch.optim.SGD(G.parameters(), lr=lr_G), torch.optim.SGD(D.parameters(), lr=0.1)
    measured = train_step(G, D, opt_G, opt_D, real, z, config)
    for x, code in zip(real, z[:-1], strict=True):
        fake = old_G(code).detach()
        loss_D = losses_by_hand(config, hand_D(x), hand_D(fake))[0]
        slopes_D = torch.autograd.grad(loss_D + penalty_by_hand(config, hand_D, x, fake), [*hand_D.parameters()])
        for weight, slope in zip(hand_D.parameters(), slopes_D, strict=True):
            weight.data -= 0.1 * slope
    logits = hand_D.requires_grad_(False)(old_G(z[-1]))
    loss_G = losses_by_hand(config, logits, logits)[1]
    slopes_G = torch.autograd.grad(loss_G, [*old_G.parameters()])
    for weight, expected, slope in zip(D.parameters(), hand_D.parameters(), slopes_D, strict=True):
        torch.testing.assert_close(weight.detach(), expected)
        torch.testing.assert_close(weight.grad, slope)  # G's turn has added nothing
        assert weight.requires_grad
    for weight, old, slope in zip(G.parameters(), old_G.parameters(), slopes_G, strict=True):
        torch.testing.assert_close(weight.grad, slope)
        torch.testing.assert_close(weight.detach(), old.detach() - lr_G * slope, rtol=0 if lr_G == 0 else 1e-7, atol=0)
    for total, expected in zip(measured, (loss_D, loss_G), strict=True):
        assert total.shape == (2,) and not total.requires_grad
        torch.testing.assert_close(total.sum(), expected.detach())
    assert {name: len(gradients) for name, gradients in arrived.items()} == {"G": 1, "D": k}  # G in its turn only


@every_config
def test_a_seed_in_company_agrees_with_the_seed_alone(config):
    together, alone = (train_gans(ring(), config, seeds, 30) for seeds in ([3, 8, 1], [8]))
    for name in ("discriminator_loss", "generator_loss"):
        both, one = getattr(together, name), getattr(alone, name)
        np.testing.assert_allclose(both[1], one[0], rtol=1e-4, atol=1e-4)
        assert min(np.abs(both[other] - one[0]).max() for other in (0, 2)) > 1e-3


def test_a_seed_again_is_the_same_whatever_holds_the_seeds():
    kinds = [[4, 5], (4, 5), range(4, 6), [np.int64(4), 5]]
    runs = [train_gans(ring(), GANConfig(), seeds, 3, **SMALL) for seeds in kinds]
    assert all(run.seeds == (4, 5) and same(state_of(run), state_of(runs[0])) for run in runs)


def test_all_settings_start_from_the_same_generators():
    starts = [train_gans(ring(), config, [3, 4], 1, **SMALL).snapshots[:, 0] for config in CONFIGS.values()]
    assert all(np.array_equal(start, starts[0]) for start in starts)
    assert not np.array_equal(starts[0][0], starts[0][1])


@pytest.mark.parametrize(("every", "expected"), [(None, [0, 6]), (2, [0, 2, 4, 6]), (4, [0, 4, 6])])
def test_snapshots_are_taken_when_promised(every, expected):
    settings = {"probes": ring().centres, **SMALL}
    runs = train_gans(ring(), GANConfig(), [0, 1], 6, snapshot_every=every, **settings)
    assert runs.snapshot_steps.tolist() == expected
    for place, step in enumerate(expected[1:], start=1):  # a training that ends there ends with it
        short = train_gans(ring(), GANConfig(), [0, 1], step, **settings)
        assert np.array_equal(runs.snapshots[:, place], short.snapshots[:, -1])
        assert np.array_equal(runs.probe_logits[:, place], short.probe_logits[:, -1])
        assert np.array_equal(runs.generator_loss[:, :step], short.generator_loss)


@pytest.fixture(scope="module")
def trained():
    return train_gans(ring(), GANConfig(), [6, 7, 8], 30, hidden_dim=16, snapshot_every=10)


def plain_outputs(network, index, inputs):
    """One member's MLP in NumPy, in double precision."""
    for layer, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        inputs = inputs if layer == 0 else np.where(inputs > 0, inputs, 0.2 * inputs)
        inputs = inputs @ weight[index].detach().double().numpy() + bias[index].detach().double().numpy()
    return inputs


def test_samples_and_logits_are_those_of_the_final_networks_at_every_call(trained):
    assert np.array_equal(trained.samples(SNAPSHOT), trained.snapshots[:, -1])
    points = np.random.default_rng(1).normal(size=(20, 2))
    samples, logits = trained.samples(40), trained.logits(points)
    for index, seed in enumerate(trained.seeds):
        z = torch.randn(40, LATENT_DIM, generator=random_streams(seed).measuring).double().numpy()
        np.testing.assert_allclose(samples[index], plain_outputs(trained.G, index, z), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(logits[index], plain_outputs(trained.D, index, points)[:, 0], rtol=1e-4, atol=1e-5)
    trained.samples(40)[:] = 0.0
    assert np.array_equal(trained.samples(40), samples) and np.array_equal(trained.logits(points.tolist()), logits)


@pytest.mark.parametrize("name", ["balanced", "pack 4", "pack 2 repeated", "pack 4 as a sum", "spectral norm", "R1"])
def test_probes_are_judged_at_every_snapshot_and_change_nothing(name):
    config, probes = CONFIGS[name], points_for(CONFIGS[name], 5)
    plain = train_gans(ring(), config, [1, 2], 7, snapshot_every=3, **SMALL)
    runs = train_gans(ring(), config, [1, 2], 7, snapshot_every=3, probes=probes, **SMALL)
    assert plain.probe_logits is None and same(state_of(runs), state_of(plain))
    for place, step in enumerate(runs.snapshot_steps[1:], start=1):  # a training that ends there says the same of them
        short = train_gans(ring(), config, [1, 2], step, **SMALL)
        np.testing.assert_allclose(runs.probe_logits[:, place], short.logits(probes), rtol=1e-5, atol=1e-6)
    on = continue_training(ring(), runs, 4, snapshot_every=2, probes=probes)
    assert np.array_equal(on.probe_logits[:, 0], runs.probe_logits[:, -1]) and on.probe_logits.shape == (2, 3, 5)
    assert same(state_of(on), state_of(continue_training(ring(), runs, 4)))


@every_config
def test_continued_training_begins_where_it_ended_and_leaves_that_as_it_was(config):
    runs = train_gans(ring(), config, [1, 2], 5, **SMALL)
    before = state_of(runs)
    on, again = (continue_training(ring(), runs, 6, snapshot_every=2, config=each) for each in (None, config))
    assert (on.seeds, on.config, on.batch_size) == (runs.seeds, runs.config, runs.batch_size)
    assert on.snapshot_steps.tolist() == [0, 2, 4, 6]
    assert np.array_equal(on.snapshots[:, 0], runs.snapshots[:, -1]) and same(state_of(on), state_of(again))
    # Adam goes on as well: its count of steps is that of both
    for opt, updates in ((on.opt_G, 1), (on.opt_D, config.discriminator_steps)):
        assert {int(own["step"]) for own in opt.state.values()} == {11 * updates}
    other = dataclasses.replace(config, lr_G=0.1, lr_D=0.2)
    for frozen in (None, "generator", "discriminator"):
        for restart in (False, True):
            continue_training(ring(), runs, 2, config=other, restart=restart, frozen=frozen)
    assert same(state_of(runs), before)


@every_config
def test_frozen_networks_stay_bitwise(config):
    runs = train_gans(ring(), config, [1, 2], 5, **SMALL)
    for frozen in ("generator", "discriminator"):
        on = continue_training(ring(), runs, 4, frozen=frozen, snapshot_every=2)
        stays = {each: same([*getattr(on, each).parameters()], [*getattr(runs, each).parameters()]) for each in "GD"}
        assert stays == {"G": frozen == "generator", "D": frozen == "discriminator"}
        still = [np.array_equal(on.snapshots[:, place], runs.snapshots[:, -1]) for place in range(3)]
        assert still == [True, frozen == "generator", frozen == "generator"]
        for name in ("discriminator_loss", "generator_loss"):  # are measured all the same
            assert (np.ptp(getattr(on, name), axis=1) > 0).all()


def test_new_settings_hold_from_now_on():
    runs = train_gans(ring(), GANConfig(), [1, 2], 5, **SMALL)
    config = GANConfig(loss="saturating", discriminator_steps=3, lr_G=0.03, lr_D=0.04, r1=2.0)
    on = continue_training(ring(), runs, 4, config=config)
    assert on.config == config and runs.config == GANConfig()
    for opt, rate, updates in ((on.opt_G, 0.03, 1), (on.opt_D, 0.04, 3)):
        assert opt.param_groups[0]["lr"] == rate
        assert {int(own["step"]) for own in opt.state.values()} == {5 + 4 * updates}
    assert (on.generator_loss < 0).all()  # E[log(1 - D)] is, E[-log D] is not


@pytest.mark.parametrize("frozen", [None, "generator", "discriminator"])
def test_a_restart_gives_the_generators_their_first_weights(frozen):
    runs = train_gans(ring(), GANConfig(), [1, 2], 5, **SMALL)
    on = continue_training(ring(), runs, 4, config=GANConfig(lr_G=0.01), restart=True, frozen=frozen, probes=[[0, 0]])
    assert np.array_equal(on.snapshots[:, 0], runs.snapshots[:, 0])
    assert np.array_equal(on.probe_logits[:, 0], runs.logits([[0, 0]]))
    assert {int(own["step"]) for own in on.opt_G.state.values()} == {4}  # an Adam that has forgotten
    assert on.opt_G.param_groups[0]["lr"] == (0.0 if frozen == "generator" else 0.01)


def test_a_seeds_streams_are_four_and_begin_afresh():
    first, again, other = ([torch.rand(50, generator=own) for own in random_streams(seed)] for seed in (5, 5, 6))
    assert same(first, again)
    numbers = [*first, *other]
    assert not any(torch.equal(a, b) for i, a in enumerate(numbers) for b in numbers[:i])


@pytest.mark.parametrize("k", [1, 2])
def test_every_update_draws_fresh_numbers_of_the_right_law(k, monkeypatch):
    drawn = []

    def spy(*arguments):
        drawn.append(arguments[4:6])
        return torch.zeros(3), torch.zeros(3)

    monkeypatch.setattr(train, "train_step", spy)
    data = GaussianModes(np.array([[3.0, -1.0]]), 0.5)
    train_gans(data, GANConfig(discriminator_steps=k), [3, 0, 17], 2 * BLOCK + 3, batch_size=40)
    assert len(drawn) == 2 * BLOCK + 3
    for numbers, updates, centre, sd in zip(
        zip(*drawn, strict=True), (k, k + 1), ([3, -1], [0, 0]), (0.5, 1), strict=True
    ):
        batches = torch.stack(numbers)
        assert batches.shape == (2 * BLOCK + 3, updates, 3, 40, 2)
        flat = batches.flatten(0, 2).flatten(1)
        assert len(torch.unique(flat, dim=0)) == len(flat)  # of no member and in no block the same again
        deviation = (batches.double() - torch.tensor(centre)) / sd
        error = 5 / np.sqrt(deviation.numel() / 2)
        assert deviation.mean((0, 1, 2, 3)).abs().max() < error
        assert (deviation.square().mean((0, 1, 2, 3)) - 1).abs().max() < 1.5 * error


@pytest.mark.parametrize(("rate", "step"), [("lr_G", 1), ("lr_D", 0)])
def test_rates_that_are_too_large_are_reported(rate, step):
    with pytest.raises(TrainingError, match=rf"^seed 21: .* at step {step}; lower .*{rate}"):
        train_gans(ring(), GANConfig(**{rate: 1e30}), [21, 22], 5)
    assert issubclass(TrainingError, ArithmeticError) and not issubclass(TrainingError, ValueError)


@pytest.mark.parametrize("network", ["G", "D"])
@pytest.mark.parametrize(("member", "value"), [(0, torch.nan), (1, torch.inf), (2, torch.nan)])
def test_the_seed_that_fails_is_named(network, member, value):
    runs = train_gans(ring(), GANConfig(), [5, 6, 7], 3, **SMALL)
    getattr(runs, network).weights[0].data[member] = value
    with pytest.raises(TrainingError, match=rf"^seed {5 + member}: .* at step 0;"):
        continue_training(ring(), runs, 4)
    if network == "G":
        continue_training(ring(), runs, 4, restart=True)  # fresh generators are not damaged


def products(*sizes):
    """Multiplications in the matrix products of one input that goes through layers of these sizes."""
    return sum(a * b for a, b in pairwise(sizes))


def operations_by_hand(config, hidden=HIDDEN_DIM, batch=BATCH_SIZE):
    """Multiply-adds of a step by pencil: forwards, dW for every layer, and delta W^T down to where it is needed."""
    rows = batch // config.pack if config.packing == "concat" else batch
    inputs = 2 * (1 if config.packing == "sum" else config.pack) + config.minibatch_std
    generator, discriminator = (LATENT_DIM, hidden, hidden, 2), (inputs, hidden, hidden, 1)
    forwards = products(*discriminator)
    update = batch * products(*generator) + 2 * rows * (2 * forwards + products(*discriminator[1:]))
    made = batch * (2 * products(*generator) + products(*generator[1:])) + 2 * rows * forwards
    return config.discriminator_steps * update + made


@pytest.mark.parametrize("name", CONFIGS)
def test_operations_are_those_counted_by_hand_and_spectral_norm_and_penalties_cost_more(name):
    more = operations_per_step(CONFIGS[name]) - 2 * operations_by_hand(CONFIGS[name])  # one of each kind
    assert more > 0 if name in ("wgan-gp", "spectral norm", "R1") else more == 0


BAD = {
    "seeds": [{"seeds": bad} for bad in ([], [0, 2, 0])],
    **{name: [{name: 0}] for name in ("steps", "hidden_dim", "batch_size", "snapshot_every")},
    "probes": [{"probes": np.zeros((3, 2, 2))}, {"probes": [[0.0, np.inf]]}],
    "pack": [{"config": GANConfig(pack=4, packing=packing), "batch_size": 10} for packing in ("concat", "sum")],
    "config": [{"config": GANConfig(minibatch_std=True), "probes": np.zeros((3, 2))}],
}
BAD_AFTERWARDS = {
    "steps": [{"steps": 0}],
    "snapshot_every": [{"snapshot_every": 0}],
    "probes": [{"probes": [[0.0, np.inf]]}],
    "frozen": [{"frozen": "generators"}, {"frozen": False}],
    "config": [
        {"config": GANConfig(**other)}
        for other in ({"pack": 2}, {"packing": "sum"}, {"minibatch_std": True}, {"spectral_norm": True})
    ],
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    for bad in BAD[name]:
        with pytest.raises(ValueError, match=rf"^{name}: expected"):
            train_gans(**{"data": ring(), "config": GANConfig(), "seeds": [0, 1], "steps": 2} | bad)


@pytest.mark.parametrize("name", BAD_AFTERWARDS)
def test_bad_arguments_of_continue_training_are_named(trained, name):
    for bad in BAD_AFTERWARDS[name]:
        with pytest.raises(ValueError, match=rf"^{name}: expected"):
            continue_training(ring(), trained, **{"steps": 3} | bad)


@pytest.mark.parametrize(
    ("config", "shapes"),
    [
        (GANConfig(), [(), (2,), (0, 2), (4, 3), (2, 2, 2)]),
        (GANConfig(pack=2), [(4, 4), (4, 2), (4, 3, 2), (0, 2, 2)]),
        (GANConfig(pack=2, packing="repeat"), [(4, 2, 2)]),
    ],
)
def test_points_of_another_shape_and_no_samples_are_named(config, shapes):
    runs = train_gans(ring(), config, [0], 1, hidden_dim=4)
    for shape in shapes:
        with pytest.raises(ValueError, match=rf"^points: expected shape .* got {re.escape(str(shape))}"):
            runs.logits(np.zeros(shape))
    with pytest.raises(ValueError, match=r"^points: expected finite numbers"):
        runs.logits(points_for(config, 3) * np.nan)
    with pytest.raises(ValueError, match=r"^n: expected"):
        runs.samples(0)
