"""The ensembles train what a plain loop over models of torch.nn trains: the same losses, step by step."""

import numpy as np
import plain_loop
import pytest

from genmodels.data.toy import ring
from genmodels.gan.config import GANConfig
from genmodels.gan.train import train_gans

STEPS = 50


# Rounding alone takes a seed in ten further off at the default rate: sums are taken in another order for one model than
# for many, and a ReLU near its kink, or Adam near a zero gradient, makes much of it. A smaller rate leaves it small.
@pytest.mark.parametrize(("hidden", "seeds"), [(64, range(8)), (64, [5]), (128, range(8))])
def test_first_losses_are_those_of_a_plain_loop(hidden, seeds):
    plain = plain_loop.train(ring(), seeds, STEPS, hidden_dim=hidden, batch_size=64, lr=5e-4).numpy()
    ours = train_gans(ring(), GANConfig(lr_G=5e-4, lr_D=5e-4), seeds, STEPS, hidden_dim=hidden)
    losses = np.stack([ours.discriminator_loss, ours.generator_loss])
    assert losses.shape == plain.shape == (2, len(seeds), STEPS)
    error = np.abs(losses - plain).max(axis=(0, 2))
    assert np.quantile(error, 0.85) < 1e-4 and error.max() < 1e-3
    # the networks have learned by then: these are not first losses that stay
    assert np.ptp(losses, axis=-1).min() > 1e-2


def test_other_seeds_have_other_losses():
    plain = plain_loop.train(ring(), [5], STEPS, hidden_dim=64, batch_size=64)[0]
    ours = train_gans(ring(), GANConfig(), [6], STEPS)
    assert np.abs(ours.discriminator_loss - plain.numpy()).max() > 1e-3
