"""The Debian package as it would be installed: what is in it, and that it works out of a folder."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run(*command: str, **options: object) -> str:
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return str(done.stdout)


@pytest.fixture(scope="module")
def package() -> Path:
    run("./dev", "package")
    found = sorted((ROOT / "build" / "package").glob("nostrp2p_*.deb"))
    assert len(found) == 1
    return found[0]


@pytest.fixture(scope="module")
def tree(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("package")
    run("dpkg-deb", "-x", str(package), str(directory))
    run("dpkg-deb", "-e", str(package), str(directory / "DEBIAN"))
    return directory


def test_it_has_these_files_and_no_others(package: Path) -> None:
    listed = [line.split() for line in run("dpkg-deb", "-c", str(package)).splitlines()]
    files = {fields[5][1:]: fields[0] for fields in listed if not fields[5].endswith("/")}
    assert files == {
        "/usr/bin/nostrp2p": "-rwxr-xr-x",
        "/usr/lib/systemd/system/nostrp2p.service": "-rw-r--r--",
        "/etc/nostrp2p/nostrp2p.toml": "-rw-r--r--",
        "/usr/share/man/man1/nostrp2p.1.gz": "-rw-r--r--",
        "/usr/share/doc/nostrp2p/copyright": "-rw-r--r--",
    }
    assert {fields[1] for fields in listed} == {"root/root"}


def test_its_control_file_says_what_it_needs(package: Path, tree: Path) -> None:
    fields = run("dpkg-deb", "-f", str(package), "Package", "Depends", "Maintainer", "Version")
    assert "Package: nostrp2p\n" in fields
    for library in ("libc6", "libssl3", "libsqlite3-0", "libsecp256k1-1", "passwd"):
        assert library in fields
    assert (tree / "DEBIAN" / "conffiles").read_text() == "/etc/nostrp2p/nostrp2p.toml\n"
    for script in ("postinst", "prerm", "postrm"):
        path = tree / "DEBIAN" / script
        assert stat.S_IMODE(path.stat().st_mode) == 0o755
        run("sh", "-n", str(path))


def test_the_program_in_it_runs_with_the_configuration_in_it(tree: Path, tmp_path: Path) -> None:
    program = str(tree / "usr" / "bin" / "nostrp2p")
    assert run(program, "--version").startswith("nostrp2p v")
    shipped = (tree / "etc" / "nostrp2p" / "nostrp2p.toml").read_text()
    assert '\ndata-dir = "/var/lib/nostrp2p"\n' in shipped
    without_key = tmp_path / "shipped.toml"
    without_key.write_text(shipped)
    refused = subprocess.run([program, "server", "--config", str(without_key)], capture_output=True, text=True)
    assert refused.returncode == 2 and "A public key is required" in refused.stderr


def test_man_has_nothing_to_complain_of(tree: Path) -> None:
    page = tree / "usr" / "share" / "man" / "man1" / "nostrp2p.1.gz"
    shown = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", str(page)],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "80", "MANROFFSEQ": ""},
    )
    assert shown.returncode == 0 and shown.stderr == ""
    text = re.sub(".\b", "", shown.stdout)  # bold is a letter over itself
    for word in ("import", "--listen-addr-port", "EXIT STATUS", "nostrp2p.toml"):
        assert word in text


def test_systemd_understands_the_unit(tree: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        # Without it at least every line is a section, a comment or a setting.
        for line in (tree / "usr/lib/systemd/system/nostrp2p.service").read_text().splitlines():
            assert not line or line[0] in "[#" or "=" in line
        return
    # The program is not installed here: a copy of the unit names the one in the package.
    unit = tmp_path / "nostrp2p.service"
    text = (tree / "usr/lib/systemd/system/nostrp2p.service").read_text()
    unit.write_text(text.replace("/usr/bin/nostrp2p", str(tree / "usr" / "bin" / "nostrp2p")))
    checked = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True)
    complaints = [line for line in checked.stderr.splitlines() if str(unit) in line or "nostrp2p.service" in line]
    assert complaints == []
