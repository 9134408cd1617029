"""The terms of the style guide, in code and documentation.

A phrase is a regular expression in which a space stands for any white space, so that it is
found across line breaks. It is checked in comments, strings and documentation. A name is
checked in the code, without its leading underscores.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("sktrainer", "benchmarks", "examples", "docs")
DOCUMENTS = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md")))
GENERATED = {"_build", "auto_tutorials", "generated"}  # in docs/

# Each phrase, and the term to use instead.
PHRASES: dict[str, str] = {
    r"(?:goes|went|gone) on": "resume, continue",
    r"going on (?:from|with)": "resume, continue",
    r"(?:the )?same bits|to the (?:last )?bit|the bits again": "bit-identical",
    r"same in,? same out": "reproducible",
    r"whole or not at all|wholly or not": "atomic, atomically",
    r"r[au]n(?:s|ning)? away": "diverge",
    r"mend(?:s|ed|ing)?|puts? (?:it|this|that) right": "fix",
    r"neither train(?:ed)? nor scored?": "held-out rows",
    r"(?:goes|go|went) in (?:iterations|rounds|epochs)": "iterative estimator",
    r"know(?:s|ing) nothing": "no better than a constant baseline",
    r"your word|of (?:the caller's|his) own": "user-defined, your own",
    r"(?:is|are|was|were) told|told (?:of|about)": "report",
    r"tell(?:s|ing)? (?:of|how|the user|you)": "report",
    r"sp(?:eak|oke)(?:s|n|ing)? of": "report, describe",
    r"(?:stand|stood)s? in|l(?:ie|ay)s? in|lying in": "is in, is stored in",
    r"(?:cell|value)s? that came": "value, missing value",
    r"(?:an?|one) (?:row|column|line|file|value|model|number|score|plot) an? \w+": "one per",
    r"texts": "strings, text",
    r"mis-?fits?": "incompatible",
    r"guests?": "nested estimator",
    r"in sums of weights": "effective class weights",
    r"way of the data": "pipeline, stage",
    r"tries(?! to\b| again\b)": "attempts",
    r"parted": "split",
    r"in the midst|begin of": "in the middle, the start of",
    r"likeliest": "most probable",
    r"soundness|stand-ins?": "validation, placeholder",
    r"(?:telling|keeping|answering|joining|fronts|canvas|gate|known)\.py": "the present name",
    r"anatomy": "parts of the estimator",
    r"recipes?": "plan",
    r"receipts?": "provenance",
    r"strays": "unparsed values",
    r"(?:un|re|de)?(?:custom|factor|final|general|initial|maxim|minim|normal|optim|organ|random"
    r"|real|recogn|regular|serial|standard|summar|util|visual)is(?:e[ds]?|ing|ations?)": "-ize",
    r"(?:behavi|col|fav|neighb)our(?:s|ed|ing)?": "-or",
    r"licences?|centred|centring|misspelt|learnt|grey": "license, centered, learned, gray",
}

# Each old name, and the name to use instead.
NAMES: dict[str, str] = {
    "telling": "messages",
    "keeping": "persistence",
    "answering": "prediction",
    "joining": "refit",
    "anatomy": "estimators",
    "recipe": "plan",
    "receipt": "provenance",
    "misfits?": "validation",
    "strays": "unparsed_values",
    "canvas|Canvas": "graph_builder",
    "fronts": "inputs",
    "gate|Gate": "audit",
    "soundness": "tree_validation",
    "stand_ins?": "placeholders",
    "Parcel": "AuditedState",
    "Halves": "ModelParts",
    "Stowage|STOWAGE|stowage|stowed|unstowed": "NetworkSerializer",
    "Shelf|shelf": "TensorStore",
    "Drawer|drawer": "KerasObjectStore",
    "Trainee": "KerasEstimatorBase",
    "Sight": "BuildContext",
    "Way": "IterationStrategy",
    "Rhythm|rhythm": "CheckpointSchedule",
    "FitPlace": "FitDirectory",
    "Asked": "CachedPredictor",
    "likeliest": "predict_is_argmax",
    "any_shape": "accepts_nd",
    "in_segments": "segmented_training",
    "adopt": "wrap_estimator",
    "guests?|tell_guests": "nested estimators",
    "lent_parameters": "override_params",
    "granted_threads": "resolve_n_threads",
    "obeys": "stops_early",
    "texts": "strings",
    "tries": "attempts",
}

# A module must not be called this, although it may be the name of something else.
MODULE_NAMES = {"known": "allowlist", "gate": "audit"}


# What is correct although it looks like an old term, by file.
ALLOWED = {"sktrainer/reporting/plots.py": {"canvas"}}  # the name is matplotlib's

# Old terms that still exist, by file. A test fails if an entry is not needed any more.
PENDING: dict[str, set[str]] = {}


def compile_phrase(phrase: str) -> re.Pattern[str]:
    """Return the pattern of a phrase. Comment signs may be between its words."""
    words = phrase.replace(" ", r"[\s#]+")
    return re.compile(rf"\b(?:{words})\b", re.IGNORECASE)


COMPILED = {compile_phrase(phrase): term for phrase, term in PHRASES.items()}
NAME_PATTERN = {re.compile(rf"_*(?:{name})_*"): term for name, term in NAMES.items()}


def wrong_phrases(
    text: str, spans: list[range] | None = None
) -> Iterator[tuple[int, str, str]]:
    """Yield line, phrase and the term to use, for matches that begin in one of the spans."""
    for pattern, term in COMPILED.items():
        for match in pattern.finditer(text):
            if spans is None or any(match.start() in span for span in spans):
                line = text.count("\n", 0, match.start()) + 1
                yield line, re.sub(r"[\s#]+", " ", match[0]), term


def wrong_in_code(source: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, phrase and the term to use, for names, comments and strings."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    spans = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            for pattern, term in NAME_PATTERN.items():
                if pattern.fullmatch(token.string):
                    yield token.start[0], token.string, term
        elif token.type not in (tokenize.OP, tokenize.NUMBER):  # comments and strings
            begin, end = (starts[row - 1] + column for row, column in (token.start, token.end))
            spans.append(range(begin, end))
    yield from wrong_phrases(source, spans)


def _files() -> list[Path]:
    modules = [
        path
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not GENERATED & {*path.relative_to(ROOT).parts}
    ]
    return [*modules, *(ROOT / document for document in DOCUMENTS)]


@cache
def wrong_in_file(path: Path) -> list[tuple[int, str, str]]:
    """Return line, phrase and the term to use, for everything to change in a file."""
    text = path.read_text(encoding="utf-8")
    found = list(wrong_in_code(text) if path.suffix == ".py" else wrong_phrases(text))
    if path.stem in MODULE_NAMES:
        found.append((1, f"module {path.stem}", MODULE_NAMES[path.stem]))
    allowed = ALLOWED.get(str(path.relative_to(ROOT)), set())
    return sorted(problem for problem in found if problem[1] not in allowed)


FILES = {str(path.relative_to(ROOT)): path for path in _files()}


def test_code_and_documents_use_the_terms_of_the_style_guide():
    problems = [
        f"{name}:{line}: '{phrase}': use '{term}'"
        for name, path in FILES.items()
        for line, phrase, term in wrong_in_file(path)
        if phrase.lower() not in PENDING.get(name, set())
    ]
    assert not problems, "\n".join(problems)


def test_pending_terms_are_still_in_the_code():
    present = {
        name: {phrase.lower() for _, phrase, _ in wrong_in_file(path)}
        for name, path in FILES.items()
    }
    unneeded = {name: terms - present.get(name, set()) for name, terms in PENDING.items()}
    found = {name: terms for name, terms in unneeded.items() if terms}
    assert not found, f"Remove from PENDING: {found}"


@pytest.mark.parametrize(
    ("source", "line", "phrase"),
    [
        ("x = 1  # the fit goes on\n", 1, "goes on"),
        (
            'def f():\n    """Return it.\n\n    The fit goes\n    on from there."""\n',
            4,
            "goes on",
        ),
        ("# gives the same\n# bits\n", 1, "the same bits"),
        ("raise ValueError(f'{x} is a misfit')\n", 1, "misfit"),
        ("def f(texts): ...\n", 1, "texts"),
        ("class Parcel: ...\n", 1, "Parcel"),
        ("_likeliest = 1\n", 1, "_likeliest"),
    ],
)
def test_old_term_is_found(source, line, phrase):
    assert [found[:2] for found in wrong_in_code(source)] == [(line, phrase)]


@pytest.mark.parametrize(
    "source",
    [
        "# It tries to import the module.\n",
        "# the last bit of a metric may differ\n",
        "entries = retries = 1\n",
        "width = any(known) and gateway\n",
        "# numbers stored as text\n",
    ],
)
def test_ordinary_words_are_accepted(source):
    assert list(wrong_in_code(source)) == []
