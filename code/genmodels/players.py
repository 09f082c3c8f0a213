"""The players of a GAN for many seeds at once: perceptrons whose gradients are written out by hand.

Every parameter has the S seeds on its leading axis. All parameters of a player lie in one flat buffer and their
gradients in another, so that a step of Adam is one fused kernel; activations lie in buffers that every call reuses.
On small networks this is what costs time: memory that is asked for anew, and graphs that are built anew, at every step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from genmodels.perceptrons import SLOPE, init_mlp

BETAS = 0.5, 0.999  # of Adam, as in DCGAN
ALIGNED = 64  # numbers
FIRST_ITERATIONS = 15  # of the power iteration, as in torch.nn.utils.parametrizations


class Player:
    """S leaky-ReLU perceptrons, linear at the end, with their gradients and their Adam.

    With ``spectral_norm`` the layers multiply by W / sigma(W), where sigma estimates the largest singular value by one
    power iteration per `step`. Source: Miyato et al. 2018.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        generators: Sequence[torch.Generator],
        rate: float,
        *,
        spectral_norm: bool = False,
        device: torch.device | str = "cpu",
    ) -> None:
        self.sizes, self.members = tuple(sizes), len(generators)
        start = [parameter.detach() for parameter in init_mlp(sizes, generators)]
        if self.members == 1:  # alone: its matrix products would take another path, which rounds otherwise
            start = [parameter.repeat(2, 1, 1) for parameter in start]
        self.flat = torch.zeros(sum(len(parameter) * _room(parameter.shape) for parameter in start), device=device)
        self.flat.grad = torch.zeros_like(self.flat)
        self.weights, self.biases = _layers(self.flat, start)  # (S, in, out) and (S, 1, out)
        self._weight_gradients, self._bias_gradients = _layers(self.flat.grad, start)
        for view, values in zip((*self.weights, *self.biases), (*start[::2], *start[1::2]), strict=True):
            view.copy_(values)
        self.optimiser = torch.optim.Adam([self.flat], lr=rate, betas=BETAS, fused=True)
        self._hidden: list[Tensor] = []  # the inputs of every layer in the last call
        self._buffers: dict[tuple[str, int, torch.Size], Tensor] = {}
        self._matrices = self.weights  # what the layers multiply by
        self._norms = [_SpectralNorm(weight, generators) for weight in self.weights] if spectral_norm else []
        for _ in range(FIRST_ITERATIONS):
            self._normalise()

    def _all(self, values: Tensor) -> Tensor:
        """Return the values of every row of the parameters: the same, but where one member stands there twice."""
        return values.expand(len(self.weights[0]), -1, -1)

    def __call__(self, inputs: Tensor) -> Tensor:
        """Return the outputs (S, n, out) of inputs (S, n, in). The next call with as many inputs overwrites them."""
        self._hidden = [self._all(inputs)]
        last = len(self.weights) - 1
        for layer, (matrix, bias) in enumerate(zip(self._matrices, self.biases, strict=True)):
            outputs = self._buffer("outputs", layer, self._hidden[-1], matrix.shape[2])
            torch.baddbmm(bias, self._hidden[-1], matrix, out=outputs)
            if layer < last:
                self._hidden.append(functional.leaky_relu_(outputs, SLOPE))
        return outputs[: self.members]

    def backward(self, delta: Tensor) -> None:
        """Set the parameters' gradients, given those of the last call's outputs (S, n, out)."""
        delta, last = self._all(delta), len(self.weights) - 1
        for layer in range(last, -1, -1):
            hidden, gradient = self._hidden[layer], self._weight_gradients[layer]
            if layer == last:  # dW^T = delta^T h: as a few rows instead of a few columns, three times as fast
                torch.bmm(delta.mT, hidden, out=gradient.mT)
            else:  # dW = h^T delta
                torch.bmm(hidden.mT, delta, out=gradient)
            torch.sum(delta, dim=1, keepdim=True, out=self._bias_gradients[layer])
            if layer > 0:
                delta = self._backwards(delta, layer)

    def input_gradient(self, delta: Tensor) -> Tensor:
        """Return the gradient of the last call's inputs (S, n, in), given that of its outputs (S, n, out)."""
        delta = self._all(delta)
        for layer in range(len(self.weights) - 1, 0, -1):
            delta = self._backwards(delta, layer)
        return torch.bmm(delta, self._matrices[0].mT)[: self.members]

    def add_penalty(self, weight: float, norm: float, rows: slice) -> Tensor:
        """Add the gradients of weight E[(|dt/dx| - norm)^2], and return the penalty (S,); t = outputs, x = inputs.

        The expectation is over these rows of the last call's inputs. Almost everywhere the network is linear, with the
        slopes of the ReLUs as diagonal matrices M: dt/dx = W_1 M_1 W_2 M_2 ... w. The penalty's gradient by dt/dx
        therefore runs forwards through the same matrices, and meets at each layer what came backwards.
        Source: Gulrajani et al. 2017, eq. (3) (norm 1); Mescheder et al. 2018 (R1: norm 0).
        """
        masks = [torch.where(hidden[:, rows] > 0, 1.0, SLOPE) for hidden in self._hidden[1:]]
        delta = self._matrices[-1].mT.expand(-1, self._hidden[0][:, rows].shape[1], -1)
        backwards = []
        for matrix, mask in zip(reversed(self._matrices[:-1]), reversed(masks), strict=True):
            backwards.append(delta * mask)
            delta = torch.bmm(backwards[-1], matrix.mT)
        length = torch.linalg.vector_norm(delta, dim=-1, keepdim=True)  # |dt/dx|, (S, n, 1)
        # d/dg weight (|g| - norm)^2 / n = 2 weight (1 - norm / |g|) g / n
        forwards = 2.0 * weight / delta.shape[1] * (delta - norm * delta / length.clamp_min(1e-12))
        for layer, (matrix, mask) in enumerate(zip(self._matrices, masks, strict=False)):
            gradient = self._weight_gradients[layer]
            torch.baddbmm(gradient, forwards.mT, backwards[-1 - layer], out=gradient)
            forwards = torch.bmm(forwards, matrix) * mask
        self._weight_gradients[-1].add_(forwards.sum(dim=1)[..., None])
        return weight * (length - norm).square().mean(dim=(1, 2))[: self.members]

    def set_rate(self, rate: float) -> None:
        """Change Adam's rate; what it has gathered stays."""
        self.optimiser.param_groups[0]["lr"] = rate

    def step(self) -> None:
        """Take one step of Adam down the gradients."""
        for norm, gradient in zip(self._norms, self._weight_gradients, strict=False):
            norm.pull_back(gradient)
        self.optimiser.step()
        self._normalise()

    def _normalise(self) -> None:
        if self._norms:
            self._matrices = [norm.update(weight) for norm, weight in zip(self._norms, self.weights, strict=True)]

    def _backwards(self, delta: Tensor, layer: int) -> Tensor:
        matrix = self._matrices[layer]
        out = self._buffer("deltas", layer, delta, matrix.shape[1])
        torch.bmm(delta, matrix.mT, out=out)
        # times the slope of the leaky ReLU, which the sign of its output tells
        return torch.ops.aten.leaky_relu_backward.grad_input(out, self._hidden[layer], SLOPE, True, grad_input=out)

    def _buffer(self, use: str, layer: int, like: Tensor, columns: int) -> Tensor:
        shape = torch.Size((*like.shape[:2], columns))
        if (use, layer, shape) not in self._buffers:
            buffer = torch.empty(len(like) * _room(shape), device=like.device)
            self._buffers[use, layer, shape] = _members(buffer, shape)
        return self._buffers[use, layer, shape]


class _SpectralNorm:
    """The division of weights (S, in, out) by their largest singular value, and its gradient."""

    def __init__(self, weight: Tensor, generators: Sequence[torch.Generator]) -> None:
        draws = torch.stack([torch.randn(weight.shape[1], 1, generator=generator) for generator in generators])
        self.left = functional.normalize(draws, dim=1).to(weight.device).expand(len(weight), -1, -1)  # u (S, in, 1)
        self.matrix = _members(weight.new_empty(len(weight) * _room(weight.shape)), weight.shape)

    def update(self, weight: Tensor) -> Tensor:
        # v = W^T u / |W^T u|, u = W v / |W v|, sigma = u^T W v
        self.right = functional.normalize(torch.bmm(weight.mT, self.left), dim=1)
        image = torch.bmm(weight, self.right)
        self.sigma = torch.linalg.vector_norm(image, dim=1, keepdim=True).clamp_min(1e-12)
        self.left = image / self.sigma
        return torch.div(weight, self.sigma, out=self.matrix)

    def pull_back(self, gradient: Tensor) -> None:
        # with A = W / sigma: dL/dW = (dL/dA - <dL/dA, A> u v^T) / sigma
        along = (gradient * self.matrix).sum(dim=(1, 2), keepdim=True)
        gradient.sub_(along * self.left * self.right.mT).div_(self.sigma)


def _layers(flat: Tensor, like: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """Return the weights and the biases as views of the flat buffer."""
    parts = flat.split([len(shape) * _room(shape.shape) for shape in like])
    views = [_members(part, shape.shape) for part, shape in zip(parts, like, strict=True)]
    return views[::2], views[1::2]


def _room(shape: Sequence[int]) -> int:
    """Return how many numbers each member of a tensor (S, ...) takes in a buffer.

    A whole number of SIMD registers: a product is rounded by where in a register its factors start, and in a tensor
    packed tightly that depends on how many members stand before.
    """
    return -(-math.prod(shape[1:]) // ALIGNED) * ALIGNED


def _members(buffer: Tensor, shape: Sequence[int]) -> Tensor:
    """Return a tensor of this shape (S, ...) that lies in a buffer with `_room` for each member."""
    return buffer.view(shape[0], -1)[:, : math.prod(shape[1:])].view(*shape)
