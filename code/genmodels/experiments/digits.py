"""How models of digits change when they are trained for longer: errors, codes, and what they draw."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import KDTree
from scipy.special import entr
from sklearn.mixture import GaussianMixture
from torch import Tensor, nn

from genmodels.data import mnist
from genmodels.gan.conv_gan import ConvGAN, train_conv_gan
from genmodels.measures.classifier import Classifier, train_classifier
from genmodels.measures.legibility import Reader, train_reader
from genmodels.measures.metrics import frechet_distance, precision_recall
from genmodels.measures.spectra import high_frequency_power, high_frequency_share
from genmodels.vae.conv_vae import ConvVAE, train_conv_vae
from genmodels.vae.model import VAE, Autoencoder, decode, encode, train

FIRST = 20  # steps after which a run is compared with the stored one
DRAWN = 2000  # images of each model
NEAR = 0.1  # a draw from the prior is in a hole if the mean of no training image's code is so near
STEP = 0.1  # of the codes' length: a step in a random direction, for how fast images change

Images = NDArray[np.float32]


class MeanTerm(VAE):
    """A VAE that pays for the means alone."""

    def kl(self, mu: Tensor, logvar: Tensor) -> Tensor:
        """1/2 sum(mu^2), per image: (n, d) -> (n,)."""
        return 0.5 * mu.square().sum(dim=-1)


class VarianceTerm(VAE):
    """A VAE that pays for the variances alone."""

    def kl(self, mu: Tensor, logvar: Tensor) -> Tensor:
        """1/2 sum(s^2 - 1 - log s^2), per image: (n, d) -> (n,)."""
        return 0.5 * (logvar.exp() - 1 - logvar).sum(dim=-1)


MODELS: dict[str, Callable[[], VAE]] = {
    "autoencoder": lambda: Autoencoder(sigma2=0.1),
    "VAE": lambda: VAE(sigma2=0.1),
    "no KL": lambda: VAE(latent_dim=2, beta=0),
    "mean term": lambda: MeanTerm(latent_dim=2, beta=4),
    "variance term": lambda: VarianceTerm(latent_dim=2, beta=4),
    "both terms": lambda: VAE(latent_dim=2, beta=4),
}


@lru_cache(maxsize=1)  # all trials of a process are judged by the same two
def _judges(seed: int) -> tuple[Classifier, Reader]:
    images, labels = mnist.load("train")
    return train_classifier(images, labels, seed), train_reader(images, seed)


def judged(pictures: ArrayLike, real: Images, seed: int = 200) -> dict[str, float]:
    """Return how images (n, 28, 28) compare with real digits (m, 28, 28): distance, precision, recall and so on.

    distance: Frechet's, on the features of a classifier. precision, recall: on the same, of every other image.
    legible: the share that can be read. sharp: the share of high frequencies, as a multiple of that of the real
    digits. kinds: exp(H) of the digits that the classifier names, 1 to 10. seed: of the classifier and the reader,
    which are trained on the training digits; by default the same two judge everything. Raises ValueError if all
    images are constant, for then nothing is sharp.
    """
    classifier, reader = _judges(seed)
    real_features, drawn = classifier.features(real), classifier.features(pictures)
    precision, recall = precision_recall(real_features[::2], drawn[::2])
    return {
        "distance": frechet_distance(real_features, drawn),
        "precision": precision,
        "recall": recall,
        "legible": reader.legible(pictures),
        "sharp": high_frequency_share(pictures) / high_frequency_share(real),
        "kinds": float(np.exp(entr(np.bincount(classifier.probabilities(pictures).argmax(axis=1)) / len(drawn)).sum())),
    }


def run(
    *, model: str, steps: int, first_seed: int = 200, seeds: int = 3, pictures: int = 0
) -> dict[str, NDArray[np.float64]]:
    """Train a model, one per seed, and measure it: name -> (S,); pictures: (pictures, 28, 28).

    Of all models, prior_distance, prior_legible and so on: what `judged` says of draws from N(0, I), beside unseen
    digits. pictures: so many draws of the first seed, in hundredths.

    Of those with an encoder, error: the squared error per pixel of reconstructions of unseen digits, and kept:
    their high-frequency power over that of the digits. They are decoded from mu; those of the convolutional VAE
    from a z drawn around it.

    Of the models in MODELS, train_error: the error on training digits. length: the root mean square of |mu|.
    change: how much the image changes on average, |x - x'|^2, when mu moves in a random direction by a tenth of
    that, over the average between two images. halfway_legible and so on: `judged` for the middles of two codes;
    scale_legible and so on: for the codes of `ladder`.

    Of the VAEs among these, second: the mean over the images of |mu|^2 + |s|^2. width: the median of s. holes: the
    share of draws from the prior without a training image's mu within 0.1.
    """
    images, unseen = (mnist.load(split)[0] for split in ("train", "test"))
    found: dict[str, list[float]] = {}
    drawn = []
    for seed in range(first_seed, first_seed + seeds):
        trained = _train(model, images, seed, steps)
        ways = {"prior": _from_prior(trained, seed), **_from_codes(trained, images, seed)}
        drawn.append(ways["prior"])
        measured = _of_codes(trained, images, unseen)
        for way, decoded in ways.items():
            measured |= {f"{way}_{name}": value for name, value in judged(decoded, unseen).items()}
        for name, value in measured.items():
            found.setdefault(name, []).append(value)
    results: dict[str, NDArray[np.float64]] = {name: np.array(values) for name, values in found.items()}
    if pictures:
        results["pictures"] = np.rint(100 * drawn[0][:pictures].astype(float))
    results["first"] = begin(model=model, first_seed=first_seed, seeds=seeds)
    return results


def begin(*, model: str, first_seed: int = 200, seeds: int = 3, **_: Any) -> NDArray[np.float64]:
    """Return what `run` calls "first": the mean pixel of draws after a training of a few steps, (S,)."""
    images = mnist.load("train")[0]
    short = (_train(model, images, seed, FIRST) for seed in range(first_seed, first_seed + seeds))
    return np.array([_from_prior(trained, 0).mean() for trained in short])


def _train(model: str, images: Images, seed: int, steps: int) -> VAE | ConvVAE | ConvGAN:
    if model == "convolutional VAE":
        return train_conv_vae(images, seed, steps)
    if model == "convolutional GAN":
        return train_conv_gan(images, seed, steps)
    return train(MODELS[model], images, seed, steps=steps)


def _from_prior(trained: VAE | ConvVAE | ConvGAN, seed: int) -> Images:
    """Return DRAWN images of z ~ N(0, I); the convolutional models have draws of their own, the same for all seeds."""
    if isinstance(trained, ConvGAN):
        return trained.sample(DRAWN, seed=3)
    if isinstance(trained, ConvVAE):
        return trained.sample_means(DRAWN, seed=3)
    return decode(trained, _noise(trained, seed))


def _from_codes(trained: VAE | ConvVAE | ConvGAN, images: Images, seed: int) -> dict[str, Images]:
    """Return DRAWN images by each way to choose codes that needs those of training images."""
    if not isinstance(trained, VAE):
        return {}
    mu = encode(trained, images)[0].astype(float)
    codes = {"halfway": (mu[:DRAWN] + mu[DRAWN : 2 * DRAWN]) / 2, **ladder(_noise(trained, seed), mu, seed)}
    return {way: decode(trained, z) for way, z in codes.items()}


def _noise(trained: VAE, seed: int) -> NDArray[np.float64]:
    layer = trained.decoder[0]
    assert isinstance(layer, nn.Linear)
    return np.random.default_rng(seed).standard_normal((DRAWN, layer.in_features))


def ladder(noise: ArrayLike, mu: ArrayLike, seed: int) -> dict[str, NDArray[np.float64]]:
    """Return codes (n, d) that have more and more in common with the codes mu (N, d); noise (n, d) is N(0, I).

    scale: their mean square. place: their mean and their variance, the mean over the dimensions. gaussian: their means
    and covariances. mixture: their shape, as far as a mixture of ten Gaussians has it.
    """
    z, codes = np.asarray(noise), np.asarray(mu, dtype=float)
    centre = codes.mean(axis=0)
    found = {
        "scale": z * np.sqrt((codes**2).mean()),
        "place": centre + z * np.sqrt(((codes - centre) ** 2).mean()),
    }
    for way, parts in (("gaussian", 1), ("mixture", 10)):
        drawn, _ = GaussianMixture(parts, random_state=seed).fit(codes).sample(len(z))
        found[way] = np.random.default_rng(seed).permutation(drawn)  # they come sorted by component
    return found


def _of_codes(trained: VAE | ConvVAE | ConvGAN, images: Images, unseen: Images) -> dict[str, float]:
    """Return what `run` says of reconstructions and codes, as far as the model has any."""
    if isinstance(trained, ConvGAN):
        return {}
    if isinstance(trained, ConvVAE):
        redrawn = trained.reconstruct(unseen, seed=1)
        return {"error": _error(redrawn, unseen), "kept": _kept(redrawn, unseen)}
    mu, logvar = encode(trained, images)
    redrawn = decode(trained, encode(trained, unseen)[0])
    found = {
        "error": _error(redrawn, unseen),
        "train_error": _error(decode(trained, mu[:DRAWN]), images[:DRAWN]),
        "kept": _kept(redrawn, unseen),
        "length": float(np.sqrt((mu**2).sum(axis=1).mean())),
        "change": _change(trained, mu[:DRAWN]),
    }
    if not isinstance(trained, Autoencoder):
        found["second"] = float((mu**2 + np.exp(logvar)).sum(axis=1).mean())
        found["width"] = float(np.median(np.exp(logvar / 2)))
        noise = np.random.default_rng(0).standard_normal((DRAWN, mu.shape[1]))
        nearest, _ = KDTree(mu).query(noise)
        found["holes"] = float(np.mean(nearest > NEAR))
    return found


def _change(trained: VAE, mu: NDArray[np.float32]) -> float:
    ways = np.random.default_rng(0).standard_normal(mu.shape)
    ways *= STEP * np.sqrt((mu**2).sum(axis=1).mean()) / np.linalg.norm(ways, axis=1, keepdims=True)
    here, there = decode(trained, mu), decode(trained, mu + ways)
    return float(((there - here) ** 2).mean() / (2 * here.var(axis=0).mean()))


def _error(redrawn: Images, digits: Images) -> float:
    return float(((redrawn - digits) ** 2).mean())


def _kept(redrawn: Images, digits: Images) -> float:
    return high_frequency_power(redrawn) / high_frequency_power(digits)
