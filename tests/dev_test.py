"""What ./dev says to a word that it does not know, before it installs, builds or measures anything."""

from __future__ import annotations

import shutil
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
        (("package", "web"), "--no-web"),
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


def without_node(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """./dev of a copy, where neither Node.js nor npm is there nor can be had, all else is, and building is nothing."""
    copy = tmp_path / "copy"
    (copy / "web").mkdir(parents=True)
    (copy / "web" / "package-lock.json").write_text("{}")
    shutil.copy(DEV, copy / "dev")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in (
        "bash",
        "readlink",
        "dirname",
        "sed",
        "grep",
        "awk",
        "nproc",
        "mkdir",
        "rm",
        "sha256sum",
        "tail",
        "env",
    ):
        found = shutil.which(name)
        assert found
        (programs / name).symlink_to(found)
    answers = {
        "dpkg-query": 'for one in "$@"; do [[ $one == nodejs || $one == npm ]] || echo "installed $one"; done',
        "apt-get": "exit 0",
        "sudo": '[[ $1 == -n ]] && shift; "$@"',
        "cmake": "touch build/release/build.ninja; echo no work to do",
        "cpack": "mkdir -p build/package; : >build/package/nostrp2p_1.deb",
        "touch": ': >"$1"',
    }
    for name, what in answers.items():
        (programs / name).write_text(f"#!{shutil.which('bash')}\n{what}\n")
        (programs / name).chmod(0o755)
    text = (copy / "dev").read_text()
    assert "export PATH=$PATH:" in text
    (copy / "dev").write_text(text.replace("export PATH=$PATH:", "unused=:"))
    return subprocess.run(
        [str(programs / "bash"), str(copy / "dev"), *words],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": str(programs), "HOME": str(tmp_path)},
    )


def test_a_package_without_its_page_is_made_only_if_one_says_so(tmp_path: Path) -> None:
    done = without_node(tmp_path / "one", "package")
    assert done.returncode == 1 and "packages: nodejs npm" in done.stderr, done
    assert "without Node.js and npm" in done.stderr, done
    assert "--no-web" in done.stderr and ".deb" not in done.stdout, done
    done = without_node(tmp_path / "two", "package", "--no-web")
    assert done.returncode == 0 and "installing" not in done.stderr and done.stdout.endswith("nostrp2p_1.deb\n"), done
