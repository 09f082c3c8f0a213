"""Many games at once: members apart, results repeatable, snapshots and scores where promised, failures named."""

import dataclasses
import math
import re
from itertools import pairwise

import numpy as np
import pytest

from genmodels.data.toy import grid, ring
from genmodels.games import LATENT, SHOWN, TrainingError
from genmodels.gan.config import Method
from genmodels.gan.train import BATCH, HIDDEN, Training, operations_per_step, resume, train

METHODS = {
    "balanced": Method(),
    "speeds": Method(loss="saturating", discriminator_steps=2, generator_steps=3, discriminator_rate=2e-4),
    "pack 4": Method(pack=4),
    "pack 2 of copies": Method(pack=2, judge="copies"),
    "pack 4 as a sum": Method(pack=4, judge="sum"),
    "pack 2, minibatch std": Method(pack=2, minibatch_std=True),
    "wgan-gp": Method(loss="wasserstein", gradient_penalty=10.0, penalty_norm=1.0),
    "spectral norm, R1": Method(spectral_norm=True, gradient_penalty=5.0),
}
LOSSES, RECORDS = ("discriminator_loss", "generator_loss"), ("discriminator_loss", "generator_loss", "snapshots")
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


def member(training, index):
    """All that a training says about one member."""
    arrays = [getattr(training, name)[index] for name in RECORDS] + [training.samples(20)[index]]
    points = [] if training.method.minibatch_std else [points_for(training, 9)]
    scores = [] if training.scores is None else [training.scores[index]]
    return arrays + scores + [training.logits(each)[index] for each in points]


def points_for(training, n):
    """Points, or packs of them, as the discriminators judge them."""
    inputs = training.discriminator.sizes[0]
    shape = (n, 2) if inputs == 2 else (n, inputs // 2, 2)
    return np.random.default_rng(0).normal(size=shape)


def same_bits(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def state_of(training):
    """Bits of both players and of the state of their Adam."""
    players = training.generator, training.discriminator
    moments = [value.clone() for player in players for value in player.optimiser.state[player.flat].values()]
    return [player.flat.clone() for player in players] + moments


WIDE = ("balanced", "wgan-gp", "spectral norm, R1")  # whole registers round in other places than parts of one


@pytest.mark.parametrize(
    ("name", "hidden", "batch"), [(name, 9, 12) for name in METHODS] + [(name, 64, 64) for name in WIDE]
)
def test_a_members_bits_do_not_depend_on_its_company(name, hidden, batch):
    method, settings = METHODS[name], {"hidden": hidden, "batch": batch, "snapshot_every": 3}
    seeds = [3, 8, 1, 40, 5]
    together = train(ring(), method, seeds, 7, **settings)
    for company in ([8], [5, 8], seeds[::-1]):
        other = train(ring(), method, company, 7, **settings)
        for seed in company:
            assert same_bits(member(other, company.index(seed)), member(together, seeds.index(seed)))


def test_a_members_bits_do_not_depend_on_its_company_for_longer():
    together, alone = train(ring(), Method(pack=4), range(9), 60), train(ring(), Method(pack=4), [6], 60)
    assert same_bits(member(alone, 0), member(together, 6))


@pytest.mark.parametrize("name", WIDE)
def test_same_seed_same_bits_and_other_seeds_others(name):
    first, second = (train(ring(), METHODS[name], [1, 2], 4, hidden=8, batch=8) for _ in range(2))
    for index in range(2):
        assert same_bits(member(first, index), member(second, index))
    for name in RECORDS:
        values = getattr(first, name)
        assert not np.array_equal(values[0], values[1]), name


def test_a_range_or_a_tuple_of_seeds_is_a_list():
    runs = [train(ring(), Method(), seeds, 2, hidden=8) for seeds in ([4, 5], (4, 5), range(4, 6), [np.int64(4), 5])]
    assert all(same_bits(member(run, 1), member(runs[0], 1)) for run in runs)
    assert all(run.seeds == (4, 5) for run in runs)


def test_all_methods_start_from_the_same_generators():
    starts = [train(ring(), method, [3, 4], 1, hidden=8, batch=8).snapshots[:, 0] for method in METHODS.values()]
    assert all(np.array_equal(start, starts[0]) for start in starts)
    assert not np.array_equal(starts[0][0], starts[0][1])


@every_method
def test_records_have_the_promised_shapes_in_single_precision(method):
    run = train(grid(3), method, [0, 1], 5, hidden=8, batch=8, snapshot_every=2)
    assert isinstance(run, Training) and run.method == method and run.batch == 8 and run.seeds == (0, 1)
    assert run.snapshot_steps.tolist() == [0, 2, 4, 5]
    assert run.snapshots.shape == (2, 4, SHOWN, 2) and run.samples(7).shape == (2, 7, 2)
    assert run.discriminator_loss.shape == run.generator_loss.shape == (2, 5)
    arrays = [*(getattr(run, name) for name in RECORDS), run.samples(7)]
    if method.judges_points:
        assert run.scores.shape == (2, 4, 9)
        arrays.append(run.scores)
    else:
        assert run.scores is None
    if not method.minibatch_std:
        arrays.append(run.logits(points_for(run, 6)))
        assert arrays[-1].shape == (2, 6)
    assert all(array.dtype == np.float32 and np.isfinite(array).all() for array in arrays)


@pytest.mark.parametrize(("steps", "every", "expected"), [(6, None, [0, 6]), (6, 2, [0, 2, 4, 6]), (6, 4, [0, 4, 6])])
def test_snapshots_are_taken_when_promised(steps, every, expected):
    run = train(ring(), Method(), [0, 1], steps, hidden=8, snapshot_every=every)
    assert run.snapshot_steps.tolist() == expected
    for place, step in enumerate(expected[1:], start=1):  # a training that ends there ends with it
        short = train(ring(), Method(), [0, 1], step, hidden=8)
        assert np.array_equal(run.snapshots[:, place], short.snapshots[:, -1])
        assert np.array_equal(run.scores[:, place], short.scores[:, -1])
        for name in LOSSES:
            assert np.array_equal(getattr(run, name)[:, :step], getattr(short, name))


@pytest.fixture(scope="module")
def trained():
    return train(ring(), Method(), [6, 7, 8], 30, hidden=16, snapshot_every=10)


def plain_outputs(player, index, inputs):
    """One member's perceptron in NumPy, in double precision."""
    hidden = np.asarray(inputs, dtype=float)
    for layer, (weight, bias) in enumerate(zip(player.weights, player.biases, strict=True)):
        if layer > 0:
            hidden = np.where(hidden > 0, hidden, 0.2 * hidden)
        hidden = hidden @ weight[index].double().numpy() + bias[index].double().numpy()
    return hidden


def test_samples_are_those_of_the_final_generators(trained):
    samples = trained.samples(SHOWN)
    assert np.array_equal(samples, trained.snapshots[:, -1])
    for index, seed in enumerate(trained.seeds):
        z = np.random.default_rng(seed).normal(size=(4000, LATENT))
        expected, measured = plain_outputs(trained.generator, index, z), trained.samples(4000)[index]
        error = np.maximum(expected.std(0), measured.std(0)) * math.sqrt(2 / 4000)
        assert (np.abs(measured.mean(0) - expected.mean(0)) < 5 * error).all()
        np.testing.assert_allclose(measured.std(0), expected.std(0), rtol=0.15)


def test_samples_are_equal_at_every_call_and_stay(trained):
    first = trained.samples(10)
    kept = first.copy()
    assert np.array_equal(trained.samples(10), kept) and not np.array_equal(trained.samples(11)[0], first[0])
    trained.samples(10)[:] = 0.0
    assert np.array_equal(first, kept) and np.array_equal(trained.samples(10), kept)
    assert not np.array_equal(kept[0], kept[1])  # each member measures with a stream of its own


def test_logits_are_those_of_a_plain_forward_pass_and_stay(trained):
    points = np.random.default_rng(1).normal(size=(20, 2))
    logits = trained.logits(points)
    kept = logits.copy()
    for index in range(3):
        expected = plain_outputs(trained.discriminator, index, points)[:, 0]
        np.testing.assert_allclose(logits[index], expected, rtol=1e-5, atol=1e-6)
    trained.logits(-points)
    assert np.array_equal(logits, kept)
    assert np.array_equal(trained.logits(points.tolist()), kept)


@pytest.mark.parametrize("method", [Method(pack=2), Method(pack=3, judge="copies")], ids=["together", "copies"])
def test_packs_have_one_logit_of_all_their_points(method):
    run = train(ring(), method, [1, 2], 3, hidden=8, batch=12)
    packs = np.random.default_rng(1).normal(size=(5, method.pack, 2))
    for index in range(2):
        expected = plain_outputs(run.discriminator, index, packs.reshape(5, -1))[:, 0]
        np.testing.assert_allclose(run.logits(packs)[index], expected, rtol=1e-5, atol=1e-6)


def test_logits_under_spectral_norm_are_of_the_divided_matrices():
    run = train(ring(), Method(spectral_norm=True), range(4), 20, hidden=8)
    for _ in range(1000):
        run.discriminator._normalise()  # one iteration per step is behind where two singular values are close
    points = np.random.default_rng(1).normal(size=(20, 2))
    logits = run.logits(points)
    for index in range(4):
        hidden = points
        for layer, (weight, bias) in enumerate(zip(run.discriminator.weights, run.discriminator.biases, strict=True)):
            hidden = hidden if layer == 0 else np.where(hidden > 0, hidden, 0.2 * hidden)
            matrix = weight[index].double().numpy()
            hidden = hidden @ (matrix / np.linalg.norm(matrix, 2)) + bias[index].double().numpy()
        np.testing.assert_allclose(logits[index], hidden[:, 0], rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.judges_points])
def test_scores_are_the_logits_at_the_centres(name):
    run = train(ring(), METHODS[name], [1, 2], 6, hidden=8, batch=8, snapshot_every=3)
    np.testing.assert_allclose(run.scores[:, -1], run.logits(ring().centres), rtol=1e-6, atol=1e-7)
    assert all(not np.array_equal(run.scores[:, place], run.scores[:, place + 1]) for place in range(2))


@pytest.mark.parametrize("name", ["balanced", "pack 4", "pack 4 as a sum", "spectral norm, R1"])
def test_probes_are_judged_at_every_snapshot_and_change_nothing(name):
    settings = {"hidden": 8, "batch": 8}
    plain = train(ring(), METHODS[name], [1, 2], 7, snapshot_every=3, **settings)
    probes = points_for(plain, 5)
    run = train(ring(), METHODS[name], [1, 2], 7, snapshot_every=3, probes=probes, **settings)
    assert plain.probed is None and run.probed.shape == (2, 4, 5) and run.probed.dtype == np.float32
    assert same_bits(state_of(run), state_of(plain))
    assert all(same_bits(member(run, index), member(plain, index)) for index in range(2))
    for place, step in enumerate(run.snapshot_steps):
        if step:  # a training that ends there says the same of them
            short = train(ring(), METHODS[name], [1, 2], step, **settings)
            np.testing.assert_allclose(run.probed[:, place], short.logits(probes), rtol=1e-6, atol=1e-7)
    on = resume(ring(), run, 4, snapshot_every=2, probes=probes)
    assert np.array_equal(on.probed[:, 0], run.probed[:, -1]) and on.probed.shape == (2, 3, 5)
    assert same_bits(state_of(on), state_of(resume(ring(), run, 4)))


def test_probes_that_the_discriminators_do_not_judge_are_refused():
    for method, probes in (
        (Method(), np.zeros((3, 2, 2))),
        (Method(pack=2), np.zeros((3, 2))),
        (Method(), np.zeros((0, 2))),
    ):
        with pytest.raises(ValueError, match=r"^probes: expected shape"):
            train(ring(), method, [1], 2, hidden=8, probes=probes)
    with pytest.raises(ValueError, match=r"^probes"):
        resume(ring(), train(ring(), Method(), [1], 2, hidden=8), 2, probes=np.array([[0.0, np.inf]]))
    with pytest.raises(ValueError, match=r"minibatch_std"):
        train(ring(), Method(minibatch_std=True), [1], 2, hidden=8, probes=np.zeros((3, 2)))


@pytest.mark.parametrize("name", WIDE)
def test_resuming_leaves_the_training_as_it_was(name):
    method = METHODS[name]
    run = train(ring(), method, [1, 2], 5, hidden=8, batch=8)
    before, bits = [member(run, index) for index in range(2)], state_of(run)
    other = dataclasses.replace(method, generator_rate=0.1, discriminator_rate=0.2, generator_steps=2)
    for frozen in (None, "generator", "discriminator"):
        for restart in (False, True):
            resume(ring(), run, 4, method=other, restart=restart, frozen=frozen)
    assert all(same_bits(member(run, index), before[index]) for index in range(2))
    assert same_bits(state_of(run), bits)


@every_method
def test_resumed_games_begin_where_the_training_ended(method):
    run = train(ring(), method, [1, 2], 5, hidden=8, batch=8)
    on = resume(ring(), run, 6, snapshot_every=2)
    assert (on.seeds, on.method, on.batch) == (run.seeds, run.method, run.batch)
    assert on.snapshot_steps.tolist() == [0, 2, 4, 6]
    assert np.array_equal(on.snapshots[:, 0], run.snapshots[:, -1])
    assert all(np.isfinite(getattr(on, name)).all() for name in LOSSES)
    assert not any(np.array_equal(a, b) for a, b in zip(state_of(on), state_of(run), strict=True))
    assert same_bits(state_of(resume(ring(), run, 6)), state_of(on))
    # Adam goes on as well: its count of steps is that of both
    for player, updates in ((on.generator, method.generator_steps), (on.discriminator, method.discriminator_steps)):
        assert int(player.optimiser.state[player.flat]["step"]) == 11 * updates


@every_method
def test_frozen_players_stay_bitwise(method):
    run = train(ring(), method, [1, 2], 5, hidden=8, batch=8)
    frozen = resume(ring(), run, 4, frozen="discriminator", snapshot_every=2)
    assert all(np.isfinite(getattr(frozen, name)).all() for name in LOSSES)
    assert np.array_equal(frozen.discriminator.flat, run.discriminator.flat)
    assert not np.array_equal(frozen.generator.flat, run.generator.flat)
    if not method.minibatch_std:
        points = points_for(run, 9)
        assert np.array_equal(frozen.logits(points), run.logits(points))
    if method.judges_points:
        assert all(np.array_equal(frozen.scores[:, place], run.scores[:, -1]) for place in range(3))
    frozen = resume(ring(), run, 4, frozen="generator", snapshot_every=2)
    assert all(np.isfinite(getattr(frozen, name)).all() for name in LOSSES)
    assert np.array_equal(frozen.generator.flat, run.generator.flat)
    assert not np.array_equal(frozen.discriminator.flat, run.discriminator.flat)
    assert all(np.array_equal(frozen.snapshots[:, place], run.snapshots[:, -1]) for place in range(3))


def test_new_rules_hold_from_now_on():
    run = train(ring(), Method(), [1, 2], 5, hidden=8, batch=8)
    rules = Method(
        loss="saturating",
        generator_steps=2,
        discriminator_steps=3,
        generator_rate=0.03,
        discriminator_rate=0.04,
        gradient_penalty=1.0,
    )
    on = resume(ring(), run, 4, method=rules)
    assert on.method == rules and run.method == Method()
    assert np.array_equal(on.snapshots[:, 0], run.snapshots[:, -1])
    for player, rate, updates in ((on.generator, 0.03, 2), (on.discriminator, 0.04, 3)):
        assert player.optimiser.param_groups[0]["lr"] == rate
        assert int(player.optimiser.state[player.flat]["step"]) == 5 + 4 * updates
    assert (on.generator_loss < 0).all()  # E[log(1 - D)] is, E[-log D] is not
    again = resume(ring(), on, 4, method=Method(), restart=True)
    assert again.method == Method() and again.generator.optimiser.param_groups[0]["lr"] == Method().generator_rate
    assert np.array_equal(again.snapshots[:, 0], run.snapshots[:, 0])


def test_the_same_rules_again_change_nothing():
    run = train(ring(), Method(pack=2), [1, 2], 5, hidden=8, batch=8)
    first, second = resume(ring(), run, 4), resume(ring(), run, 4, method=Method(pack=2))
    assert same_bits(state_of(first), state_of(second))


@pytest.mark.parametrize("frozen", [None, "generator", "discriminator"])
@pytest.mark.parametrize("method", [METHODS["speeds"], METHODS["pack 4"]], ids=["speeds", "pack 4"])
def test_a_restart_gives_the_generators_their_first_weights(method, frozen):
    run = train(ring(), method, [1, 2], 5, hidden=8, batch=8)
    again = resume(ring(), run, 4, restart=True, frozen=frozen)
    assert np.array_equal(again.snapshots[:, 0], run.snapshots[:, 0])
    if method.judges_points:
        assert np.array_equal(again.scores[:, 0], run.scores[:, -1])
    # and an Adam that has forgotten, at the method's rate
    adam = again.generator.optimiser
    updates = adam.state.get(again.generator.flat, {"step": 0})["step"]
    assert int(updates) == (0 if frozen == "generator" else 4 * method.generator_steps)
    assert adam.param_groups[0]["lr"] == method.generator_rate


def test_a_restart_against_untrained_discriminators_is_the_training():
    slow = Method(discriminator_rate=1e-30)  # too small to move a weight
    run = train(ring(), slow, [1, 2], 5, hidden=8)
    again = resume(ring(), run, 5, restart=True)
    assert np.array_equal(again.generator_loss, run.generator_loss)
    assert np.array_equal(again.snapshots, run.snapshots)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("seeds", value) for value in ([], 3, "12", [0, 2, 0], [0, -3], [1.0], [True, False])],
        *[(name, value) for name in ("steps", "hidden", "batch", "snapshot_every") for value in (0, 1.5)],
        ("pack", 128),
    ],
)
def test_bad_arguments_are_named(name, value):
    arguments = {"target": ring(), "method": Method(), "seeds": [0, 1], "steps": 2}
    arguments |= {"method": Method(pack=value)} if name == "pack" else {name: value}
    with pytest.raises(ValueError, match=rf"^{name}: expected"):
        train(**arguments)


def test_the_smallest_numbers_that_are_promised_are_taken():
    run = train(ring(), Method(), [0], 1, hidden=1, batch=1, snapshot_every=1)
    on = resume(ring(), run, 1, snapshot_every=1)
    for each in (run, on):
        assert each.snapshot_steps.tolist() == [0, 1]
        assert each.samples(1).shape == (1, 1, 2) and each.logits([[0.0, 0.0]]).shape == (1, 1)


@pytest.mark.parametrize("judge", ["together", "sum"])
def test_a_pack_must_divide_the_batch(judge):
    with pytest.raises(ValueError, match=r"^pack: expected a divisor of the batch, which is 10, got 4"):
        train(ring(), Method(pack=4, judge=judge), [0], 1, batch=10)


@pytest.mark.parametrize(("name", "value"), [("steps", 0), ("snapshot_every", 0)])
def test_bad_arguments_of_resume_are_named(trained, name, value):
    with pytest.raises(ValueError, match=rf"^{name}: expected"):
        resume(ring(), trained, **{"steps": 3} | {name: value})


@pytest.mark.parametrize("frozen", [True, False, "", "generators"])
def test_another_name_in_frozen_is_named(trained, frozen):
    with pytest.raises(ValueError, match=r"^frozen: expected None or one of generator, discriminator"):
        resume(ring(), trained, 3, frozen=frozen)


@pytest.mark.parametrize(
    ("before", "after", "option"),
    [
        (Method(), Method(pack=2), "pack"),
        (Method(pack=2), Method(pack=2, judge="copies"), "judge"),
        (Method(), Method(minibatch_std=True), "minibatch_std"),
        (Method(spectral_norm=True), Method(), "spectral_norm"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rules_for_other_networks_are_named(before, after, option):
    run = train(ring(), before, [0], 1, hidden=4)
    with pytest.raises(ValueError, match=rf"^method: expected {option} = "):
        resume(ring(), run, 3, method=after)


@pytest.mark.parametrize("n", [0, 1.5])
def test_samples_are_a_whole_number(trained, n):
    with pytest.raises(ValueError, match=r"^n: expected"):
        trained.samples(n)


@pytest.mark.parametrize("shape", [(), (2,), (0, 2), (4, 3), (2, 2, 2)])
def test_points_of_another_shape_are_named(trained, shape):
    with pytest.raises(ValueError, match=rf"^points: expected shape .* got {re.escape(str(shape))}"):
        trained.logits(np.zeros(shape))


@pytest.mark.parametrize("shape", [(4, 4), (4, 3, 2), (0, 2, 2)])
def test_packs_of_another_shape_are_named(shape):
    run = train(ring(), Method(pack=2), [0], 1, hidden=4)
    with pytest.raises(ValueError, match=rf"^points: expected shape .* got {re.escape(str(shape))}"):
        run.logits(np.zeros(shape))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_points_that_are_not_finite_are_named(trained, value):
    with pytest.raises(ValueError, match=r"^points: expected finite numbers"):
        trained.logits([[0.0, value]])


@pytest.mark.parametrize("pack", [1, 2])
def test_a_batchs_spread_leaves_no_logit_to_a_point(pack):
    run = train(ring(), Method(pack=pack, minibatch_std=True), [0], 1, hidden=4)
    with pytest.raises(ValueError, match=r"^method: expected"):
        run.logits(np.zeros((3, 2)))


@pytest.mark.parametrize(("rate", "step"), [("generator_rate", 1), ("discriminator_rate", 0)])
def test_rates_that_are_too_large_are_reported(rate, step):
    with pytest.raises(TrainingError, match=rf"^seed 21: .* at step {step} of 5; lower .*{rate}"):
        train(ring(), Method(**{rate: 1e30}), [21, 22], 5)


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize(
    "options",
    [
        {"generator_rate": 1e12},
        {"discriminator_rate": 1e30},
        {"discriminator_rate": 1e12, "minibatch_std": True},
        {"loss": "wasserstein", "discriminator_rate": 1e12},
    ],
    ids=str,
)
def test_nothing_is_returned_that_is_not_finite(options, steps):
    try:
        run = train(ring(), Method(**options), [21, 22], steps)
    except TrainingError as error:
        seed, step = map(int, re.match(rf"seed (2[12]): .* at step (\d) of {steps};", str(error)).groups())
        with pytest.raises(TrainingError, match=rf"^seed {seed}: .* at step {step} of"):  # that one alone, there alone
            train(ring(), Method(**options), [seed], steps)
    else:
        arrays = [getattr(run, name) for name in RECORDS] + ([] if run.scores is None else [run.scores])
        assert all(np.isfinite(array).all() for array in arrays)


def test_the_member_that_fails_is_named_also_when_games_go_on():
    run = train(ring(), Method(), [5, 6, 7], 3, hidden=8)
    run.generator.weights[0][1] = math.nan
    with pytest.raises(TrainingError, match=r"^seed 6: .* at step 0 of 4"):
        resume(ring(), run, 4)
    resume(ring(), run, 4, restart=True)  # fresh generators are not damaged


R1 = Method(gradient_penalty=5.0)


def products(*sizes):
    """Multiplications in the matrix products of one input that goes through layers of these sizes."""
    return sum(a * b for a, b in pairwise(sizes))


def by_hand(method, hidden, batch):
    """Multiply-adds of a step by pencil: forwards, dW for every layer, and delta W^T down to where it is needed."""
    rows, inputs = batch // method.pack, method.inputs(2)
    if method.judge != "together":
        rows = batch
    generator, discriminator = (LATENT, hidden, hidden, 2), (inputs, hidden, hidden, 1)
    forwards, below = products(*discriminator), products(*discriminator[1:])
    update = batch * products(*generator) + 2 * rows * (forwards + forwards + below)
    if method.gradient_penalty:
        if method.penalty_norm:
            update += rows * forwards  # at the mixed samples
        # dt/dx backwards without the last layer, whose product is none, and the same forwards; dW of these layers
        update += 3 * rows * products(*discriminator[:-1])
    made = batch * (2 * products(*generator) + products(*generator[1:])) + 2 * rows * forwards
    return method.discriminator_steps * update + method.generator_steps * made


@pytest.mark.parametrize("method", [each for each in [*METHODS.values(), R1] if not each.spectral_norm], ids=repr)
def test_operations_are_those_counted_by_hand(method):
    # a multiplication and an addition each
    assert operations_per_step(method, hidden=7, batch=12) == 2 * by_hand(method, 7, 12)


def test_operations_of_the_usual_step():
    assert (HIDDEN, BATCH) == (64, 64)
    plain = operations_per_step(Method())
    assert plain == 2 * by_hand(Method(), 64, 64)
    assert operations_per_step(Method(pack=2)) < 0.7 * plain  # half as many rows, all but the first layer as wide
    assert operations_per_step(R1) > 1.1 * plain
    assert operations_per_step(Method(spectral_norm=True)) > plain
    assert operations_per_step(Method(generator_steps=5)) > 2 * plain


def test_operations_need_a_pack_that_divides_the_batch():
    with pytest.raises(ValueError, match=r"^pack: expected a divisor"):
        operations_per_step(Method(pack=3))
