"""The rules of the house as code: who may include whom, and which names would break determinism or the single thread.

Each rule is a function from a Source to complaints. They are heuristics on text, not a compiler: a rule errs on the side
of simple, and tidy_test.py shows for each a small sample that it must catch. A file that may break a rule for a good
reason is named in ALLOWED with that reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

Complaint = str
Rule = Callable[["Source"], Iterator[Complaint]]

MAX_LINES = 600

# The floors of core: a folder sees itself and what is listed here. No arrow points up.
FLOORS: dict[str, set[str]] = {
    "base": {"base"},
    "event": {"base", "event"},
    "wire": {"base", "event", "wire"},
    "host": {"base", "event", "wire", "host"},
    "crypto": {"base", "event", "host", "crypto"},
    "store": {"base", "event", "wire", "host", "store"},
    "overlay": {"base", "event", "wire", "host", "overlay"},
    "feed": {"base", "event", "wire", "host", "overlay", "feed"},
    "api": {"base", "event", "wire", "host", "overlay", "feed", "api"},
    "node": {"base", "event", "wire", "host", "overlay", "feed", "api", "node"},
}

# Which library may be seen where. Outside these folders nobody in core or simnet includes it.
LIBRARIES: dict[str, tuple[str, ...]] = {
    r"boost/|asio": (),
    r"openssl/": ("core/event/", "core/crypto/node_key"),
    r"secp256k1": ("core/crypto/",),
    r"sqlite3\.h": ("core/store/", "simnet/disk", "simnet/vfs"),
    r"msgpack": ("core/wire/",),
    r"simdjson": ("core/event/",),
    r"sys/mman\.h": ("simnet/slab",),
    r"sys/(?!mman)|netinet/|arpa/|unistd\.h|poll\.h": (),
}
CORE_HEADERS_BANNED = r"thread|mutex|shared_mutex|condition_variable|future|fstream|iostream|filesystem|random|ranges"

# (where, pattern, why). `where` is a tuple of path prefixes.
CORE = ("core/",)
WORLD = ("core/", "simnet/")
BANNED: dict[str, tuple[tuple[str, ...], str, str]] = {
    "std_random": (
        WORLD,
        r"std::(\w+_distribution|random_device|mt19937\w*|default_random_engine|minstd_rand0?|shuffle|sample)\b",
        "differs between libraries; use Rng",
    ),
    "c_random": (WORLD, r"(?<![\w.>:])(std::)?s?rand\s*\(", "not ours and not seeded; use Rng"),
    "views": (WORLD, r"\bstd::(ranges::)?views::", "clang 14 cannot compile it"),
    "pointer_order": (
        WORLD,
        r"\bstd::(set|map|multiset|multimap|less|greater|hash)<\s*(const\s+)?[\w:]+\s*(const\s*)?\*",
        "addresses differ from run to run",
    ),
    "address_as_number": (WORLD, r"^(?!.*\bFrame::attach\().*\bu?intptr_t\b", "addresses differ from run to run"),
    "clock": (WORLD, r"\b(system|steady|high_resolution|utc)_clock\b", "time comes from the Clock port"),
    "c_time": (
        WORLD,
        r"(?<![\w.>:])(std::|::)?(time|clock|gettimeofday|clock_gettime|localtime|gmtime)\s*\(\s*(\)|NULL|nullptr|0|&|CLOCK)",
        "time comes from the Clock port",
    ),
    "environment": (WORLD, r"\b(secure_)?getenv\b", "the same inputs must give the same outputs"),
    "libm": (
        WORLD,
        r"\bstd::(log|log2|log10|log1p|exp|exp2|expm1|pow|sin|cos|tan|asin|acos|atan2?|cbrt|tgamma|lgamma)f?\s*\(",
        "its last bits differ between machines; use tables or integers",
    ),
    "thread": (
        CORE,
        r"\bstd::(j?thread|async|(shared_|recursive_|timed_)?mutex|condition_variable\w*|(scoped|unique|shared)_lock|lock_guard)\b"
        r"|\bthread_local\b|\bpthread_\w+",
        "a node is single-threaded",
    ),
    "output": (
        CORE,
        r"\bstd::(cout|cerr|clog|print)\b|\b(f|v|vf)?printf\s*\(|\b(fputs|puts|fwrite|perror)\s*\(",
        "core speaks through its ports",
    ),
    "virtual": (CORE, r"\bvirtual\b", "the ports are core's only interfaces"),
    "float": (WORLD, r"(?<![\w:])(float|double)\b", "decisions are integer"),
    "mutable_global": (
        CORE,
        r"^(static|inline|extern)\s+(?!const|constexpr|constinit|inline|static_assert|namespace|\")[\w:<>, *&]+\s[\w]+\s*(=|;|\{\s*\})",
        "core has no state outside its objects",
    ),
}

# Files that may break a rule, and why. A prefix ending in / names a folder.
ALLOWED: dict[str, dict[str, str]] = {
    "virtual": {
        "core/host/": "the ports",
        "core/event/verifier.h": "a port, kept beside the type that it speaks of",
    },
    "address_as_number": {"core/base/frame.h": "the handle of a frame in flight; no order, no hash"},
    "output": {"core/base/assert": "our own bug: the last words before abort"},
    "float": {
        "core/event/json": "a number in JSON is a double until it is checked",
        "simnet/main.cpp": "prints milliseconds",
        "core/wire/": "the original's encoding has float64 fields; nothing is decided by them",
    },
}

WORDS = "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK", "not " + "implemented", "place" + "holder"))
HOSTS = "|".join(("registry" + r"\.npmjs", "pypi" + r"\.org", "python" + "hosted", "deb" + r"\.debian\.org"))
SKIPS = "|".join(
    ("GTEST_" + "SKIP", "DISAB" + "LED_", r"mark\.(skip|x" + "fail)", r"pytest\.(skip|x" + r"fail|importorskip)\b")
    + (r"\b(it|test|describe)\." + "skip", "unit" + "test" + r"\.skip")
)


@dataclass
class Source:
    """A file of the project: its path from the root and its text."""

    path: str
    text: str
    header: str = field(default="")  # text of the header beside a .cpp, for the members it declares

    @property
    def is_cpp(self) -> bool:
        return self.path.endswith((".cpp", ".h"))

    @cached_property
    def code(self) -> str:
        return strip(self.text)

    def lines(self, pattern: str, text: str | None = None) -> Iterator[int]:
        """Numbers of the lines where the pattern starts."""
        text = self.text if text is None else text
        for match in re.finditer(pattern, text, re.MULTILINE):
            yield text.count("\n", 0, match.start()) + 1


STRIP = re.compile(
    r'R"(?P<tag>[^\s()\\]{0,16})\(.*?\)(?P=tag)"'  # raw strings
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'"  # characters, not digit separators
    r"|//[^\n]*"
    r"|/\*.*?\*/",
    re.DOTALL,
)


def strip(text: str) -> str:
    """C++ without comments and the insides of strings; line numbers stay."""

    def blank(match: re.Match[str]) -> str:
        token = match.group(0)
        kept = '""' if '"' in token[:2] else "''" if token[0] == "'" else " "
        return kept + "\n" * token.count("\n")

    return STRIP.sub(blank, text)


def excused(rule: str, path: str) -> bool:
    return any(path.startswith(prefix) for prefix in ALLOWED.get(rule, {}))


def floor_of(path: str) -> str:
    """The floor of core on which a file lives; files directly in core/ are the node."""
    parts = PurePosixPath(path).parts
    return parts[1] if len(parts) > 2 else "node"


def includes(source: Source) -> Iterator[tuple[int, str, bool]]:
    for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', source.text, re.MULTILINE):
        yield source.text.count("\n", 0, match.start()) + 1, match.group(2), match.group(1) == "<"


def rule_floors(source: Source) -> Iterator[Complaint]:
    """core: base < event < wire < host < (overlay, store) < feed < api < node, and nothing outside core."""
    if not source.is_cpp or not source.path.startswith("core/"):
        return
    floor = floor_of(source.path)
    if floor not in FLOORS:
        yield f"{source.path}: core/{floor} is not a floor of the house"
        return
    for line, name, system in includes(source):
        if system:
            continue
        if not name.startswith("core/"):
            yield f"{source.path}:{line}: core includes {name}; it knows only itself, with paths from the root"
        elif floor_of(name) not in FLOORS[floor]:
            yield f"{source.path}:{line}: {floor} must not know {name}"


def rule_worlds(source: Source) -> Iterator[Complaint]:
    """simnet and realnet never know each other, nor those who stand on them."""
    forbidden = {
        "simnet/": ("realnet/", "pybind/", "tests/", "bench/"),
        "realnet/": ("simnet/", "pybind/", "tests/", "bench/"),
    }
    for world, others in forbidden.items():
        if source.is_cpp and source.path.startswith(world):
            for line, name, _ in includes(source):
                if name.startswith(others):
                    yield f"{source.path}:{line}: {world[:-1]} must not know {name}"
    # The server never holds a user's secret key: of realnet only the commands that make keys and events sign.
    if source.is_cpp and source.path.startswith("realnet/") and not source.path.startswith("realnet/cli/"):
        for line, name, _ in includes(source):
            if name == "core/crypto/signer.h":
                yield f"{source.path}:{line}: a server does not sign for its user, so it must not know {name}"


def rule_libraries(source: Source) -> Iterator[Complaint]:
    """Each library has its room; core has no thread, file, socket or foreign random numbers."""
    if not source.is_cpp or not source.path.startswith(WORLD):
        return
    for line, name, system in includes(source):
        if not system:
            continue
        for library, rooms in LIBRARIES.items():
            if re.match(library, name) and not source.path.startswith(rooms):
                yield f"{source.path}:{line}: <{name}> does not belong here"
        if source.path.startswith("core/") and re.fullmatch(CORE_HEADERS_BANNED, name):
            yield f"{source.path}:{line}: <{name}> does not belong in core"


def rule_preprocessor(source: Source) -> Iterator[Complaint]:
    """core is one archive, compiled once: no conditional compilation."""
    if source.is_cpp and source.path.startswith("core/"):
        for line in source.lines(r"^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else)\b", source.code):
            yield f"{source.path}:{line}: conditional compilation in core"


def rule_banned(source: Source) -> Iterator[Complaint]:
    """Names that would break determinism, or a promise of core."""
    if not source.is_cpp:
        return
    for rule, (where, pattern, why) in BANNED.items():
        if source.path.startswith(where) and not excused(rule, source.path):
            for line in source.lines(pattern, source.code):
                yield f"{source.path}:{line}: {rule}: {why}"


def declared_unordered(code: str) -> set[str]:
    names: set[str] = set()
    for match in re.finditer(r"\bstd::unordered_(?:multi)?(?:map|set)\s*<", code):
        depth, end = 1, match.end()
        while depth and end < len(code):
            depth += {"<": 1, ">": -1}.get(code[end], 0)
            end += 1
        name = re.match(r"\s*&?\s*(\w+)\s*[;={,)]", code[end:])
        if name:
            names.add(name.group(1))
    return names


def rule_unordered(source: Source) -> Iterator[Complaint]:
    """No iteration over unordered containers: their order belongs to the library."""
    if not source.is_cpp or not source.path.startswith(WORLD):
        return
    names = declared_unordered(source.code) | declared_unordered(strip(source.header))
    for name in sorted(names):
        loop = rf"\bfor\s*\([^;()]*:\s*(this->|\w+\.)?{name}\s*\)|(?<!\w){name}\.c?begin\s*\("
        for line in source.lines(loop, source.code):
            yield f"{source.path}:{line}: iterates over the unordered {name}"


DRAW = re.compile(r"\b\w*(?:rng|random)\w*(?:\(\))?(?:\.|->)(?:next|below|chance|between|exponential)\s*\(")


def rule_draws(source: Source) -> Iterator[Complaint]:
    """One random number per expression: the order of arguments differs between compilers."""
    if not source.is_cpp or not source.path.startswith(WORLD):
        return
    offset = 0
    for statement in re.split(r"[;{}]", source.code):
        # && || ?: and , after a brace are ordered by the language; only arguments and arithmetic are not.
        for part in re.split(r"&&|\|\||\?", statement):
            if len(DRAW.findall(part)) > 1:
                line = source.code.count("\n", 0, offset + len(statement) - len(statement.lstrip())) + 1
                yield f"{source.path}:{line}: two random draws in one expression"
        offset += len(statement) + 1


def rule_headers(source: Source) -> Iterator[Complaint]:
    """A header opens with what it is and why, and is included once."""
    if source.path.endswith(".h") and source.path.startswith(("core/", "simnet/", "realnet/", "pybind/")):
        if not source.text.startswith("//"):
            yield f"{source.path}: a header opens with a comment: what it is, why, its invariants"
        if "#pragma once" not in source.text:
            yield f"{source.path}: #pragma once is missing"


def rule_length(source: Source) -> Iterator[Complaint]:
    """A file does one thing."""
    if source.path.endswith((".cpp", ".h", ".py", ".pyi", ".js", ".mjs", ".ts", ".sh", "dev", ".md", ".txt")):
        lines = source.text.count("\n")
        if lines > MAX_LINES:
            yield f"{source.path}: {lines} lines, more than {MAX_LINES}"


def rule_loose_ends(source: Source) -> Iterator[Complaint]:
    """No unfinished words, no path of one machine, no registry host, no test that does not run."""
    # Captured data is what it is.
    if source.path.startswith("tests/vectors/") or "/corpus/" in source.path:
        return
    for what, pattern in {
        "unfinished": rf"\b({WORDS})\b",
        "a path of one machine": r"(?<![\w.])/(work|home|root)" + "/",
        "a registry host": HOSTS,
        "a test that does not run": SKIPS,
    }.items():
        for line in source.lines(pattern):
            yield f"{source.path}:{line}: {what}"


RULES: tuple[Rule, ...] = (
    rule_floors,
    rule_worlds,
    rule_libraries,
    rule_preprocessor,
    rule_banned,
    rule_unordered,
    rule_draws,
    rule_headers,
    rule_length,
    rule_loose_ends,
)


def complaints(source: Source) -> list[Complaint]:
    return [complaint for rule in RULES for complaint in rule(source)]
