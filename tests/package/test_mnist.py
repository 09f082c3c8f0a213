"""The shipped digits: complete, undamaged, a fair random part of MNIST; clear errors without them."""

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from genmodels.data import mnist

# How often each digit occurs in the original 60,000 and 10,000 images.
CLASS_COUNTS = {
    "train": [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
    "test": [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
}
SIZES = {"train": 10_000, "test": 2_000}
MEAN, STD = 0.1307, 0.3081  # of all pixels of the 60,000, the published normalisation


@pytest.fixture(scope="module")
def tool():
    path = Path(__file__).parents[2] / "code" / "make_mnist.py"
    spec = importlib.util.spec_from_file_location("make_mnist", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("split", mnist.SPLITS)
def test_shapes_types_and_ranges(split):
    images, labels = mnist.load(split)
    assert images.shape == (SIZES[split], 28, 28) and images.dtype == np.float32
    assert labels.shape == (SIZES[split],) and labels.dtype == np.int64
    assert images.min() == 0 and images.max() == 1
    np.testing.assert_allclose(images * 255, np.round(images * 255), atol=1e-4)
    assert sorted(set(labels.tolist())) == list(range(10))
    images[:], labels[:] = 0, 0  # they are the caller's own
    assert mnist.load(split)[0].max() == 1 and mnist.load(split)[1].max() == 9


@pytest.mark.parametrize("split", mnist.SPLITS)
def test_moments_are_those_of_mnist_within_the_sampling_error(split):
    pixels = mnist.load(split)[0].reshape(SIZES[split], -1).astype(np.float64)
    for values, expected in ((pixels, MEAN), (pixels**2, STD**2 + MEAN**2)):
        per_image = values.mean(axis=1)
        assert abs(per_image.mean() - expected) < 4 * per_image.std() / np.sqrt(len(per_image))


@pytest.mark.parametrize("split", mnist.SPLITS)
def test_class_counts_are_those_of_a_random_choice(split):
    labels = mnist.load(split)[1]
    share = np.array(CLASS_COUNTS[split]) / sum(CLASS_COUNTS[split])
    assert stats.chisquare(np.bincount(labels, minlength=10), share * len(labels)).pvalue > 1e-3


def test_labels_belong_to_their_images():
    (images, labels), (held_out, truth) = mnist.load("train"), mnist.load("test")
    means = np.stack([images[labels == digit].mean(axis=0) for digit in range(10)])
    distances = ((held_out[:, None] - means) ** 2).sum(axis=(2, 3))
    # The nearest class mean is right for 82 % of MNIST, a guess for 10 %.
    assert (distances.argmin(axis=1) == truth).mean() > 0.75


def test_no_image_occurs_twice_within_or_between_the_splits():
    images = np.concatenate([mnist.load(split)[0] for split in mnist.SPLITS])
    assert len({image.tobytes() for image in images}) == len(images)


def test_rows_are_the_seeded_permutation_that_the_tool_draws(tool):
    generator = np.random.Generator(np.random.PCG64(tool.SEED))
    with np.load(mnist.PATH) as archive:
        for split, originals in (("train", 60_000), ("test", 10_000)):
            rows = archive[f"{split}_indices"]
            assert len(set(rows.tolist())) == SIZES[split] == tool.COUNTS[split]
            np.testing.assert_array_equal(rows, generator.permutation(originals)[: SIZES[split]])


def test_checksum_is_that_of_the_file_and_of_its_description():
    content = mnist.PATH.read_bytes()
    assert hashlib.sha256(content).hexdigest() == mnist.SHA256
    assert mnist.SHA256 in mnist.PATH.with_suffix(".md").read_text(encoding="utf-8")
    assert len(content) <= 3_000_000


@pytest.mark.parametrize("split", ["", "Train", "validation", None])
def test_unknown_split(split):
    with pytest.raises(ValueError, match="split: expected one of"):
        mnist.load(split)


def test_digits_do_not_need_torch():
    code = "import sys, genmodels.data.mnist; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_tool_writes_the_same_bytes_at_any_time(tool, tmp_path, monkeypatch):
    arrays = {"a": np.arange(5, dtype=np.uint8), "b": np.eye(3, dtype=np.uint8)}
    tool.write_npz(tmp_path / "1.npz", arrays)
    monkeypatch.setattr("time.time", lambda: 2e9)
    tool.write_npz(tmp_path / "2.npz", arrays)
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()
    with np.load(tmp_path / "1.npz") as archive:
        assert archive.files == ["a", "b"]
        np.testing.assert_array_equal(archive["b"], arrays["b"])


@pytest.mark.parametrize("damage", ["missing", "short", "one bit"])
def test_a_missing_or_damaged_file_names_itself_and_the_remedy(tmp_path, monkeypatch, damage):
    content, file = bytearray(mnist.PATH.read_bytes()), tmp_path / "mnist.npz"
    content[len(content) // 2] ^= damage == "one bit"
    if damage != "missing":
        file.write_bytes(content[:-1] if damage == "short" else content)
    monkeypatch.setattr(mnist, "PATH", file)
    with pytest.raises(mnist.DataError, match=r"git checkout -- code/genmodels/data/mnist.npz") as caught:
        mnist.load("train")
    assert str(file) in str(caught.value) and "install the package again" in str(caught.value)
    assert ("is damaged" in str(caught.value)) == (damage != "missing")
