"""Packs a follow graph (CSV of follower,followee with dense integers, gzipped or not) into the .npz beside this file.

    ./dev python scenarios/data/pack.py follows.csv.gz scenarios/data/NAME.npz

The format is plain CSR, readable with numpy alone: user u follows indices[indptr[u]:indptr[u + 1]], ascending, without
repeats and without u itself. Arrays carry fixed time stamps, so packing the same graph twice gives the same bytes.
"""

from __future__ import annotations

import gzip
import io
import sys
import zipfile

import numpy as np


def pack(source: str, target: str) -> None:
    with open(source, "rb") as file:
        raw = file.read()
    text = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    rows = [line.split(b",") for line in text.splitlines() if line[:1].isdigit()]
    edges = np.unique(np.array(rows, dtype=np.int64), axis=0)
    edges = edges[edges[:, 0] != edges[:, 1]]
    users = int(edges.max()) + 1
    if users > 65536:
        raise SystemExit(f"{users} users: indices would not fit 16 bits")
    arrays = {
        "indptr": np.searchsorted(edges[:, 0], np.arange(users + 1)).astype("<u4"),
        "indices": edges[:, 1].astype("<u2"),
    }
    with zipfile.ZipFile(target, "w") as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array)
            entry = zipfile.ZipInfo(name + ".npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, buffer.getvalue(), compresslevel=9)
    print(f"{target}: {users} users, {len(edges)} follows")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: pack.py FOLLOWS.csv[.gz] TARGET.npz")
    pack(sys.argv[1], sys.argv[2])
