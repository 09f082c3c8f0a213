"""The settings of a GAN: what they are without options, and which values and pairs are refused."""

import pytest

from genmodels.gan.config import GANConfig

BAD = {"loss": "hinge", "packing": "together", "discriminator_steps": 0, "pack": 0, "lr_D": 0.0, "lr_G": 0.0}


@pytest.mark.parametrize(("name", "value"), [*BAD.items(), ("r1", -1e-9), ("gradient_penalty", -1e-9)])
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
