"""The settings of a GAN: what they are without options, and which values and pairs are refused."""

import math

import pytest

from genmodels.gan.config import GANConfig


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("loss", value) for value in ("hinge", None, "Saturating")],
        *[("packing", value) for value in ("together", None)],
        *[(name, value) for name in ("discriminator_steps", "pack") for value in (0, 2.5, True)],
        *[(name, value) for name in ("lr_D", "lr_G") for value in (0.0, -1.0, math.nan, math.inf)],
        *[(name, value) for name in ("r1", "gradient_penalty") for value in (-1e-9, math.nan, math.inf)],
    ],
)
def test_bad_options_are_named(name, value):
    with pytest.raises(ValueError, match=rf"^{name}: expected"):
        GANConfig(**{name: value})


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *[
            (penalty, {penalty: 1.0} | other)
            for penalty in ("r1", "gradient_penalty")
            for other in ({"minibatch_std": True}, *({"pack": 2, "packing": p} for p in ("concat", "repeat", "sum")))
        ],
        *[("minibatch_std", {"minibatch_std": True, "pack": 2, "packing": packing}) for packing in ("repeat", "sum")],
    ],
    ids=str,
)
def test_options_that_exclude_each_other_are_named(name, options):
    with pytest.raises(ValueError, match=rf"^{name}: expected"):
        GANConfig(**options)


def test_without_options_training_is_balanced():
    config = GANConfig()
    assert config.loss == "non-saturating" and config.lr_D == config.lr_G
    assert config.discriminator_steps == config.pack == 1
    assert not (config.minibatch_std or config.r1 or config.gradient_penalty or config.spectral_norm)
