#!/usr/bin/env python3
"""Makes digits.zlib and fashion.zlib from their sources; README.md has the commands and the format.

usage: make.py DIGITS_CSV_GZ FASHION_DIR [OUT_DIR]

DIGITS_CSV_GZ  sklearn/datasets/data/digits.csv.gz of a scikit-learn wheel
FASHION_DIR    the folder with the four *-ubyte.gz files of the Debian package dataset-fashion-mnist
OUT_DIR        where the assets go (default: the folder of this script)

Python 3, standard library only. Sources that differ from the pinned ones are refused.
"""

import gzip
import hashlib
import struct
import sys
import zlib
from pathlib import Path

SOURCES = {
    "digits.csv.gz": "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22",
    "train-images-idx3-ubyte.gz": "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
    "train-labels-idx1-ubyte.gz": "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
    "t10k-images-idx3-ubyte.gz": "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    "t10k-labels-idx1-ubyte.gz": "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
}
PER_CLASS = {"train": 500, "t10k": 100}
SIDE = 28


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def read(path, name):
    """The unpacked bytes of a source file, after its checksum."""
    packed = Path(path).read_bytes()
    found = sha256(packed)
    print(f"source {name}: {len(packed)} bytes, sha256 {found}")
    if found != SOURCES[name]:
        sys.exit(f"{name}: sha256 {found}, expected {SOURCES[name]}")
    return gzip.decompress(packed)


def digits(path):
    """Labels and images (values 0..16), in file order."""
    rows = [[int(float(cell)) for cell in line.split(",")] for line in read(path, "digits.csv.gz").decode().split()]
    assert all(len(row) == 65 and all(0 <= v <= 16 for v in row[:64]) for row in rows)
    return [row[64] for row in rows], [bytes(row[:64]) for row in rows]


def fashion(folder, part):
    """Labels and 16-level images: the first PER_CLASS of each class, in file order."""
    names = [f"{part}-images-idx3-ubyte.gz", f"{part}-labels-idx1-ubyte.gz"]
    pixels, labels = [read(Path(folder) / name, name) for name in names]
    count = struct.unpack(">I", labels[4:8])[0]
    assert pixels[:16] == struct.pack(">IIII", 2051, count, SIDE, SIDE)
    size = SIDE * SIDE
    seen, picked, images = [0] * 10, [], []
    for i, label in enumerate(labels[8:]):
        if seen[label] < PER_CLASS[part]:
            seen[label] += 1
            picked.append(label)
            # 255 = 15 * 17, so the nearest of 16 levels is never a tie.
            images.append(bytes((v + 8) // 17 for v in pixels[16 + i * size : 16 + (i + 1) * size]))
    return picked, images


def payload(train, test, side, top):
    """The format of README.md; `train` and `test` are (labels, images)."""
    labels, images = train[0] + test[0], b"".join(train[1] + test[1])
    if top <= 15:
        images = bytes(a | b << 4 for a, b in zip(images[::2], images[1::2]))
    head = struct.pack("<4sIIBBBB", b"CLI1", len(train[0]), len(test[0]), side, side, 10, top)
    return head + bytes(labels) + images


def describe(name, labels, images):
    balance = [labels.count(c) for c in range(10)]
    print(f"{name}: {len(labels)} images, per class {balance}, sum of pixels {sum(map(sum, images))}")
    for i in (0, 1, len(images) - 1):
        side = int(len(images[i]) ** 0.5)
        middle = list(images[i][side * (side // 2) : side * (side // 2 + 1)])
        print(f"  image {i}: label {labels[i]}, sum {sum(images[i])}, row {side // 2}: {middle}")


def write(path, raw):
    packed = zlib.compress(raw, 9)
    path.write_bytes(packed)
    print(f"{path.name}: {len(packed)} bytes, sha256 {sha256(packed)}")
    # Another zlib may pack the same payload into other bytes; the payload itself must agree.
    print(f"{path.name} unpacked: {len(raw)} bytes, sha256 {sha256(raw)}")
    return len(packed)


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    out = Path(sys.argv[3]) if len(sys.argv) == 4 else Path(__file__).resolve().parent
    numerals = digits(sys.argv[1])
    train, test = fashion(sys.argv[2], "train"), fashion(sys.argv[2], "t10k")
    describe("digits", *numerals)
    describe("fashion train", *train)
    describe("fashion test", *test)
    total = write(out / "digits.zlib", payload(numerals, ([], []), 8, 16))
    total += write(out / "fashion.zlib", payload(train, test, SIDE, 15))
    assert total < 1_500_000, total
    print(f"together: {total} bytes")


main()
