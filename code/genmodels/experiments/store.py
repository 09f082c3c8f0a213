"""Results of experiments that are too long for a build: stored with what made them, and sampled by every build.

An experiment is a list of trials, each a function called with other settings. `python -m genmodels.experiments` runs
those that are due and stores each as soon as it is done, so that an interrupted run goes on where it stopped. A trial
is due if it is not stored or if the code that it uses has changed in more than comments and docstrings since.

Who reads stored results (`Experiment.stored`) runs a few of the trials again, and gets an error if they differ.
"""

from __future__ import annotations

import ast
import datetime
import hashlib
import importlib
import importlib.util
import inspect
import io
import json
import platform
import time
import tokenize
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

RESULTS = Path(__file__).with_name("results")
BEGINNINGS = 6  # trials whose first steps are run again by whoever reads the results; all of them if the code changed
TOLERANCE = 1e-3  # of a loss after few steps, in the middle one of the seeds: rounding, not yet amplified
ERRORS = 5.0  # standard errors that means over seeds may differ by when a whole trial is run again

Settings = Mapping[str, Any]


class StaleError(AssertionError):
    """What is stored is not what the code gives now."""


@dataclass(frozen=True)
class Trial:
    """A stored trial: its settings, its results over seeds (name -> (S,); pictures: (n, h, w)), and what made them.

    made: date, versions, seconds and the digest of the code.
    """

    settings: Settings
    results: Mapping[str, NDArray[np.float64]]
    made: Mapping[str, Any]


@dataclass(frozen=True)
class Stored:
    """The trials of an experiment, as they are stored."""

    trials: Sequence[Trial]

    def values(self, result: str, **settings: Any) -> NDArray[np.float64]:
        """Return a result over seeds, (S,), of the one trial that has these settings, perhaps among others.

        Raises LookupError if it is not one.
        """
        found = [t for t in self.trials if all(t.settings.get(name) == value for name, value in settings.items())]
        if len(found) != 1:
            raise LookupError(f"{len(found)} trials, not one, have the settings {settings}")
        return found[0].results[result]

    def results(self, settings: Settings) -> Mapping[str, NDArray[np.float64]]:
        """Return all results of the trial with exactly these settings. Raises LookupError if there is none."""
        for trial in self.trials:
            if dict(trial.settings) == dict(settings):
                return trial.results
        raise LookupError(f"no trial has exactly the settings {dict(settings)}")


@dataclass(frozen=True)
class Experiment:
    """What is run, with which settings.

    run: settings -> results over seeds, each (S,); among them "first", which `begin` returns too, for the same
    settings, after the first steps alone. whole: those trials that are short enough to be run again in a build.
    rough: those whose first steps amplify rounding, which differs between processors; they are not begun again.
    """

    name: str
    run: Callable[..., Mapping[str, ArrayLike]]
    begin: Callable[..., ArrayLike]
    trials: Sequence[Settings]
    whole: Sequence[Settings]
    rough: Sequence[Settings] = ()

    @property
    def path(self) -> Path:
        """Where the results are."""
        return RESULTS / f"{self.name}.jsonl"

    def load(self) -> list[Trial]:
        """Return the trials that are stored, in the order of `trials`, whatever the code is now."""
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.is_file() else []
        known = {_key(line["settings"]): line for line in map(json.loads, lines)}
        return [
            Trial(line["settings"], {name: np.array(v) for name, v in line["results"].items()}, line["made"])
            for line in (known.get(_key(settings)) for settings in self.trials)
            if line is not None
        ]

    def due(self) -> list[Settings]:
        """Return the settings of trials that are not stored, or were run by other code."""
        digest = code_digest(self.run.__module__)
        current = {_key(trial.settings) for trial in self.load() if trial.made["code"] == digest}
        return [settings for settings in self.trials if _key(settings) not in current]

    def perform(self, jobs: int) -> Iterator[str]:
        """Run what is due, so many trials at a time, store each, and say so in a line."""
        due = self.due()
        with ProcessPoolExecutor(
            jobs, mp_context=get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
        ) as pool:
            waiting = {pool.submit(_perform, self.run, settings): settings for settings in due}
            for number, done in enumerate(as_completed(waiting), start=1):
                results, made = done.result()
                self._store(Trial(waiting[done], results, made))
                yield f"{self.name} {number}/{len(due)}: {made['seconds']} s, {dict(waiting[done])}"

    def stored(self) -> Stored:
        """Return the stored results, after some of them were made again.

        Which ones depends on the code, so that with every change of it others come. Of six trials that are not
        rough (of all, if the code is no longer that of the results) the first steps are run again, which must agree but
        for rounding in half of the seeds (other code changes all), and of one short trial (of three) all steps, where
        the means over the seeds must agree within the spread of the seeds.
        Raises StaleError naming the trial and the result.
        """
        trials = self.load()
        missing = len(self.trials) - len(trials)
        if missing:
            raise StaleError(f"{self.name}: {missing} trials are not stored; 'make experiments' runs them")
        digest = code_digest(self.run.__module__)
        fresh = all(trial.made["code"] == digest for trial in trials)
        rng = np.random.default_rng(int(digest, 16))
        steady = [trial for trial in trials if trial.settings not in self.rough]
        for index in rng.permutation(len(steady))[: BEGINNINGS if fresh else None]:
            self._compare_beginning(steady[index])
        whole = [trial for trial in trials if trial.settings in self.whole]
        for index in rng.permutation(len(whole))[: 1 if fresh else 3]:
            self._compare_whole(whole[index])
        return Stored(trials)

    def _compare_beginning(self, trial: Trial) -> None:
        now = np.asarray(self.begin(**trial.settings))
        off = float(np.median(np.abs(now - trial.results["first"])))
        if not off <= TOLERANCE:
            raise StaleError(
                f"{self.name}, {dict(trial.settings)}: the first steps differ by {off:.2g} from those stored"
            )

    def _compare_whole(self, trial: Trial) -> None:
        for name, again in self.run(**trial.settings).items():
            now, then = np.asarray(again, dtype=float), trial.results[name]
            error = np.sqrt((now.var() + then.var()) / len(then)) + TOLERANCE
            if not abs(now.mean() - then.mean()) <= ERRORS * error:
                about = f"{name} is {now.mean():.4g} on average, {then.mean():.4g} is stored"
                raise StaleError(f"{self.name}, {dict(trial.settings)}: {about}")

    def _store(self, new: Trial) -> None:
        kept = {_key(trial.settings): trial for trial in self.load()} | {_key(new.settings): new}
        lines = [
            json.dumps(
                {
                    "settings": dict(trial.settings),
                    "results": {name: np.round(v, 4).tolist() for name, v in trial.results.items()},
                    "made": dict(trial.made),
                }
            )
            for trial in (kept.get(_key(settings)) for settings in self.trials)
            if trial is not None
        ]
        unfinished = self.path.with_suffix(".new")
        unfinished.write_text("\n".join(lines) + "\n", encoding="utf-8")
        unfinished.replace(self.path)


def code_digest(module: str) -> str:
    """Return a digest of a module and of those that it imports by ``from genmodels…`` import: of their code alone.

    Data are part of it where a module holds their digest, as `genmodels.data.mnist` does.
    """
    found: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            source = inspect.getsource(importlib.import_module(name))
            found[name] = _code(source)
            imports = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom))
            for node in imports:
                if (node.module or "").startswith("genmodels."):
                    named = (f"{node.module}.{alias.name}" for alias in node.names)
                    waiting += [str(node.module), *filter(_is_module, named)]
    return hashlib.sha256(json.dumps(sorted(found.items())).encode()).hexdigest()[:16]


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # what comes before the last dot is a module, not a package
        return False


def _code(source: str) -> str:
    """Return the lines of a source without comments and docstrings: the same text in every version of Python."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        first = body[0] if isinstance(body, list) and body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            end = first.end_lineno or first.lineno
            lines[first.lineno - 1 : end] = [""] * (end - first.lineno + 1)
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _perform(
    run: Callable[..., Mapping[str, ArrayLike]], settings: Settings
) -> tuple[Mapping[str, Any], dict[str, Any]]:
    before = time.perf_counter()
    results = {name: np.asarray(values, dtype=float) for name, values in run(**settings).items()}
    made = {
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "seconds": round(time.perf_counter() - before),
        "code": code_digest(run.__module__),
    }
    return results, made


def _key(settings: Settings) -> str:
    return json.dumps(dict(settings), sort_keys=True)
