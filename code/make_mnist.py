"""Make code/genmodels/data/mnist.npz, a seeded random part of MNIST, from the four original files.

The same four files, zlib and numpy give the same bytes: the seed and the date of the zip members are fixed.
"""

import argparse
import gzip
import hashlib
import io
import sys
import zipfile
from pathlib import Path

import numpy as np

SEED = 20240  # of the random choice
COUNTS = {"train": 10_000, "test": 2_000}
NAMES = {  # split -> (images, labels), the names of the original files without .gz
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
SHA256 = {  # of the originals, unpacked
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
TARGET = Path(__file__).resolve().parent / "genmodels" / "data" / "mnist.npz"


def read_original(folder: Path, name: str) -> bytes:
    """Return the unpacked content of one original file, plain or .gz; exit when there is none."""
    plain, packed = folder / name, folder / f"{name}.gz"
    if plain.is_file():
        content = plain.read_bytes()
    elif packed.is_file():
        content = gzip.decompress(packed.read_bytes())
    else:
        sys.exit(f"make_mnist: neither {plain} nor {packed} exists")
    found, expected = hashlib.sha256(content).hexdigest(), SHA256[name]
    if found != expected:
        sys.exit(f"make_mnist: {name} in {folder} is not the original: sha256 {found}, expected {expected}")
    return content


def parse_idx(content: bytes) -> np.ndarray:
    """Return the array of an IDX file: two zero bytes, 8 for uint8, rank, big-endian int32 sizes, values."""
    rank = content[3]
    shape = np.frombuffer(content, ">i4", rank, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)


def choose(folder: Path) -> dict[str, np.ndarray]:
    """Return the chosen images, labels and rows of the originals, in the order in which they were drawn."""
    arrays = {}
    generator = np.random.Generator(np.random.PCG64(SEED))
    for split, (images_name, labels_name) in NAMES.items():
        images, labels = (parse_idx(read_original(folder, name)) for name in (images_name, labels_name))
        indices = generator.permutation(len(labels))[: COUNTS[split]]
        arrays[f"{split}_images"] = images[indices]
        arrays[f"{split}_labels"] = labels[indices]
        arrays[f"{split}_indices"] = indices.astype("<u2")
    return arrays


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write what numpy.load reads, without the date and the system of the machine that writes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 3  # Unix, also when written on Windows
            content = io.BytesIO()
            np.lib.format.write_array(content, array, version=(1, 0), allow_pickle=False)
            archive.writestr(member, content.getvalue(), compresslevel=9)
    path.write_bytes(buffer.getvalue())


def main() -> None:
    """Read the arguments, make the file and print its size and checksum."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder with the four original files, plain or .gz")
    parser.add_argument("--out", type=Path, default=TARGET, help="file to write (default: %(default)s)")
    arguments = parser.parse_args()
    write_npz(arguments.out, choose(arguments.folder))
    content = arguments.out.read_bytes()
    print(f"{arguments.out}: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
