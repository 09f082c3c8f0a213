"""Stored results are those of the code, and who reads them is told where they are not."""

import contextlib
import dataclasses
import json
import warnings

import numpy as np
import pytest
import torch

from genmodels.data import mnist
from genmodels.experiments import changes, collapse, digits, store
from genmodels.experiments.store import Experiment, StaleError, code_digest
from genmodels.experiments.trials import EXPERIMENTS, METHODS, PLAYS, TRIED, TUNING
from genmodels.gan.train import continue_training
from genmodels.measures import legibility
from genmodels.vae.model import decode, encode, train


def shifted(*, slope, seeds=4):
    """A trial that takes no time."""
    return {"first": slope * np.ones(seeds), "end": slope * np.arange(seeds, dtype=float)}


def shifted_begin(**settings):
    return shifted(**settings)["first"]


TRIALS = [{"slope": slope} for slope in range(1, 5)]


@pytest.fixture
def toy(monkeypatch, tmp_path):
    """An experiment of four trials whose results are kept in an empty folder."""
    monkeypatch.setattr(store, "RESULTS", tmp_path)
    monkeypatch.setattr(store, "code_digest", lambda module: "abc")
    experiment = Experiment("toy", shifted, shifted_begin, TRIALS, TRIALS)
    for trial in TRIALS:
        experiment._store(store.Trial(trial, shifted(**trial), {"code": "abc", "date": "2026-11-29"}))
    return experiment


def test_what_is_stored_is_found_by_its_settings(toy):
    stored = toy.stored()
    assert stored.values("end", slope=3).tolist() == [0, 3, 6, 9]
    with pytest.raises(LookupError, match="0 trials"):
        stored.values("end", slope=9)
    with pytest.raises(LookupError, match="4 trials"):
        stored.values("end")
    assert stored.results({"slope": 2})["end"].tolist() == [0, 2, 4, 6]
    with pytest.raises(LookupError, match="exactly"):
        stored.results({})


def test_an_interrupted_run_goes_on_where_it_stopped(toy):
    lines = toy.path.read_text().splitlines()
    toy.path.write_text("\n".join(lines[:2]) + "\n")
    assert toy.due() == TRIALS[2:]
    with pytest.raises(StaleError, match="2 trials are not stored"):
        toy.stored()
    toy._store(store.Trial(TRIALS[3], shifted(**TRIALS[3]), {"code": "abc", "date": "2026-11-29"}))
    assert toy.due() == [TRIALS[2]]
    assert [json.loads(line)["settings"]["slope"] for line in toy.path.read_text().splitlines()] == [1, 2, 4]


def test_other_code_makes_all_trials_due_and_all_beginnings_are_run_again(toy, monkeypatch):
    monkeypatch.setattr(store, "code_digest", lambda module: "def")
    assert toy.due() == TRIALS
    asked = []
    watched = dataclasses.replace(toy, begin=lambda **settings: asked.append(settings) or shifted_begin(**settings))
    watched.stored()
    assert sorted(settings["slope"] for settings in asked) == [1, 2, 3, 4]
    asked.clear()
    dataclasses.replace(watched, rough=TRIALS[1:3]).stored()
    assert sorted(settings["slope"] for settings in asked) == [1, 4]


def test_another_processor_may_move_less_than_half_of_the_seeds(toy):
    for moved, refused in ((1, False), (3, True)):
        other = dataclasses.replace(toy, begin=lambda slope, moved=moved: slope + 0.01 * (np.arange(4) < moved))
        with pytest.raises(StaleError) if refused else contextlib.nullcontext():
            other.stored()


@pytest.mark.parametrize("change", ["begin", "run"])
def test_results_that_the_code_no_longer_gives_are_refused(toy, change):
    def other(**settings):
        return {name: 1.2 * values + 2 for name, values in shifted(**settings).items()}

    changed = {"begin": lambda **settings: other(**settings)["first"], "run": other}
    with pytest.raises(StaleError, match="toy, "):
        dataclasses.replace(toy, **{change: changed[change]}).stored()


def test_the_digest_sees_code_and_neither_comments_nor_docstrings(monkeypatch):
    texts = iter(('"""One."""\nx = 1', '"""Two."""\n\n# more\nx = 1  # one', "x = 2", "def f():\n    return 1"))
    monkeypatch.setattr(store.inspect, "getsource", lambda module: next(texts))
    first, same, *others = [code_digest("genmodels.checks") for _ in range(4)]
    assert first == same and len({first, *others}) == 3


def test_the_digest_sees_a_module_that_is_imported_from_its_package(monkeypatch):
    """digits.py has `from genmodels.data import mnist`, and mnist.py the digest of the digits."""
    before, source = code_digest("genmodels.experiments.digits"), store.inspect.getsource
    monkeypatch.setattr(store.inspect, "getsource", lambda module: source(module).replace(mnist.SHA256, "0" * 64))
    assert code_digest("genmodels.experiments.digits") != before


def test_a_trial_is_its_training():
    """A short trial gives what the same call of the package gives, and its first steps are those of `begin`."""
    settings = {"updates": 2, "ratio": 0.5, "seeds": 2}
    results = collapse.run(**settings, steps=60)
    config = collapse.GANConfig(discriminator_steps=2, lr_D=1e-3, lr_G=2e-3)
    runs = collapse.train_gans(collapse.DATA["ring"], config, [200, 201], 60)
    assert np.allclose(results["L_D"], runs.discriminator_loss.mean(axis=1))
    assert np.allclose(results["first"], collapse.begin(**settings, steps=60))
    assert np.allclose(results["quality"], collapse.high_quality_share(runs.samples(2500), collapse.DATA["ring"]))


def test_a_generator_that_starts_spread_lies_around_all_modes():
    spread = collapse.spread_generator([200, 201])
    runs = collapse.train_gans(collapse.DATA["ring"], collapse.GANConfig(), [200, 201], 1, generator=spread)
    assert (collapse.effective_modes(runs.snapshots[:, 0], collapse.DATA["ring"]) > 7.5).all()


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.name)
def test_every_trial_is_stored(experiment):
    assert len(experiment.load()) == len(experiment.trials)
    if due := experiment.due():
        warnings.warn(
            f"{experiment.name}: all {len(due)} of its trials are due, as code that they use has changed since: "
            "'make experiments' runs them",
            stacklevel=1,
        )


def test_samples_that_climb_to_one_peak_leave_their_modes():
    """D is highest in one of eight modes that hold equally many samples: seven eighths change their mode."""
    data = collapse.DATA["ring"]
    peak = torch.tensor(data.centres[2], dtype=torch.float32)

    class Peaked(torch.nn.Module):
        def forward(self, x):
            return -((x - peak) ** 2).sum(dim=-1)

    class Runs:
        D = Peaked()

        def samples(self, n):
            return np.tile(np.repeat(data.centres, n // 8 + 1, axis=0)[:n], (2, 1, 1)).astype(np.float32) + 1e-3

    runs = Runs()
    at_peak = np.isin(np.repeat(range(8), 63)[:500], 2).mean()
    assert changes.climbing(runs, data) == pytest.approx([1 - at_peak] * 2)


def test_speeds_change_after_the_first_steps():
    settings = {"updates": 2, "ratio": 0.5, "seeds": 2}
    results = changes.run(**settings, later_updates=1, later_ratio=1, steps=40)
    config = collapse.GANConfig(discriminator_steps=2, lr_D=1e-3, lr_G=2e-3)
    first = collapse.train_gans(collapse.DATA["ring"], config, [200, 201], 40)
    second = continue_training(collapse.DATA["ring"], first, 40, config=collapse.GANConfig())
    assert np.allclose(results["before"], collapse.effective_modes(first.samples(2500), collapse.DATA["ring"]))
    assert np.allclose(results["L_D"], second.discriminator_loss.mean(axis=1))
    assert np.allclose(results["first"], changes.begin(**settings, later_updates=1, later_ratio=1))


def test_the_logit_is_scaled_at_the_change():
    """With the logit at zero D says one half of everything: its first loss is 2 log 2."""
    speeds = {"updates": 1, "ratio": 1, "later_updates": 1, "later_ratio": 1, "seeds": 2}
    results = changes.run(**speeds, logit_scale=0, steps=1)
    assert results["L_D"] == pytest.approx([2 * np.log(2)] * 2)


@pytest.mark.parametrize("fresh", ["discriminator", "generator"])
def test_a_fresh_player_begins_with_its_first_weights(fresh):
    data, speeds = collapse.DATA["ring"], {"updates": 1, "ratio": 1, "later_updates": 1, "later_ratio": 1}
    results = changes.run(**speeds, fresh=fresh, seeds=2, steps=40)
    first = collapse.train_gans(data, collapse.GANConfig(), [200, 201], 40)
    if fresh == "generator":
        second = continue_training(data, first, 40, restart=True)
    else:
        second = collapse.train_gans(data, collapse.GANConfig(), [200, 201], 40, generator=first.G)
    assert np.allclose(results["L_G"], second.generator_loss.mean(axis=1))


def test_valleys_lie_where_the_logit_falls_on_the_way_to_a_missing_mode():
    """All samples lie in mode 0. A missing mode is higher; a dip lies between, or the logit rises all the way."""
    data = collapse.DATA["ring"]
    points = torch.tensor(data.centres, dtype=torch.float32)

    class Runs:
        def __init__(self, depth):
            self.depth = depth

        def samples(self, n):
            return np.tile(data.centres[0], (2, n, 1)).astype(np.float32)

        def logits(self, way):
            along = np.linalg.norm(np.asarray(way) - points[0].numpy(), axis=-1)
            length = along[-1] or 1
            return np.tile(along / length - self.depth * np.sin(np.pi * along / length), (2, 1))

    assert changes.valleys(Runs(2), data) == pytest.approx([1, 1])
    assert changes.valleys(Runs(0), data) == pytest.approx([0, 0])


@pytest.mark.parametrize("method", ["packing", "R1", "WGAN-GP"])
def test_each_method_is_compared_as_it_did_best_in_the_tuning(method):
    stored = store.Stored(TUNING.load())
    tuned = {"steps": 1500, **PLAYS["D too slow"], "first_seed": 300, "seeds": 8}
    found = [stored.results(tuned | dict(settings))["found"].mean() for settings in TRIED[method]]
    assert TRIED[method][int(np.argmax(found))] == METHODS[method]


def test_codes_get_more_and_more_in_common_with_those_of_the_model():
    rng = np.random.default_rng(0)
    codes = rng.choice([-2.0, 6.0], (4000, 1)) + rng.normal(0, 0.1, (4000, 2)) * (1, 3)  # two heaps
    noise = rng.standard_normal((4000, 2))
    ways = digits.ladder(noise, codes, seed=0)
    assert (ways["scale"] ** 2).mean() == pytest.approx((codes**2).mean(), rel=0.05)
    assert ways["place"].mean(axis=0) == pytest.approx(codes.mean(axis=0), abs=0.2)
    assert ways["place"].var(axis=0).mean() == pytest.approx(codes.var(axis=0).mean(), rel=0.05)
    assert np.cov(ways["gaussian"].T) == pytest.approx(np.cov(codes.T), rel=0.1)
    between = {way: np.mean(abs(z[:, 0] - 2) < 3) for way, z in ways.items()}
    assert between["gaussian"] > 0.4 and between["mixture"] < 0.01  # only the mixture has two heaps
    assert abs(np.diff(ways["mixture"][:, 0] > 2)).mean() == pytest.approx(0.5, abs=0.05)  # in random order


def test_a_trial_of_digits_measures_the_model_of_the_page(monkeypatch):
    monkeypatch.setattr(legibility, "STEPS", 20)  # how well the judge reads is tested in test_legibility.py
    settings = {"model": "both terms", "first_seed": 3, "seeds": 1}
    results = digits.run(**settings, steps=30, pictures=4)
    images, unseen = (mnist.load(split)[0] for split in ("train", "test"))
    model = train(digits.MODELS["both terms"], images, 3, steps=30)
    mu, logvar = encode(model, images)
    assert results["second"] == pytest.approx([(mu**2 + np.exp(logvar)).sum(axis=1).mean()])
    assert results["error"] == pytest.approx([((decode(model, encode(model, unseen)[0]) - unseen) ** 2).mean()])
    draws = np.random.default_rng(3).standard_normal((2000, 2))
    assert results["pictures"] == pytest.approx(100 * decode(model, draws[:4]), abs=0.51)
    seen = digits.judged(decode(model, draws), unseen)
    assert {name: results[f"prior_{name}"][0] for name in seen} == pytest.approx(seen)
    real = digits.judged(images[:2000], unseen)
    assert real["recall"] > 0.8 and real["kinds"] > 9.5
    assert real["sharp"] == pytest.approx(1, abs=0.05)
    assert results["first"] == pytest.approx(digits.begin(**settings, steps=30))


@pytest.mark.parametrize("kind", ["VAE", "GAN"])
def test_a_trial_of_a_convolutional_model_measures_what_it_has(kind):
    results = digits.run(model=f"convolutional {kind}", steps=2, seeds=1)
    assert ("error" in results) == (kind == "VAE")
    assert 0 <= results["prior_legible"][0] <= 1


def test_the_two_parts_of_the_kl_term_add_up_to_it():
    mu, logvar = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    parts = [digits.MODELS[name]().kl(mu, logvar) for name in ("mean term", "variance term", "both terms")]
    assert torch.allclose(parts[0] + parts[1], parts[2])
