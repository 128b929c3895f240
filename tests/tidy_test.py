"""The house keeps its rules (tests/tidy_rules.py), and the rules catch what they are for."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import tidy_rules
from tidy_rules import Source

ROOT = Path(__file__).resolve().parent.parent


def tracked() -> list[str]:
    listing = subprocess.run(
        [
            "git",
            "-C",
            str(ROOT),
            "-c",
            "safe.directory=*",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
        capture_output=True,
        check=True,
    ).stdout
    return sorted(path for path in listing.decode().split("\0") if path and (ROOT / path).is_file())


def read(path: str) -> str | None:
    """Text of a file; None for data."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def sources() -> list[Source]:
    found = []
    for path in tracked():
        text = read(path)
        if text is not None:
            beside = ROOT / path.replace(".cpp", ".h")
            header = beside.read_text(encoding="utf-8") if path.endswith(".cpp") and beside.is_file() else ""
            found.append(Source(path, text, header))
    return found


@pytest.mark.parametrize("rule", tidy_rules.RULES, ids=lambda rule: str(rule.__name__))
def test_house(rule: tidy_rules.Rule) -> None:
    faults = [complaint for source in sources() for complaint in rule(source)]
    assert not faults, "\n" + "\n".join(faults)


EXCUSES = [(rule, prefix) for rule, excuses in tidy_rules.ALLOWED.items() for prefix in excuses]


@pytest.mark.parametrize("rule, prefix", EXCUSES)
def test_every_excuse_is_needed(rule: str, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that no longer has to be broken somewhere loses its excuse."""
    others = {name: why for name, why in tidy_rules.ALLOWED[rule].items() if name != prefix}
    monkeypatch.setitem(tidy_rules.ALLOWED, rule, others)
    excused = [source for source in sources() if source.path.startswith(prefix)]
    found = [complaint for source in excused for complaint in tidy_rules.rule_banned(source)]
    assert any(f": {rule}: " in complaint for complaint in found), f"{prefix} does not break the rule {rule}"


def test_the_map_in_the_readme_is_the_territory() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    folders = {path.split("/")[0] for path in tracked() if "/" in path and not path.startswith(".")}
    named = set(re.findall(r"^(\w+)/ {2,}", text, re.MULTILINE))
    assert named == folders


def test_tests_mirror_the_sources() -> None:
    for path in tracked():
        if path.startswith("tests/") and path.endswith("_test.cpp"):
            folder = ROOT / Path(path).parent.relative_to("tests")
            assert folder.is_dir(), f"{path} mirrors no folder"


# A small sample for each rule: where it stands, what it says, and a part of the complaint.
BAD = [
    ("core/base/a.h", '// x\n#pragma once\n#include "core/event/event.h"\n', "base must not know"),
    ("core/event/a.cpp", '#include "core/wire/packet.h"\n', "event must not know"),
    ("core/wire/a.cpp", '#include "core/host/host.h"\n', "wire must not know"),
    ("core/overlay/mesh/a.cpp", '#include "core/feed/feed.h"\n', "overlay must not know"),
    ("core/overlay/a.cpp", '#include "core/store/memory.h"\n', "overlay must not know"),
    ("core/store/a.cpp", '#include "core/overlay/overlay.h"\n', "store must not know"),
    ("core/feed/a.cpp", '#include "core/api/api.h"\n', "feed must not know"),
    ("core/api/a.cpp", '#include "core/node.h"\n', "api must not know"),
    ("core/node.cpp", '#include "core/store/sqlite.h"\n', "node must not know"),
    ("core/api/a.cpp", '#include "core/crypto/signer.h"\n', "api must not know"),
    ("core/api/a.cpp", '#include "simnet/world.h"\n', "it knows only itself"),
    ("core/api/a.cpp", '#include "api.h"\n', "it knows only itself"),
    ("core/ui/a.cpp", "\n", "not a floor"),
    ("simnet/a.cpp", '#include "realnet/link.h"\n', "simnet must not know"),
    ("realnet/a.cpp", '#include "simnet/world.h"\n', "realnet must not know"),
    ("realnet/server.cpp", '#include "core/crypto/signer.h"\n', "does not sign for its user"),
    ("realnet/net/a.h", '// x\n#pragma once\n#include "core/crypto/signer.h"\n', "does not sign for its user"),
    ("core/overlay/a.cpp", "#include <boost/asio.hpp>\n", "does not belong"),
    ("simnet/a.cpp", "#include <boost/asio.hpp>\n", "does not belong"),
    ("core/wire/a.cpp", "#include <openssl/sha.h>\n", "does not belong"),
    ("core/event/a.cpp", "#include <secp256k1.h>\n", "does not belong"),
    ("core/feed/a.cpp", "#include <sqlite3.h>\n", "does not belong"),
    ("core/feed/a.cpp", "#include <msgpack.hpp>\n", "does not belong"),
    ("core/wire/a.cpp", "#include <simdjson.h>\n", "does not belong"),
    ("core/feed/a.cpp", "#include <sys/socket.h>\n", "does not belong"),
    ("core/feed/a.cpp", "#include <thread>\n", "does not belong in core"),
    ("core/feed/a.cpp", "#ifdef SIMULATED\n#endif\n", "conditional compilation"),
    ("core/feed/a.cpp", "std::uniform_int_distribution<int> d;\n", "std_random"),
    ("simnet/a.cpp", "std::mt19937 g;\n", "std_random"),
    ("simnet/a.cpp", "int x = rand();\n", "c_random"),
    ("simnet/a.cpp", "auto y = x | std::views::reverse;\n", "views"),
    ("simnet/a.cpp", "std::set<Node*> ready;\n", "pointer_order"),
    ("simnet/a.cpp", "std::hash<const Node*> h;\n", "pointer_order"),
    ("simnet/a.cpp", "auto h = reinterpret_cast<std::uintptr_t>(node);\n", "address_as_number"),
    ("simnet/a.cpp", "auto t = std::chrono::steady_clock::now();\n", "clock"),
    ("core/feed/a.cpp", "auto t = time(nullptr);\n", "c_time"),
    ("core/feed/a.cpp", 'auto p = std::getenv("HOME");\n', "environment"),
    ("simnet/a.cpp", "auto p = std::log(x);\n", "libm"),
    ("core/feed/a.cpp", "std::lock_guard lock(m);\n", "thread"),
    ("core/feed/a.cpp", 'std::printf("x");\n', "output"),
    ("core/feed/a.h", "// x\n#pragma once\nstruct F { virtual void f(); };\n", "virtual"),
    ("simnet/a.cpp", "double share = 0.5;\n", "float"),
    ("core/feed/a.cpp", "static int counter = 0;\n", "mutable_global"),
    (
        "core/feed/a.cpp",
        "std::unordered_map<int, std::set<int>> seen;\nfor (auto& [k, v] : seen) {}\n",
        "unordered seen",
    ),
    ("core/feed/a.cpp", "std::unordered_set<int> seen_;\nauto i = seen_.begin();\n", "unordered seen_"),
    ("simnet/a.cpp", "f(rng.next(), rng_.below(7));\n", "two random draws"),
    ("simnet/a.cpp", "x = rng().next() +\n    rng().next();\n", "two random draws"),
    ("core/feed/a.h", "#pragma once\n", "opens with a comment"),
    ("simnet/a.h", "// x\n", "#pragma once is missing"),
    ("scenarios/a.py", "x = 1\n" * 601, "more than 600"),
    ("scenarios/a.py", "# TO" + "DO: later\n", "unfinished"),
    ("README.md", "cd /wo" + "rk/main\n", "path of one machine"),
    ("tests/client/.npmrc", "registry=https://registry" + ".npmjs.org\n", "registry host"),
    ("tests/core/a_test.cpp", "GTEST_" + 'SKIP() << "x";\n', "does not run"),
    ("scenarios/a_test.py", "@pytest.mark.x" + "fail\n", "does not run"),
]


@pytest.mark.parametrize("path, text, complaint", BAD)
def test_a_bad_sample_is_caught(path: str, text: str, complaint: str) -> None:
    found = tidy_rules.complaints(Source(path, text))
    assert any(complaint in line for line in found), found


def test_members_declared_in_the_header_are_known() -> None:
    source = Source("core/feed/a.cpp", "for (auto& p : peers_) {}\n", "std::unordered_map<int, int> peers_;\n")
    assert tidy_rules.complaints(source)


# What looks like a breach and is none.
GOOD = [
    ("core/event/a.cpp", "// std::mt19937 and rand() are banned\n"),
    ("core/event/a.cpp", 'auto text = "double rand() getenv";\n'),
    ("core/event/a.cpp", 'auto text = R"(#ifdef x "double" )";\n'),
    ("core/event/a.cpp", "auto n = 1'000'000; auto m = 2'000;\n"),
    ("core/event/a.cpp", "#include <openssl/sha.h>\n#include <simdjson.h>\n"),
    ("core/feed/a.cpp", "auto t = timer.time(); auto w = clock_.wall();\n"),
    ("core/feed/a.cpp", "static int twice(int x) { return 2 * x; }\n"),
    ("core/feed/a.cpp", "static constexpr int kMany = 7;\n"),
    ("core/feed/a.cpp", "std::unordered_map<int, int> seen;\nif (seen.find(3) == seen.end()) {}\n"),
    ("simnet/a.cpp", "const auto a = rng.next();\nconst auto b = rng.next();\n"),
    ("simnet/a.cpp", "if (rng.chance(1, 2) && rng.chance(1, 3)) {}\n"),
    ("realnet/a.cpp", "double seconds = 0.5;\n"),
    ("core/host/clock.h", "// x\n#pragma once\nstruct Clock { virtual ~Clock() = default; };\n"),
]


@pytest.mark.parametrize("path, text", GOOD)
def test_a_good_sample_is_left_alone(path: str, text: str) -> None:
    assert tidy_rules.complaints(Source(path, text)) == []
