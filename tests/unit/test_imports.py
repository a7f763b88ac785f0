"""The rooms and the stages keep apart, and the core knows nothing of films."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STAGES = ("understanding", "policy", "reranking", "writing", "grounding", "profile")
# what a stage may take from the rooms beside it; every stage may take the shared records and words
ALLOWED = {"writing": {"grounding", "statements", "statements_en", "written"}}
SHARED = {"types", "records", "cues", "lexicon", "quantities", "llm.base"}
# modules that a stage was split into
HELPERS = {
    "understanding": {
        "alternatives",
        "attitudes",
        "bounds",
        "clauses",
        "critiques",
        "deidentifying",
        "dialogue",
        "intents",
        "lasting",
        "mentions",
        "questions",
        "references",
        "relations",
        "slots",
        "spelling",
        "volumes",
    },
    "grounding": {"clauses", "statements", "statements_en"},
    "reranking": {"vote_fusion"},
}
FILM_WORDS = re.compile(r"movie|film|director(?!y|ies)|cinema|电影|影片|导演|片子|演员", re.IGNORECASE)


def modules(*folders: str) -> list[Path]:
    return sorted(p for folder in folders for p in (ROOT / folder).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Return every module that a file imports, as dotted names, also within functions and for types alone."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a name comes from"
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def rooms(names: set[str], package: str) -> set[str]:
    """Return the modules of a package among dotted names: chatbot.llm.base.Prompt -> llm.base."""
    found: set[str] = set()
    for name in names:
        parts = name.split(".")
        if parts[0] != package or len(parts) < 2:
            continue
        module = ROOT / package / parts[1]
        if module.is_dir() and len(parts) > 2 and (module / f"{parts[2]}.py").is_file():
            found.add(f"{parts[1]}.{parts[2]}")
        elif module.is_dir() or module.with_suffix(".py").is_file():
            found.add(parts[1])
    return found


def test_the_contracts_of_pyproject_hold():
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout
    assert re.search(r"Contracts: [1-9]\d* kept", done.stdout)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_imports_no_other_stage(stage):
    found = rooms(imported(ROOT / "chatbot" / f"{stage}.py"), "chatbot")
    assert found <= SHARED | ALLOWED.get(stage, set()) | HELPERS.get(stage, set()), found


@pytest.mark.parametrize(
    "helper",
    ["answers", "written", "clauses", "dialogue", "mentions", "questions", "lexicon", "quantities", "types", "records"],
)
def test_what_stages_share_knows_no_stage(helper):
    found = rooms(imported(ROOT / "chatbot" / f"{helper}.py"), "chatbot")
    assert not found & {*STAGES, "pipeline", "ui"}, found


@pytest.mark.parametrize("path", modules("retrieval", "prompts"), ids=lambda p: str(p.relative_to(ROOT)))
def test_retrieval_and_prompts_know_neither_each_other_nor_the_chatbot(path):
    own = path.relative_to(ROOT).parts[0]
    found = {name.split(".")[0] for name in imported(path)}
    assert not found & ({"chatbot", "prompts", "retrieval", "app"} - {own})


@pytest.mark.parametrize("path", modules("chatbot"), ids=lambda p: str(p.relative_to(ROOT)))
def test_the_chatbot_does_not_know_app_and_only_the_page_knows_gradio(path):
    found = {name.split(".")[0] for name in imported(path)}
    assert "app" not in found
    assert "gradio" not in found or path.parent.name == "ui"


@pytest.mark.parametrize("path", modules("chatbot", "retrieval", "prompts"), ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_settings_read_the_environment(path):
    """``os.environ`` is read in settings.py alone (weights.py may pass it on to pip)."""
    if path.name in ("settings.py", "weights.py"):
        return
    code = _code(path)
    assert "os.environ" not in code
    assert "getenv" not in code


def _code(path: Path) -> str:
    """Return a file's code without comments."""
    source = path.read_text(encoding="utf-8")
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return tokenize.untokenize([t for t in tokens if t.type != tokenize.COMMENT])


def _strings_and_names(path: Path) -> list[tuple[int, str]]:
    """Return every name and every string of a file that is no docstring, with its line."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
        and isinstance(node.body[0].value, ast.Constant)
    }
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            found.append((node.lineno, node.value))
        elif isinstance(node, ast.Name):
            found.append((node.lineno, node.id))
        elif isinstance(node, ast.Attribute):
            found.append((node.lineno, node.attr))
        elif isinstance(node, ast.arg):
            found.append((node.lineno, node.arg))
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.append((node.lineno, node.name))
    return found


CORE = [p for p in modules("chatbot", "retrieval", "prompts") if "domains" not in p.parts]


@pytest.mark.parametrize("path", CORE, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_core_module_knows_films(path):
    """The name of the default domain is a setting; every other word about films belongs in its folder."""
    found = [(line, text) for line, text in _strings_and_names(path) if FILM_WORDS.search(text)]
    if path.name == "settings.py":
        found = [(line, text) for line, text in found if text != "movies"]
    assert found == []


@pytest.mark.parametrize("path", CORE, ids=lambda p: str(p.relative_to(ROOT)))
def test_not_even_a_docstring_of_the_core_speaks_of_films(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [(n, line.strip()) for n, line in enumerate(lines, 1) if FILM_WORDS.search(line)]
    if path.name == "settings.py":
        found = [(n, line) for n, line in found if '"movies"' not in line]
    assert found == []


@pytest.mark.parametrize(
    "path",
    sorted(p for p in (ROOT / "prompts").rglob("*") if p.suffix in (".txt", ".toml")),
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_no_prompt_or_phrase_speaks_of_films(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [(n, line) for n, line in enumerate(lines, 1) if FILM_WORDS.search(line)] == []


def test_the_heavy_libraries_are_not_imported_with_the_command_line():
    """``--help`` and a refused message answer at once, and the page before its parts are loaded."""
    code = "import sys, app; print(sorted({'torch', 'transformers', 'chromadb', 'gradio', 'sqlalchemy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", modules("chatbot", "retrieval", "prompts"), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_stays_under_about_300_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 320


def test_the_page_is_there_before_what_only_a_conversation_needs():
    names = "'torch', 'transformers', 'chromadb', 'sqlalchemy', 'alembic', 'scipy', 'duckdb', 'lightgbm'"
    code = f"import sys, chatbot.ui.page; print(sorted({{{names}}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
