"""Which experiments there are, and the settings of their trials."""

from __future__ import annotations

from typing import Any

from genmodels.experiments import changes, collapse, digits
from genmodels.experiments.store import Experiment, Settings

UPDATES = (1, 2, 5, 10, 20)  # of D per step
RATIOS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)  # of D's learning rate to that of G
COARSE_UPDATES = (1, 5, 20)
LONG_UPDATES = (1, 5)  # where runs are long
COARSE_RATIOS = (0.02, 0.1, 0.5, 1, 5)
LOSSES = ("non-saturating", "saturating")


def _map(updates: tuple[int, ...], ratios: tuple[float, ...], **settings: Any) -> list[Settings]:
    return [{"updates": k, "ratio": ratio, **settings} for k in updates for ratio in ratios]


def _experiment(name: str, trials: list[Settings]) -> Experiment:
    short = [trial for trial in trials if trial["updates"] * trial["steps"] <= 3000]
    # a fast D, and a generator that is on the data already
    rough = [trial for trial in trials if trial["updates"] * trial["ratio"] > 10 or trial.get("start") == "spread"]
    return Experiment(name, collapse.run, collapse.begin, trials, short, rough)


MAP = _experiment(
    "collapse-map", [trial for loss in LOSSES for trial in _map(UPDATES, RATIOS, data="ring", loss=loss, steps=1500)]
)
ELSEWHERE = _experiment(
    "collapse-elsewhere",
    [
        *_map(COARSE_UPDATES, COARSE_RATIOS, data="ring", start="spread", steps=1500, seeds=8),
        *_map(COARSE_UPDATES, COARSE_RATIOS, data="uneven ring", steps=1500, seeds=8),
        *_map(LONG_UPDATES, COARSE_RATIOS, data="ring", steps=7500, seeds=8),
        *_map(LONG_UPDATES, COARSE_RATIOS, data="grid", steps=6000, seeds=8),
        *_map((1,), (0.1,), data="ring", steps=24_000, seeds=8),
    ],
)

# The two collapses of the map, and play between them that covers
PLAYS: dict[str, Settings] = {
    "D too slow": {"updates": 1, "ratio": 0.1},
    "D near its optimum": {"updates": 20, "ratio": 1},
    "balanced": {"updates": 1, "ratio": 1},
}


def _change(before: str, after: str, **settings: Any) -> Settings:
    return {**PLAYS[before], **{f"later_{name}": value for name, value in PLAYS[after].items()}, **settings}


CHANGES = Experiment(
    "collapse-changes",
    changes.run,
    changes.begin,
    [
        *(_change(before, after) for before in PLAYS for after in PLAYS if before != after),
        *(_change("D near its optimum", "balanced", fresh=player) for player in ("discriminator", "generator")),
        _change("D near its optimum", "balanced", logit_scale=0.1),
        _change("balanced", "D too slow", fresh="generator"),
    ],
    [],
)
TRIED: dict[str, list[Settings]] = {  # four settings each, where there is anything to set
    "packing": [{"pack": m} for m in (2, 4, 8, 16)],
    "R1": [{"r1": gamma} for gamma in (0.1, 1, 10, 100)],
    "WGAN-GP": [
        {"loss": "wasserstein", "gradient_penalty": weight, "updates": k}
        for k, weight in ((5, 0.1), (5, 1), (5, 10), (1, 1))
    ],
    "more updates": [{"updates": k} for k in (2, 5, 10, 20)],
    "faster D": [{"ratio": ratio} for ratio in (0.2, 0.5, 1, 2)],
    "minibatch standard deviation": [{"minibatch_std": True}],
    "spectral normalisation": [{"spectral_norm": True}],
}
TUNING = _experiment(
    "remedies-tuning",
    [
        {"steps": 1500, **PLAYS["D too slow"], **settings, "first_seed": 300, "seeds": 8}
        for tried in TRIED.values()
        for settings in tried
    ],
)
# Each method as it did best in the tuning, by the mean of the modes found
METHODS: dict[str, Settings] = {
    "none": {},
    "packing": {"pack": 2},
    "minibatch standard deviation": {"minibatch_std": True},
    "R1": {"r1": 10},
    "WGAN-GP": {"loss": "wasserstein", "gradient_penalty": 0.1, "updates": 5},
}


def remedy(data: str, play: str, method: str, long: bool = False) -> Settings:
    """The settings of a method in a play, on the ring (1500 or, if long, 7500 steps) or on the grid (6000 steps)."""
    steps = 6000 if data == "grid" else 7500 if long else 1500
    updates = max(PLAYS[play]["updates"], METHODS[method].get("updates", 1))
    few = {"seeds": 8} if data == "grid" or (long and updates == 20) else {}
    return {**PLAYS[play], **METHODS[method], "updates": updates, "data": data, "steps": steps, **few}


# The usual loss with the penalty of WGAN-GP: is it the loss that helps, or the penalty?
PENALTY_ALONE: Settings = {**remedy("ring", "D near its optimum", "none"), "gradient_penalty": 0.1}
# The loss of packs against a fast D that judges each sample alone
SUM: Settings = {**remedy("ring", "D near its optimum", "packing"), "packing": "sum"}
REMEDIES = _experiment(
    "remedies",
    [
        *(remedy("ring", play, method, long) for long in (False, True) for play in PLAYS for method in METHODS),
        *(remedy("grid", play, method) for play in ("D too slow", "balanced") for method in METHODS),
        PENALTY_ALONE,
        SUM,
    ],
)
# Models of digits, trained as on the pages and ten to fifteen times as long; the convolutional ones also in between
PLANE: list[Settings] = [
    {"model": model, "steps": steps}
    for model in ("no KL", "mean term", "variance term", "both terms")
    for steps in (400, 6000)
]
DIGITS = Experiment(
    "digits-long",
    digits.run,
    digits.begin,
    [
        *({"model": model, "steps": steps} for model in ("autoencoder", "VAE") for steps in (600, 9000)),
        *PLANE,
        *({"model": f"convolutional {kind}", "steps": steps} for kind in ("VAE", "GAN") for steps in (700, 3500)),
        *({"model": f"convolutional {kind}", "steps": 7000, "pictures": 12} for kind in ("VAE", "GAN")),
    ],
    [trial for trial in PLANE if trial["steps"] == 400],
)
EXPERIMENTS = (MAP, CHANGES, TUNING, REMEDIES, ELSEWHERE, DIGITS)
