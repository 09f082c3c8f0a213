"""The digit classifier on digits it has not seen, against numpy and a plain loop; the metrics on its features."""

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch.nn import functional

from genmodels.data import mnist
from genmodels.measures import classifier as trainer
from genmodels.measures.classifier import train_classifier


@pytest.fixture(scope="module")
def train():
    return mnist.load("train")


@pytest.fixture(scope="module")
def test_split():
    return mnist.load("test")


@pytest.fixture(scope="module")
def classifier(train):
    images, labels = train
    return train_classifier(images[:6000], labels[:6000], seed=0)


def test_classifier_knows_digits(classifier, test_split):
    images, labels = test_split
    assert classifier.accuracy(images, labels) >= 0.95
    predicted = classifier.probabilities(images).argmax(axis=1)
    assert classifier.accuracy(images, labels) == np.mean(predicted == labels)
    assert classifier.accuracy(images, (predicted + 1) % 10) == 0


def test_probabilities_are_the_softmax_of_the_last_layer_on_the_features(classifier, test_split):
    features, probabilities = classifier.features(test_split[0]), classifier.probabilities(test_split[0])
    assert features.shape == (2000, 64) and features.dtype == np.float64 and features.min() >= 0
    weight, bias = (parameter.detach().double().numpy() for parameter in classifier.head.parameters())
    powers = np.exp(features @ weight.T + bias)
    np.testing.assert_allclose(probabilities, powers / powers.sum(axis=1, keepdims=True), atol=1e-5)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-12)


def convolved(maps, weight, bias):
    """The convolution at every other place, then ReLU: (n, c, h, w), (m, c, k, k), (m,) -> (n, m, ...)."""
    windows = sliding_window_view(maps, weight.shape[2:], axis=(2, 3))[:, :, ::2, ::2]
    return np.maximum(np.einsum("nchwij,mcij->nmhw", windows, weight) + bias[:, None, None], 0)


def test_features_are_those_of_two_convolutions_and_one_layer(classifier, test_split):
    images = test_split[0][:5]
    first, first_bias, second, second_bias, last, bias = (p.detach().numpy() for p in classifier.body.parameters())
    maps = convolved(convolved(images[:, None], first, first_bias), second, second_bias)
    features = np.maximum(maps.reshape(5, -1) @ last.T + bias, 0)
    np.testing.assert_allclose(classifier.features(images), features, rtol=1e-4, atol=1e-4)


def test_training_is_that_of_a_plain_loop(train):
    images, labels = torch.from_numpy(train[0][:250]), torch.from_numpy(train[1][:250])
    trained = train_classifier(images, labels, 3)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        body, head = trainer.network(10)
        rows = torch.cat([torch.randperm(250) for _ in range(trainer.EPOCHS)])
    network = torch.nn.Sequential(body, head)
    optimiser = torch.optim.Adam(network.parameters(), lr=trainer.RATE)
    batches = rows.split(trainer.BATCH)
    falling = torch.optim.lr_scheduler.LinearLR(optimiser, start_factor=1, end_factor=0, total_iters=len(batches))
    for batch in batches:
        optimiser.zero_grad()
        functional.nll_loss(network(images[batch]).log_softmax(dim=1), labels[batch]).backward()
        optimiser.step()
        falling.step()
    with torch.no_grad():
        expected = network(images).softmax(dim=1)
    np.testing.assert_allclose(trained.probabilities(images), expected, atol=1e-4)
    assert trained.accuracy(images, labels) > 0.3  # the network has learned by then


def test_same_seed_same_bits_and_no_global_randomness(train):
    images, labels = train[0][:200], train[1][:200]
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = train_classifier(images, labels, 3).features(images)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(6)
    np.testing.assert_array_equal(train_classifier(images, labels, 3).features(images), first)
    assert not np.allclose(train_classifier(images, labels, 4).features(images), first)


DIGITS, LABELS = np.zeros((4, 28, 28)), np.arange(4)


def test_bad_input_is_named(classifier):
    with pytest.raises(ValueError, match=r"^images: "):
        train_classifier(DIGITS[:, :27], LABELS, 0)
    for bad in (LABELS[:3], LABELS + 0.5, LABELS + 7, LABELS - 1):
        with pytest.raises(ValueError, match=r"^labels: "):
            train_classifier(DIGITS, bad, 0)
    for use in (classifier.features, classifier.probabilities, lambda images: classifier.accuracy(images, [0])):
        with pytest.raises(ValueError, match=r"^images: "):
            use(np.zeros((1, 32, 32)))
    with pytest.raises(ValueError, match=r"^labels: "):
        classifier.accuracy(DIGITS, [0])
