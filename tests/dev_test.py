"""What ./dev says to a word that it does not know, before it installs, builds or measures anything."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

DEV = Path(__file__).resolve().parent.parent / "dev"


def dev(*words: str, cwd: Path = DEV.parent) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(DEV), *words], cwd=cwd, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    "words, names",
    [
        (("build", "fast"), "release clang debug"),
        (("lint", "core"), "--deep"),
        (("lint", "--deep", "core"), "--deep"),
        (("bench", "typo"), "ingest"),
        (("experiment", "typo"), "scaling"),
    ],
)
def test_a_wrong_word_is_one_sentence_that_names_the_right_ones(words: tuple[str, ...], names: str) -> None:
    done = dev(*words)
    assert done.returncode == 2, done
    assert done.stderr.count("\n") == 1 and names in done.stderr, done.stderr
    assert done.stdout == ""


def test_experiment_without_a_name_lists_them() -> None:
    done = dev("experiment")
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "experiments: absence celebrity crossover modes scale scaling\n",
        "",
    )
