"""The ensembles train what a plain loop over models of torch.nn trains: the same losses, step by step."""

import numpy as np
import plain_loop
import pytest

from genmodels.data.toy import ring
from genmodels.gan.config import GANConfig
from genmodels.gan.train import train_gans

STEPS = 12


# At 128 units and the default rate, one seed in ten is 1e-5 off after 20 steps by rounding alone: products of this size
# are summed in another order for one model than for many, and a ReLU near its kink, or Adam near a zero gradient,
# makes much of it. A smaller rate leaves it small, but for one seed in a hundred; which one, depends on the machine.
@pytest.mark.parametrize(("hidden", "seeds", "rate"), [(64, range(8), 2e-3), (64, [5], 2e-3), (128, range(8), 5e-4)])
def test_first_losses_are_those_of_a_plain_loop(hidden, seeds, rate):
    plain = plain_loop.train(ring(), seeds, STEPS, hidden=hidden, batch=64, rate=rate).numpy()
    ours = train_gans(ring(), GANConfig(lr_G=rate, lr_D=rate), seeds, STEPS, hidden_dim=hidden)
    losses = np.stack([ours.discriminator_loss, ours.generator_loss])
    assert losses.shape == plain.shape == (2, len(seeds), STEPS)
    error = np.abs(losses - plain).max(axis=(0, 2))
    assert np.quantile(error, 0.85) < 1e-5 and error.max() < 1e-3
    # the players have learned by then: these are not first losses that stay
    assert np.ptp(losses, axis=-1).min() > 1e-3


def test_other_seeds_have_other_losses():
    plain = plain_loop.train(ring(), [5], STEPS, hidden=64, batch=64)[0]
    ours = train_gans(ring(), GANConfig(), [6], STEPS)
    assert np.abs(ours.discriminator_loss - plain.numpy()).max() > 1e-3
