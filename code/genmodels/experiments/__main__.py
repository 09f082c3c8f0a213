"""Run the trials of all experiments that are due: python -m genmodels.experiments [--jobs 2] [NAME ...]."""

import argparse

from genmodels.experiments.trials import EXPERIMENTS

parser = argparse.ArgumentParser(description="Run what is due; what was interrupted goes on where it stopped.")
parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *(e.name for e in EXPERIMENTS)])
parser.add_argument("--jobs", type=int, default=1, help="trials at a time")

if __name__ == "__main__":
    options = parser.parse_args()
    for experiment in EXPERIMENTS:
        if options.names and experiment.name not in options.names:
            continue
        print(f"{experiment.name}: {len(experiment.due())} of {len(experiment.trials)} trials are due", flush=True)
        for line in experiment.perform(options.jobs):
            print(line, flush=True)
