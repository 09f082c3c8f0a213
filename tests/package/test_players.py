"""The hand-written gradients of the players against autograd, their steps against torch's Adam and spectral norm."""

import pytest
import torch
from torch import nn
from torch.nn.functional import normalize
from torch.nn.utils.parametrizations import spectral_norm

from genmodels.mlp import SLOPE, init_mlp, mlp
from genmodels.players import ALIGNED, BETAS, FIRST_ITERATIONS, Player

# sizes and members: one layer, one member alone, and widths that fill no register
SHAPES = [((3, 1), 2), ((2, 16, 16, 1), 1), ((4, 33, 5, 9, 1), 5)]


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def normal(seed, *shape):
    return torch.randn(*shape, generator=seeded(seed))


def player_of(sizes, members, *, rate=1e-2, **options):
    return Player(sizes, [seeded(seed) for seed in range(members)], rate, **options)


def converged(player):
    """The player after so many power iterations that more of them change nothing."""
    for _ in range(200):
        player._normalise()
    return player


def parameters_of(player):
    """Copies of the weights and biases in the order of `mlp`, one per member, for autograd."""
    pairs = zip(player.weights, player.biases, strict=True)
    return [values[: player.members].clone().requires_grad_() for pair in pairs for values in pair]


def gradients_of(player):
    """What `backward` left for the parameters, in their order: their own views of the one flat gradient."""
    pieces, start = [], player.flat.data_ptr()
    for values in (values for pair in zip(player.weights, player.biases, strict=True) for values in pair):
        offset = (values.data_ptr() - start) // values.element_size()
        piece = player.flat.grad.as_strided(values.shape, values.stride(), offset)
        pieces.append(piece[: player.members])
    return pieces


def divided(parameters):
    """The weights by their largest singular values; the gradient of a singular value is u v^T, as autograd knows."""
    norms = [torch.linalg.matrix_norm(weight, 2)[:, None, None] for weight in parameters[::2]]
    weights = [weight / norm for weight, norm in zip(parameters[::2], norms, strict=True)]
    return [values for pair in zip(weights, parameters[1::2], strict=True) for values in pair]


def plain_penalty(network, inputs, weight, norm):
    """weight E[(|dt/dx| - norm)^2] of every member, with a graph."""
    at = inputs.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(network(at).sum(), at, create_graph=True)
    return weight * (gradient.square().sum(-1).sqrt() - norm).square().mean(1)


def assert_same(measured, expected, rtol=1e-5):
    """Equal up to rtol of the largest entry: sums of many numbers, which may cancel, have no better."""
    assert measured.shape == expected.shape and measured.dtype == expected.dtype == torch.float32
    torch.testing.assert_close(measured, expected, rtol=0, atol=rtol * expected.abs().max().item())


@pytest.mark.parametrize(("sizes", "members"), SHAPES, ids=str)
def test_players_start_as_fresh_perceptrons(sizes, members):
    player, inputs = player_of(sizes, members), normal(9, members, 6, sizes[0])
    start = init_mlp(sizes, [seeded(seed) for seed in range(members)])
    for values, expected in zip(parameters_of(player), start, strict=True):
        assert torch.equal(values, expected)
    assert_same(player(inputs), mlp(start, inputs).detach())


@pytest.mark.parametrize("spectral", [False, True], ids=["plain", "spectral norm"])
@pytest.mark.parametrize(("sizes", "members"), [*SHAPES, ((2, 8, 8, 2), 2), ((3, 4, 5), 1)], ids=str)
def test_gradients_are_those_of_autograd(sizes, members, spectral):
    player = converged(player_of(sizes, members, spectral_norm=spectral))
    inputs, delta = normal(9, members, 10, sizes[0]), normal(8, members, 10, sizes[-1])
    parameters, at = parameters_of(player), inputs.clone().requires_grad_()
    used = [values.detach().requires_grad_() for values in (divided(parameters) if spectral else parameters)]
    outputs = mlp(used, at)
    *expected, towards = torch.autograd.grad(outputs, [*used, at], delta)
    assert_same(player(inputs), outputs.detach())
    assert_same(player.input_gradient(delta), towards)
    for _ in range(2):  # it sets the gradients, and does not add to those of before
        player.backward(delta)
    for measured, gradient in zip(gradients_of(player), expected, strict=True):
        assert_same(measured, gradient)


@pytest.mark.parametrize(("rows", "weight", "norm"), [((0, 12), 5.0, 0.0), ((0, 5), 0.7, 0.0), ((3, 12), 10.0, 0.6)])
@pytest.mark.parametrize("spectral", [False, True], ids=["plain", "spectral norm"])
@pytest.mark.parametrize(("sizes", "members"), SHAPES, ids=str)
def test_penalties_are_those_of_a_second_derivative(sizes, members, spectral, rows, weight, norm):
    player = converged(player_of(sizes, members, spectral_norm=spectral))
    inputs, delta = normal(9, members, 12, sizes[0]), normal(8, members, 12, 1)
    parameters = parameters_of(player)
    used = [values.detach().requires_grad_() for values in (divided(parameters) if spectral else parameters)]
    penalty = plain_penalty(lambda x: mlp(used, x), inputs[:, slice(*rows)], weight, norm)
    loss = (delta * mlp(used, inputs)).sum() + penalty.sum()
    expected = torch.autograd.grad(loss, used)
    player(inputs)
    player.backward(delta)
    assert_same(player.add_penalty(weight, norm, slice(*rows)), penalty.detach())
    for measured, gradient in zip(gradients_of(player), expected, strict=True):
        assert_same(measured, gradient)


def test_a_slope_of_zero_has_a_finite_penalty():
    player, delta = player_of((2, 4, 1), 2), torch.zeros(2, 3, 1)
    player.weights[0].zero_()
    player(torch.ones(2, 3, 2))
    player.backward(delta)
    assert player.add_penalty(2.0, 1.0, slice(0, 3)).tolist() == [2.0, 2.0]  # 2 (0 - 1)^2
    assert all(torch.isfinite(gradient).all() for gradient in gradients_of(player))


def test_on_a_kink_the_slope_is_that_of_autograd():
    player, inputs, delta = player_of((2, 6, 5, 1), 2), normal(9, 2, 4, 2), normal(8, 2, 4, 1)
    inputs[:, :2] = 0.0
    for bias in player.biases[:-1]:
        bias.zero_()  # so that every unit stands at 0, for two of the inputs
    parameters, at = parameters_of(player), inputs.clone().requires_grad_()
    loss = (delta * mlp(parameters, at)).sum()
    (towards,) = torch.autograd.grad(loss, at, retain_graph=True)
    penalty = plain_penalty(lambda x: mlp(parameters, x), inputs, 3.0, 0.5)
    expected = torch.autograd.grad(loss + penalty.sum(), parameters)
    player(inputs)
    assert_same(player.input_gradient(delta), towards)
    player.backward(delta)
    assert_same(player.add_penalty(3.0, 0.5, slice(0, 4)), penalty.detach())
    for measured, gradient in zip(gradients_of(player), expected, strict=True):
        assert_same(measured, gradient)


@pytest.mark.parametrize(("sizes", "members"), SHAPES, ids=str)
def test_steps_are_those_of_torchs_adam(sizes, members):
    player = player_of(sizes, members, rate=0.03)
    parameters = parameters_of(player)
    optimiser = torch.optim.Adam(parameters, lr=0.03, betas=(0.5, 0.999), foreach=False, fused=False)
    assert BETAS == (0.5, 0.999)  # of DCGAN
    for step in range(4):
        player(normal(step, members, 10, sizes[0]))
        player.backward(normal(100 + step, members, 10, 1))
        for values, gradient in zip(parameters, gradients_of(player), strict=True):
            values.grad = gradient.clone()
        player.step()
        optimiser.step()
        for values, expected in zip(parameters_of(player), parameters, strict=True):
            assert_same(values.detach(), expected.detach(), rtol=1e-6)


def test_another_rate_leaves_what_adam_has_gathered():
    player = player_of((2, 4, 1), 2, rate=0.03)
    parameters = parameters_of(player)
    optimiser = torch.optim.Adam(parameters, lr=0.03, betas=BETAS)
    for step, rate in enumerate((0.03, 0.03, 0.004, 0.1)):
        player.set_rate(rate)
        optimiser.param_groups[0]["lr"] = rate
        player(normal(step, 2, 10, 2))
        player.backward(normal(100 + step, 2, 10, 1))
        for values, gradient in zip(parameters, gradients_of(player), strict=True):
            values.grad = gradient.clone()
        player.step()
        optimiser.step()
    for values, expected in zip(parameters_of(player), parameters, strict=True):
        assert_same(values.detach(), expected.detach(), rtol=1e-6)


def spectral_module(player, member):
    """The member as torch's own modules under torch's own spectral norm."""
    layers = []
    for weight, bias in zip(player.weights, player.biases, strict=True):
        linear = nn.Linear(*weight.shape[1:])
        linear.weight.data, linear.bias.data = weight[member].T.clone(), bias[member, 0].clone()
        layers += [spectral_norm(linear), nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers[:-1])


@torch.no_grad()
def converged_module(module):
    for _ in range(200):  # in training, every call takes one power iteration
        module.train()(torch.zeros(1, module[0].in_features))
    return module.eval()


def test_steps_under_spectral_norm_are_torchs_with_a_penalty_as_well():
    sizes, members = (2, 8, 8, 1), 2
    player = converged(player_of(sizes, members, rate=0.02, spectral_norm=True))
    modules = [converged_module(spectral_module(player, member)) for member in range(members)]
    optimisers = [torch.optim.Adam(module.parameters(), lr=0.02, betas=BETAS) for module in modules]
    for step in range(2):
        inputs, delta = normal(step, members, 10, sizes[0]), normal(100 + step, members, 10, 1)
        expected = torch.stack([module(own) for module, own in zip(modules, inputs, strict=True)]).detach()
        assert_same(player(inputs), expected, rtol=1e-4)
        player.backward(delta)
        player.add_penalty(0.5, 1.0, slice(0, 10))
        player.step()
        converged(player)
        for module, optimiser, own, slope in zip(modules, optimisers, inputs, delta, strict=True):
            penalty = plain_penalty(module, own[None], 0.5, 1.0)
            optimiser.zero_grad()
            ((slope * module(own)).sum() + penalty.sum()).backward()
            optimiser.step()
            converged_module(module)


def used_matrix(player):
    """What a player of one layer multiplies by, seen from outside: the outputs of the unit vectors."""
    size = player.sizes[0]
    return player(torch.eye(size).expand(player.members, -1, -1)) - player.biases[0][: player.members]


@pytest.mark.parametrize("members", [1, 4])
def test_the_largest_singular_value_becomes_one(members):
    player = converged(player_of((6, 4), members, spectral_norm=True))
    values = torch.linalg.svdvals(used_matrix(player))
    torch.testing.assert_close(values[:, 0], torch.ones(members), rtol=0, atol=1e-5)
    assert (values[:, 1] < 0.999).all()  # all others are divided by the same
    raw = torch.linalg.svdvals(player.weights[0])[:members]
    torch.testing.assert_close(values, raw / raw[:, :1], rtol=1e-4, atol=0)


def test_a_fresh_player_has_taken_15_iterations_from_random_directions():
    # as torch's spectral norm does; at this size they are so few that the direction is not forgotten
    player, largest = player_of((64, 64), 6, spectral_norm=True), []
    for member, used in enumerate(used_matrix(player)):
        own = seeded(member)
        weight = init_mlp((64, 64), [own])[0][0].detach()
        left = torch.randn(64, generator=own)
        for _ in range(FIRST_ITERATIONS):
            right = normalize(weight.T @ left, dim=0)
            left = normalize(weight @ right, dim=0)
        torch.testing.assert_close(used, weight / (left @ weight @ right), rtol=1e-3, atol=1e-5)
        largest.append(torch.linalg.matrix_norm(used, 2).item())
    assert max(largest) > 1.01


def test_a_step_takes_one_power_iteration():
    # with W = diag(2, 1) and u = (a, b), r = (b / a)^2: sigma^2 = (16 + r) / (4 + r), and then u has r / 16
    player, measured = player_of((2, 2), 3, spectral_norm=True), []
    player.weights[0].copy_(torch.diag(torch.tensor([2.0, 1.0])).expand(3, -1, -1))
    for _ in range(3):
        player.step()  # without gradients: it leaves the weights
        squared = (2.0 / used_matrix(player)[:, 0, 0].double()) ** 2
        measured.append((16 - 4 * squared) / (squared - 1))
    assert (measured[0] > 0.01).all()  # or nothing would be left to see
    torch.testing.assert_close(measured[1], measured[0] / 16, rtol=1e-2, atol=1e-5)
    torch.testing.assert_close(measured[2], measured[1] / 16, rtol=1e-1, atol=1e-5)


def test_a_step_does_not_leave_the_matrices_of_before():
    player = converged(player_of((6, 4), 3, rate=0.005, spectral_norm=True))
    player(normal(9, 3, 10, 6))
    player.backward(normal(8, 3, 10, 4))
    player.step()
    used, weight = used_matrix(player), player.weights[0]
    norms = torch.linalg.matrix_norm(weight, 2)[:, None, None]
    # the weights of now, all by one number, which one power iteration brings near to the largest singular value
    torch.testing.assert_close(used * norms / weight, (used * norms / weight)[:, :1, :1].expand_as(used))
    torch.testing.assert_close(used, weight / norms, rtol=2e-3, atol=0)


@pytest.mark.parametrize(
    ("sizes", "spectral"), [((2, 7, 3), False), ((2, 9, 9, 1), True), ((5, 64, 64, 2), False)], ids=str
)
def test_a_members_bits_do_not_depend_on_its_company(sizes, spectral):
    inputs = normal(9, 1, 12, sizes[0])

    def play(seeds):
        player = Player(sizes, [seeded(seed) for seed in seeds], 0.01, spectral_norm=spectral)
        for step in range(40):  # Adam's rounding takes some to be seen
            delta = normal(step, 1, 12, sizes[-1]).expand(len(seeds), -1, -1)
            player(inputs.expand(len(seeds), -1, -1))
            player.backward(delta)
            player.step()
        return player(inputs.expand(len(seeds), -1, -1)), player.input_gradient(delta), *parameters_of(player)

    alone = play([3])
    for company in ([3, 4], [4, 3], [0, 1, 3, 2, 5]):
        for measured, expected in zip(play(company), alone, strict=True):
            assert torch.equal(measured[company.index(3)], expected[0])


@pytest.mark.parametrize(("sizes", "members"), [((2, 64, 64, 1), 1), ((4, 33, 5, 9, 1), 3)], ids=str)
def test_parameters_take_little_more_room_than_they_need(sizes, members):
    # a step of Adam goes through all of it: a member alone stands there twice, and each part ends with its register
    player = player_of(sizes, members)
    needed = sum(values[0].numel() + ALIGNED - 1 for values in (*player.weights, *player.biases))
    assert player.flat.numel() <= max(members, 2) * needed


def test_the_first_call_is_not_overwritten_by_one_of_another_length():
    player = player_of((2, 5, 1), 2)
    long = player(normal(9, 2, 6, 2))
    kept = long.clone()
    player(normal(8, 2, 4, 2))
    assert torch.equal(long, kept)
