"""Updates of both players, by every rule, against autograd, torch's Adam and losses written from their definitions."""

import numpy as np
import pytest
import torch
from torch.nn.functional import logsigmoid

from genmodels.data.toy import GaussianModes, ring
from genmodels.games import BLOCK, LATENT, SHOWN, Game, TrainingError, normal, streams
from genmodels.gan.config import Method
from genmodels.mlp import mlp
from genmodels.players import BETAS, Player

SEEDS, HIDDEN, BATCH = (4, 9, 2), 10, 12
EPS = 1e-4  # of Adam where play is compared: the default scales up what is 0 but for rounding (Wasserstein: biases)
METHODS = {
    "balanced": Method(),
    "saturating": Method(loss="saturating"),
    "wasserstein": Method(loss="wasserstein"),
    "speeds": Method(discriminator_steps=2, generator_steps=3, discriminator_rate=5e-4, generator_rate=3e-3),
    "pack 4 of copies": Method(pack=4, judge="copies"),
    "pack 6 as a sum": Method(pack=6, judge="sum"),
    "pack 3, minibatch std": Method(pack=3, minibatch_std=True),
    "R1": Method(gradient_penalty=5.0),
    "R1, pack 2": Method(gradient_penalty=0.5, pack=2),
    "wgan-gp": Method(loss="wasserstein", gradient_penalty=10.0, penalty_norm=1.0, discriminator_steps=2),
    "penalty, pack 2": Method(gradient_penalty=1.0, penalty_norm=1.0, pack=2),
    "spectral norm, R1": Method(spectral_norm=True, gradient_penalty=2.0, discriminator_steps=2),
}
SOME = ("speeds", "pack 6 as a sum", "spectral norm, R1")


def game_of(method, seeds=SEEDS, *, frozen=None, target=None, hidden=HIDDEN, batch=BATCH):
    own = [streams(seed) for seed in seeds]
    first = [each.generator for each in own], [each.discriminator for each in own]
    generator = Player((LATENT, hidden, hidden, 2), first[0], method.generator_rate)
    sizes = method.inputs(2), hidden, hidden, 1
    discriminator = Player(sizes, first[1], method.discriminator_rate, spectral_norm=method.spectral_norm)
    for _ in range(200):
        discriminator._normalise()  # so that the reference may start at the largest singular values
    return Game(ring() if target is None else target, method, seeds, batch, generator, discriminator, frozen)


class PlainPlayer:
    """The parameters of all members, autograd through `mlp` and one plain Adam."""

    def __init__(self, player, rate, spectral=False):
        pairs = zip(player.weights, player.biases, strict=True)
        self.parameters = [values[: player.members].clone().requires_grad_() for pair in pairs for values in pair]
        self.optimiser = torch.optim.Adam(self.parameters, lr=rate, betas=BETAS, eps=EPS, foreach=False, fused=False)
        self.left = [torch.linalg.svd(weight)[0][..., :1] for weight in self.parameters[::2]] if spectral else None
        self.right = [None] * len(self.parameters[::2])
        self.iterate()

    @torch.no_grad()
    def iterate(self):
        """One power iteration of every weight."""
        for layer in range(len(self.left or [])):
            weight = self.parameters[2 * layer]
            self.right[layer] = torch.nn.functional.normalize(weight.mT @ self.left[layer], dim=1)
            self.left[layer] = torch.nn.functional.normalize(weight @ self.right[layer], dim=1)

    def __call__(self, inputs):
        used = list(self.parameters)
        for layer, left in enumerate(self.left or []):
            used[2 * layer] = used[2 * layer] / (left.mT @ used[2 * layer] @ self.right[layer])
        return mlp(used, inputs)

    def descend(self, loss):
        self.optimiser.zero_grad()
        for parameter, gradient in zip(self.parameters, torch.autograd.grad(loss, self.parameters), strict=True):
            parameter.grad = gradient
        self.optimiser.step()
        self.iterate()


def seen(method, samples):
    """What the network takes of the samples (S, n, 2) of one source."""
    if method.judge == "sum":
        return samples
    if method.judge == "copies":
        return torch.cat([samples] * method.pack, dim=2)
    packs = torch.cat([samples[:, place :: method.pack] for place in range(method.pack)], dim=2)
    if not method.minibatch_std:
        return packs
    spread = ((packs - packs.mean(1, keepdim=True)) ** 2).mean(1, keepdim=True).add(1e-8).sqrt().mean(2, keepdim=True)
    return torch.cat([packs, spread.expand(-1, packs.shape[1], 1)], dim=2)


def logits(method, network, samples):
    outputs = network(seen(method, samples))[..., 0]
    return sum(outputs[:, place :: method.pack] for place in range(method.pack)) if method.judge == "sum" else outputs


def plain_discriminator_loss(method, network, real, fake, mix):
    """The loss (S,), and what is minimised: with the penalty."""
    on_real, on_fake = logits(method, network, real), logits(method, network, fake)
    if method.loss == "wasserstein":
        loss = on_fake.mean(1) - on_real.mean(1)
    else:
        loss = -logsigmoid(on_real).mean(1) - logsigmoid(-on_fake).mean(1)
    at = seen(method, mix * real + (1 - mix) * fake if method.penalty_norm else real).detach().requires_grad_()
    (slope,) = torch.autograd.grad(network(at).sum(), at, create_graph=True)
    away = torch.linalg.vector_norm(slope, dim=2) - method.penalty_norm
    return loss, loss + method.gradient_penalty * away.square().mean(1)


def plain_generator_loss(method, network, fake):
    on_fake = logits(method, network, fake)
    if method.loss == "wasserstein":
        return -on_fake.mean(1)
    return logsigmoid(-on_fake).mean(1) if method.loss == "saturating" else -logsigmoid(on_fake).mean(1)


def draws(method, seeds, target, batch):
    """What the members are trained on in the first block, each with a stream of its own, members stacked."""
    numbers = []
    for seed in seeds:
        stream = streams(seed).training
        shape = BLOCK, method.discriminator_steps, batch
        real, code = target.sample(shape, stream), torch.randn(*shape, LATENT, generator=stream)
        other = torch.randn(BLOCK, method.generator_steps, batch, LATENT, generator=stream)
        needed = method.gradient_penalty and method.penalty_norm
        mix = torch.rand(*shape, 1, generator=stream) if needed else torch.zeros(*shape, 1)
        numbers.append((real, code, mix, other))
    return [torch.stack(same, dim=2) for same in zip(*numbers, strict=True)]


def plain_play(game, steps):
    """Both players after so many steps, and the losses (2, S, steps) of the last update in each."""
    method = game.method
    generator = PlainPlayer(game.generator, method.generator_rate)
    discriminator = PlainPlayer(game.discriminator, method.discriminator_rate, method.spectral_norm)
    losses = torch.empty(2, len(game.seeds), steps)
    reals, codes, mixes, others = draws(method, game.seeds, game.target, game.batch)
    for step in range(steps):
        for update in range(method.discriminator_steps):
            real, mix, fake = reals[step, update], mixes[step, update], generator(codes[step, update]).detach()
            loss, objective = plain_discriminator_loss(method, discriminator, real, fake, mix)
            losses[0, :, step] = loss.detach()
            if game.frozen != "discriminator":
                discriminator.descend(objective.sum())
        for update in range(method.generator_steps):
            loss = plain_generator_loss(method, discriminator, generator(others[step, update]))
            losses[1, :, step] = loss.detach()
            if game.frozen != "generator":
                generator.descend(loss.sum())
    return generator, discriminator, losses


def assert_close(measured, expected):
    torch.testing.assert_close(torch.as_tensor(measured), expected.detach(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "frozen"),
    [(name, None) for name in METHODS] + [(name, frozen) for name in SOME for frozen in ("generator", "discriminator")],
)
def test_play_is_that_of_autograd_and_a_plain_adam(name, frozen):
    method, steps = METHODS[name], 6
    game = game_of(method, frozen=frozen)
    for player in (game.generator, game.discriminator):
        player.optimiser.param_groups[0]["eps"] = EPS
    generator, discriminator, losses = plain_play(game, steps)
    record = game.play(steps, steps)
    for measured, expected in zip((record.discriminator_loss, record.generator_loss), losses, strict=True):
        assert_close(measured, expected)
    z = torch.stack([torch.randn(SHOWN, LATENT, generator=streams(seed).measuring) for seed in SEEDS])
    assert_close(record.snapshots[:, -1], generator(z))
    inputs = torch.randn(3, 7, method.inputs(2), generator=torch.Generator().manual_seed(0))
    assert_close(game.discriminator(inputs), discriminator(inputs))
    if method.judges_points:
        centres = torch.from_numpy(game.target.centres).float().expand(3, -1, -1)
        assert_close(record.scores[:, -1], discriminator(centres)[..., 0])
    else:
        assert record.scores is None


def test_a_seeds_streams_are_four_and_begin_afresh():
    first, again, other = ([torch.rand(50, generator=stream) for stream in streams(seed)] for seed in (5, 5, 6))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    numbers = [*first, *other]
    assert not any(torch.equal(a, b) for i, a in enumerate(numbers) for b in numbers[:i])


def test_normal_numbers_of_a_member_come_from_its_own_stream():
    own = [streams(seed).training for seed in (1, 2, 3)]
    measured = normal(own, 4, 2, 5)
    assert measured.shape == (4, 2, 3, 5, LATENT)
    for member, seed in enumerate((1, 2, 3)):
        expected = torch.randn(4, 2, 5, LATENT, generator=streams(seed).training)
        assert torch.equal(measured[:, :, member], expected)


@pytest.mark.parametrize("method", [Method(), Method(gradient_penalty=1.0, penalty_norm=1.0, discriminator_steps=2)])
def test_every_update_draws_fresh_numbers_of_the_right_law(method):
    target = GaussianModes(np.array([[3.0, -1.0]]), 0.5)
    drawn = game_of(method, target=target, batch=40)._draws()
    steps = [next(drawn) for _ in range(2 * BLOCK + 3)]
    real, code, mix, other = (torch.cat(numbers).flatten(0, 1) for numbers in zip(*steps, strict=True))
    for numbers, centre, sd in ((real, target.centres[0], 0.5), (code, [0, 0], 1), (other, [0, 0], 1)):
        batches = numbers.flatten(1)
        assert len(torch.unique(batches, dim=0)) == len(batches)  # of no member and in no block the same again
        deviation = (numbers.double() - torch.tensor(np.asarray(centre))) / sd
        error = 5 / np.sqrt(len(deviation.flatten()) / 2)
        assert deviation.mean((0, 1)).abs().max() < error
        assert (deviation.square().mean((0, 1)) - 1).abs().max() < 1.5 * error
    if method.penalty_norm:
        assert 0 <= mix.min() < 0.01 and 0.99 < mix.max() <= 1
        assert abs(mix.mean() - 0.5) < 5 / np.sqrt(12 * mix.numel())


@pytest.mark.parametrize("method", [Method(gradient_penalty=5.0), Method(penalty_norm=1.0)], ids=["R1", "a norm alone"])
def test_rules_that_mix_nothing_are_trained_on_the_numbers_of_those_without_a_penalty(method):
    # in all blocks, so that what differs is the rule alone
    drawn, plain = game_of(method)._draws(), game_of(Method())._draws()
    for _ in range(2 * BLOCK + 1):
        (real, code, _, other), (*expected, _, last) = next(drawn), next(plain)
        for measured, numbers in zip((real, code, other), (*expected, last), strict=True):
            assert torch.equal(measured, numbers)


def test_play_goes_on_beyond_a_block():
    short, long = game_of(Method()).play(BLOCK - 2, BLOCK), game_of(Method()).play(BLOCK + 4, BLOCK)
    assert np.array_equal(long.generator_loss[:, : BLOCK - 2], short.generator_loss)
    # rates too small to move a weight: a loss depends on the numbers drawn alone
    slow = game_of(Method(generator_rate=1e-30, discriminator_rate=1e-30)).play(2 * BLOCK, BLOCK)
    assert (np.abs(np.diff(slow.discriminator_loss, axis=1)) > 0).all()
    assert (slow.discriminator_loss[:, :BLOCK] != slow.discriminator_loss[:, BLOCK:]).all()


class Broken(GaussianModes):
    """Its third call, which is for the third member, has an infinite sample in the given step."""

    calls, step = 0, 3

    def sample(self, shape, generator):
        points = super().sample(shape, generator)
        object.__setattr__(self, "calls", self.calls + 1)
        if self.calls == 3:
            points[self.step, 0, 5] = torch.inf
        return points


@pytest.mark.parametrize("name", SOME)
def test_the_member_that_fails_and_the_step_are_named(name):
    target = Broken(ring().centres, 0.05)
    with pytest.raises(TrainingError, match=rf"^seed {SEEDS[2]}: .* at step 3 of 8; lower generator_rate"):
        game_of(METHODS[name], target=target).play(8, 8)


@pytest.mark.parametrize(("member", "value"), [(0, torch.nan), (1, torch.inf), (2, torch.nan)])
def test_a_damaged_player_is_reported(member, value):
    for damaged in ("generator", "discriminator"):
        game = game_of(Method())
        getattr(game, damaged).weights[0][member, 0, 0] = value
        with pytest.raises(TrainingError, match=rf"^seed {SEEDS[member]}: .* at step 0 of 5"):
            game.play(5, 5)


def test_failures_are_no_errors_of_values():
    assert issubclass(TrainingError, ArithmeticError) and not issubclass(TrainingError, ValueError)


def test_a_member_alone_is_reported_by_its_own_seed():
    game = game_of(Method(), [17])
    game.generator.weights[1][0, 0, 0] = torch.nan
    with pytest.raises(TrainingError, match=r"^seed 17: "):
        game.play(1, 1)


def test_methods_differ_in_what_they_do():
    """Each option changes the losses: no row above could be passed by play that knows no options."""
    plain = game_of(Method()).play(4, 4).generator_loss
    for name, method in METHODS.items():
        if name != "balanced":
            assert not np.array_equal(game_of(method).play(4, 4).generator_loss, plain), name
