"""Spectra and sharpness against scipy, plain sums over the definition, and signals whose spectrum is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import signal

from genmodels.measures import spectra

values = st.floats(-10, 10, width=32)
signals = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9), elements=values)
samples = arrays(np.float64, array_shapes(min_dims=2, max_dims=3, min_side=2, max_side=7), elements=values)
squares = st.tuples(st.integers(1, 3), st.integers(1, 9)).flatmap(
    lambda shape: arrays(np.float64, (shape[0], shape[1], shape[1]), elements=values)
)


def powers_by_definition(image):
    """Frequency radius and power of every mode, by sums over the pixels and nothing else."""
    frequencies = [[(k if k <= n // 2 else k - n) / n for k in range(n)] for n in image.shape]
    for index in np.ndindex(image.shape):
        wave = sum(axis * k / n for axis, k, n in zip(np.indices(image.shape), index, image.shape, strict=True))
        coefficient = np.mean(image * np.exp(-2j * np.pi * wave))
        yield np.hypot.reduce([f[k] for f, k in zip(frequencies, index, strict=True)]), abs(coefficient) ** 2


@pytest.mark.parametrize("n", [2, 7, 64])
def test_power_spectrum_is_scipys_periodogram(n):
    rows = np.random.default_rng(n).normal(size=(3, n))
    _, expected = signal.periodogram(rows, detrend=False, scaling="spectrum")
    np.testing.assert_allclose(spectra.power_spectrum(rows), expected, rtol=1e-12)


@settings(max_examples=25)
@given(squares)
def test_rings_of_an_image_add_up_to_its_mean_square(images):
    spectrum = spectra.radial_spectrum(images)
    assert spectrum.modes.sum() == images[0].size
    np.testing.assert_allclose(spectrum.power @ spectrum.modes, np.mean(images**2), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("side", [4, 7])
def test_radial_spectrum_is_the_mean_over_rings(side):
    images = np.random.default_rng(side).normal(size=(3, side, side))
    rings = {}
    for radius, power in (pair for image in images for pair in powers_by_definition(image)):
        rings.setdefault(round(radius * side), []).append(power)
    spectrum = spectra.radial_spectrum(images)
    np.testing.assert_allclose(spectrum.frequency * side, sorted(rings), atol=1e-12)
    np.testing.assert_allclose(spectrum.power, [np.mean(rings[ring]) for ring in sorted(rings)], rtol=1e-10)
    np.testing.assert_array_equal(spectrum.modes, [len(rings[ring]) / 3 for ring in sorted(rings)])


@pytest.mark.parametrize("shape", [(9,), (8,), (5, 6)])
def test_high_frequency_power_is_the_sum_above_a_quarter(shape):
    sample = np.random.default_rng(1).normal(size=shape)
    modes = list(powers_by_definition(sample))
    above = sum(power for radius, power in modes if radius > 0.25)
    varying = sum(power for radius, power in modes if radius > 0)
    assert spectra.high_frequency_power(sample[None]) == pytest.approx(above, rel=1e-10, abs=1e-14)
    assert spectra.high_frequency_share(sample[None]) == pytest.approx(above / varying, rel=1e-10, abs=1e-14)


@settings(max_examples=25)
@given(samples, st.floats(0.1, 10), st.floats(-5, 5))
def test_share_ignores_brightness_and_contrast(images, contrast, brightness):
    images = images + np.indices(images.shape)[-1]  # not constant
    share = spectra.high_frequency_share(images)
    assert -1e-12 <= share <= 1 + 1e-12
    assert spectra.high_frequency_share(contrast * images + brightness) == pytest.approx(share, abs=1e-9)


def test_the_cutoff_itself_is_not_above_it():
    assert spectra.high_frequency_power(np.tile([1.0, 0.0, -1.0, 0.0], 2)[None]) == 0  # all of it at 1/4
    assert spectra.high_frequency_power(np.tile([1.0, -1.0], 4)[None]) == pytest.approx(1, rel=1e-12)  # at 1/2


@pytest.mark.parametrize("shape", [(7,), (3, 7), (2, 3, 7)])
def test_slopes_and_powers_are_those_of_each_signal_alone(shape):
    signals = np.random.default_rng(6).normal(size=shape)
    slopes, powers = spectra.max_slope(signals), spectra.power_spectrum(signals)
    for index in np.ndindex(shape[:-1]):
        assert slopes[index] == np.abs(np.diff(signals[index], append=signals[index][0])).max()
        np.testing.assert_allclose(powers[index], spectra.power_spectrum(signals[index]), rtol=1e-12)
        assert powers[index].sum() == pytest.approx((signals[index] ** 2).mean())


@pytest.mark.parametrize("shape", [(3, 8), (2, 5, 6)])
def test_correlation_is_that_of_numpy_around_the_circle(shape):
    residuals = np.random.default_rng(5).normal(size=shape)
    residuals -= residuals.mean()
    closed = np.concatenate([residuals, residuals[..., :1]], axis=-1)
    expected = np.corrcoef(closed[..., :-1].ravel(), closed[..., 1:].ravel())[0, 1]
    assert spectra.neighbour_correlation(residuals) == pytest.approx(expected, rel=1e-10)


def test_a_mean_that_is_left_over_counts_as_correlation():
    assert spectra.neighbour_correlation([[1, -1, 1, -1]]) == -1
    assert spectra.neighbour_correlation([[2, 0, 2, 0]]) == 0
    assert spectra.neighbour_correlation([[1, 1], [2, 2]]) == 1


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (spectra.power_spectrum, 1.0, "signals: expected at least one axis"),
        (spectra.power_spectrum, np.zeros((3, 0)), "signals: expected at least one axis and one value"),
        (spectra.max_slope, [np.inf, 0], "signals: expected finite numbers"),
        (spectra.radial_spectrum, np.zeros((4, 4)), "images: expected square images"),
        (spectra.radial_spectrum, np.zeros((2, 4, 5)), "images: expected square images"),
        (spectra.radial_spectrum, np.zeros((1, 4, 4, 4)), "images: expected square images"),
        (spectra.high_frequency_power, np.zeros(4), "samples: expected signals"),
        (spectra.high_frequency_power, np.zeros((1, 2, 3, 4)), "samples: expected signals"),
        # sums of equal numbers are off by rounding
        (spectra.high_frequency_share, np.full((2, 3, 7), 0.3), "samples: expected at least one that is not constant"),
        (spectra.high_frequency_share, [[0.1] * 5, [0.3] * 5], "samples: expected at least one that is not constant"),
        (spectra.neighbour_correlation, np.full((2, 4), 0.1), "residuals: expected at least two different numbers"),
        (spectra.neighbour_correlation, np.full((2, 4), np.nan), "residuals: expected finite numbers"),
    ],
)
def test_bad_input_is_named(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(arguments)
