"""How fast are ensembles? Many seeds at once against a plain loop over the same models, in one run, on one thread.

Times are CPU seconds, the median of several runs that take turns; both draw and train on the same random numbers.
The report goes to the screen, to build/bench/trainer.md and to build/bench/trainer.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import plain_loop
import torch
from genmodels import ensembles
from genmodels.methods import Method
from genmodels.toydata import ring

ROOT = Path(__file__).resolve().parents[1]
HIDDEN, SEEDS = (64, 128), (1, 10, 32)
AIMS = {(64, 32): 7.0, (128, 10): 2.0}  # how many times faster ensembles are to be
COMPARED = 20  # steps whose losses are compared


def cpu_seconds(work: Callable[[], Any]) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def peak(size: int = 1024, repeats: int = 20) -> float:
    """The machine's best rate in a product of two square float32 matrices, in operations per second."""
    left, right = torch.ones(size, size), torch.ones(size, size)
    return 2 * size**3 / min(cpu_seconds(lambda: left @ right) for _ in range(repeats))


def case(hidden: int, count: int, steps: int, repeats: int) -> dict[str, float]:
    """One row of the table: how many milliseconds a step of all seeds takes, each way."""
    seeds, batch = range(count), ensembles.BATCH
    ways = {
        "loop": lambda: plain_loop.train(ring(), seeds, steps, hidden=hidden, batch=batch),
        "fused loop": lambda: plain_loop.train(ring(), seeds, steps, hidden=hidden, batch=batch, fused=True),
        "ensemble": lambda: ensembles.train(ring(), Method(), seeds, steps, hidden=hidden, batch=batch),
    }
    for way in ways.values():  # once for the caches
        way()
    runs = [{name: cpu_seconds(way) / steps * 1e3 for name, way in ways.items()} for _ in range(repeats)]
    times = {name: statistics.median(run[name] for run in runs) for name in ways}
    operations = ensembles.operations_per_step(Method(), hidden=hidden, batch=batch) * count
    return {
        "hidden": hidden,
        "seeds": count,
        **{f"{name} ms": value for name, value in times.items()},
        "times faster": times["loop"] / times["ensemble"],
        "times faster than fused": times["fused loop"] / times["ensemble"],
        "operations per second": operations / times["ensemble"] * 1e3,
        "loss difference": loss_difference(hidden, count),
    }


def loss_difference(hidden: int, count: int) -> float:
    """The median over seeds of the largest difference of their losses in the first steps."""
    plain = plain_loop.train(ring(), range(count), COMPARED, hidden=hidden, batch=ensembles.BATCH).numpy()
    ours = ensembles.train(ring(), Method(), range(count), COMPARED, hidden=hidden)
    apart = np.abs(np.stack([ours.discriminator_loss, ours.generator_loss]) - plain)
    return float(np.median(apart.max(axis=(0, 2))))


def report(rows: list[dict[str, float]], best: float) -> str:
    """The table as Markdown."""
    lines = [
        f"Batch {ensembles.BATCH}, one thread, {platform.machine()}, torch {torch.__version__}.",
        f"Milliseconds of CPU time for one step of all seeds. Peak of matrix products: {best / 1e9:.0f} GFLOP/s.",
        "",
        "| units | seeds | loop | loop, fused Adam | ensemble | times faster | than fused | aim "
        f"| share of peak | losses apart, {COMPARED} steps |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        aim = AIMS.get((int(row["hidden"]), int(row["seeds"])))
        lines.append(
            f"| {row['hidden']} | {row['seeds']} | {row['loop ms']:.2f} | {row['fused loop ms']:.2f} | "
            f"{row['ensemble ms']:.2f} | {row['times faster']:.1f} | {row['times faster than fused']:.1f} | "
            f"{f'{aim:g}' if aim else ''} | {row['operations per second'] / best:.0%} | {row['loss difference']:.0e} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100, help="steps of training in each run (default: %(default)s)")
    parser.add_argument(
        "--repeats", type=int, default=3, help="runs, of which the median counts (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench", help="where the report goes")
    options = parser.parse_args()
    if options.steps < 1 or options.repeats < 1:
        parser.error("--steps and --repeats must be at least 1")
    torch.set_num_threads(1)
    cases, rows, best = [(hidden, count) for hidden in HIDDEN for count in SEEDS], [], peak()
    for number, (hidden, count) in enumerate(cases, start=1):
        print(f"[{number}/{len(cases)}] {hidden} units, {count} seeds ...", flush=True)
        rows.append(case(hidden, count, options.steps, options.repeats))
        best = max(best, peak())
    text = report(rows, best)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "trainer.md").write_text(text, encoding="utf-8")
    figures = {"peak": best, "torch": torch.__version__, "batch": ensembles.BATCH, "rows": rows}
    (options.out / "trainer.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(f"\n{text}\nReport: {options.out / 'trainer.md'}")


if __name__ == "__main__":
    main()
