"""How a small GAN is trained: its losses, its speeds, and what the discriminator gets to see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor, nn

from genmodels.checks import check_at_least, check_not_negative, check_positive
from genmodels.gan.losses import Loss, gradient_penalty, r1_penalty

Packing = Literal["concat", "repeat", "sum"]


@dataclass(frozen=True)
class GANConfig:
    """The settings of a training; every option but the loss, the steps and the rates is off by default.

    - loss: that of `gan.losses`. discriminator_steps: updates of D per update of G. lr_D, lr_G: rates of their Adam.
    - pack: how many samples D sees together (Lin et al. 2018). packing: "concat" makes them one long input. Two
      controls: "repeat", every sample fills a pack of its own; "sum", a pack's logit is the sum over its samples.
    - minibatch_std: D also sees how much its inputs vary over the batch (Karras et al. 2018, section 3, where
      it stands late in the network and over groups of 4).
    - r1: the weight gamma of gamma/2 E_p[|dD/dx|^2] (Mescheder et al. 2018). gradient_penalty: the weight
      lambda of WGAN-GP's E[(|dD/dx| - 1)^2] (Gulrajani et al. 2017, eq. 3). D stands here for the logit, and
      both are for single samples.
    - spectral_norm: each matrix of D is divided by its largest singular value (Miyato et al. 2018).
    """

    loss: Loss = "non-saturating"
    discriminator_steps: int = 1
    lr_D: float = 2e-3
    lr_G: float = 2e-3
    pack: int = 1
    packing: Packing = "concat"
    minibatch_std: bool = False
    r1: float = 0.0
    gradient_penalty: float = 0.0
    spectral_norm: bool = False

    def __post_init__(self) -> None:
        for name, known in {"loss": Loss, "packing": Packing}.items():
            if getattr(self, name) not in get_args(known):
                raise ValueError(f"{name}: expected one of {', '.join(get_args(known))}, got {getattr(self, name)!r}")
        check_at_least("discriminator_steps", self.discriminator_steps, 1)
        check_at_least("pack", self.pack, 1)
        check_positive("lr_D", self.lr_D)
        check_positive("lr_G", self.lr_G)
        for name in ("r1", "gradient_penalty"):
            check_not_negative(name, getattr(self, name))
            if getattr(self, name) and (self.minibatch_std or self.pack > 1):
                raise ValueError(f"{name}: expected 0 with minibatch_std or packs")
        if self.minibatch_std and self.packing != "concat":
            raise ValueError("minibatch_std: expected False with another packing than 'concat'")

    def penalty(self, D: nn.Module, real: Tensor, fake: Tensor) -> Tensor | float:
        """Return what is added to the discriminator's loss, (S,), for samples (S, n, d)."""
        if self.r1:
            return self.r1 / 2 * r1_penalty(D, real)
        if self.gradient_penalty:
            return self.gradient_penalty * gradient_penalty(D, real, fake)
        return 0.0
