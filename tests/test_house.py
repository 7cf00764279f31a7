"""The rules of the house: who may open which room, no cycles, one door to the backend, nothing too long."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[1] / "src" / "sparring"
GROUND = {"", "errors", "environment", "files"}  # The package itself, and files any room may open.
MAY_OPEN = {
    "backend": set(),
    "ops": {"backend"},
    "layers": {"ops"},
    "networks": {"layers", "ops"},
    "objectives": {"ops", "backend"},
    "augmentation": {"ops"},
    "data": {"ops", "backend"},
    "metrics": {"ops"},
    "bundle": {"data", "ops"},
    "training": {"backend", "ops", "data", "bundle"},
    "recipes": {"backend", "ops", "layers", "networks", "objectives", "augmentation", "data", "bundle", "training"},
    "applications": {"backend", "ops", "data", "metrics", "bundle", "training", "recipes"},
    "cli": {"applications", "recipes"},
    "testing": {"backend", "data", "objectives", "bundle", "training", "recipes"},  # For those who add their own.
}
BACKENDS = {"tensorflow", "jax", "torch"}
LATE_IMPORTS = {"cli"}  # Rooms whose functions may import, so that a word of help does not wait for Keras.
MAX_LINES, MAX_FUNCTION = 300, 60

FILES = sorted(ROOT.rglob("*.py"))


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imports(path, tree=None):
    """Every imported module with its node, from the whole file or from the nodes of `tree` alone."""
    for node in ast.walk(ast.parse(path.read_text())) if tree is None else tree:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            # `from sparring import backend` opens the room, `from sparring import __version__` the package.
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                is_module = (ROOT.parent / inner.replace(".", "/")).with_suffix(".py").exists()
                is_room = (ROOT.parent / inner.replace(".", "/") / "__init__.py").exists()
                yield (inner if is_module or is_room else node.module), node


def room_of(module):
    return module.split(".")[0]


def own(target):
    return target.removeprefix("sparring").removeprefix(".") if target.split(".")[0] == "sparring" else None


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_a_room_opens_only_what_the_plan_allows(path):
    room = room_of(module_of(path))
    for target, _ in imports(path):
        if (inside := own(target)) is not None and room not in GROUND:
            opened = room_of(inside)
            assert opened in GROUND | {room} | MAY_OPEN[room], f"{room} may not open {opened} ({target})"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_only_the_backend_room_knows_a_backend(path):
    for target, _ in imports(path):
        if target.split(".")[0] in BACKENDS:
            assert room_of(module_of(path)) == "backend", f"imports {target}"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_stand_at_the_top(path):
    if room_of(module_of(path)) in LATE_IMPORTS:
        return
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    late = [target for function in functions for target, _ in imports(path, ast.walk(function))]
    assert not late, f"imports {late} inside a function"


def test_no_cycles():
    graph = {module_of(p): {own(t) for t, _ in imports(p) if own(t)} for p in FILES}
    done, path = set(), []

    def visit(module):
        assert module not in path, f"cycle: {' -> '.join([*path[path.index(module) :], module])}"
        if module in done or module not in graph:
            return
        path.append(module)
        for target in graph[module]:
            visit(target)
        done.add(path.pop())

    for module in graph:
        visit(module)


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_files_and_functions_are_short(path):
    text = path.read_text()
    assert text.count("\n") <= MAX_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.body[0].lineno < MAX_FUNCTION, f"{node.name} is too long"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_every_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text())), "no docstring"


def test_no_room_for_odds_and_ends():
    assert not [path for path in FILES if path.stem in {"utils", "helpers", "misc", "common"}]
