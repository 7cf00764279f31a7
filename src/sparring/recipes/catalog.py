"""Which recipes there are and which options they take, read from their source without importing Keras."""

import ast
import dataclasses
import hashlib
import importlib
import importlib.util
import inspect
import re
import sys
import traceback
import types
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from sparring.environment import require_backend
from sparring.errors import UsageError, nearest
from sparring.recipes.options import check_spec, check_values, data_kind, default_values

FOLDER = Path(__file__).resolve().parent
SHARED_TYPES = "sparring.recipes.option_types"
OWN = "own"  # The kind of a recipe that is not one of the package.


@dataclasses.dataclass(frozen=True)
class Option:
    """One keyword of a recipe, as text from the source.

    `annotation` is the bare type: aliases of the same file are resolved, limits (`Annotated`) are left out.
    `default` is empty where a value must be given.
    """

    name: str
    annotation: str
    default: str
    description: str


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A function `(spec, *, options) -> Game`, described without running it.

    Attributes:
        name: What `find_recipe` finds it by.
        kind: The folder it stands in ("images", "tables", "translation"), or "own" for one that is not of the package.
        summary: First line of the docstring.
        doc: The docstring.
        options: The keyword parameters in their order.
        file: Where the function stands.
    """

    name: str
    kind: str
    summary: str
    doc: str
    options: dict[str, Option]
    file: Path

    def check_names(self, options: Iterable[str]) -> None:
        """Raise UsageError for a name that is no option; nothing is imported for it."""
        for name in options:
            if name not in self.options:
                raise UsageError(
                    f"recipe {self.name} has no option `{name}`.{nearest(name, self.options)} "
                    f"Options: {', '.join(self.options) or 'none'}."
                )

    def check(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Check names and types against the function's own signature, which imports it.

        Returns:
            Every option of the recipe, with the defaults of those that were not given.

        Raises:
            UsageError: If a name is unknown, a value has another type or breaks a limit, or a user's own file
                cannot be imported.
        """
        self.check_names(options)
        return check_values(self.name, self._import(), options)

    def defaults(self) -> dict[str, Any]:
        """What the options are that need not be given."""
        return default_values(self._import())

    def data_kind(self) -> str | None:
        """The kind of data it is for by the type of its `spec`; None where that says nothing."""
        return data_kind(self._import())

    def build(self, spec: Any, **options: Any) -> Any:
        """Check the options, call the function and return its Game."""
        checked, function = self.check(options), self._import()
        check_spec(self.name, function, spec)
        return function(spec, **checked)

    def _import(self) -> Callable[..., Any]:
        require_backend()
        place, _, function = self.name.rpartition(":")
        if self.file.parent.parent == FOLDER:
            module = importlib.import_module(f"sparring.recipes.{self.kind}.{self.file.stem}")
        else:
            is_module = bool(place) and not place.endswith(".py")
            module = _import_own(self.file, place if is_module else None)
        return getattr(module, function)


def known_recipes() -> dict[str, Recipe]:
    """The recipes of the package by name, in the order of their files."""
    return {recipe.name: recipe for file in sorted(FOLDER.glob("*/*.py")) for recipe in read_recipes(file)}


def find_recipe(name: str, *, trust: bool = True) -> Recipe:
    """The recipe of that name: a known one, `path/to/mine.py:my_recipe` or `package.module:my_recipe`.

    Args:
        name: As on the command line and in `recipe.json`.
        trust: Whether a recipe that is not one of the package may be used. Building one runs its code, so a name
            that comes from somebody else's file must be looked up with False.

    Raises:
        UsageError: If there is no such recipe, or it is somebody's own and `trust` is False.
    """
    if ":" in name:
        if not trust:
            raise UsageError(
                f"{name} is not a recipe of sparring: using it runs somebody else's code. "
                "Pass trust=True (--trust on the command line) only if you know where it comes from."
            )
        return _find_own(name)
    known = known_recipes()
    if name not in known:
        raise UsageError(
            f"There is no recipe `{name}`.{nearest(name, known)} Recipes: {', '.join(known) or 'none'}; "
            "your own is named path/to/mine.py:my_recipe."
        )
    return known[name]


def read_recipes(file: Path) -> list[Recipe]:
    """The recipes in a Python file, in its order; the file is parsed, never run.

    A recipe is a public function at top level whose one positional parameter is `spec`, and that returns a Game
    where it says what it returns.
    """
    try:
        tree = ast.parse(file.read_bytes(), filename=str(file))
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}.") from error
    except (SyntaxError, ValueError) as error:
        line = f" at line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise UsageError(f"{file} is not valid Python{line}: {getattr(error, 'msg', error)}.") from error
    aliases = _aliases(tree)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and _is_recipe(node)]
    return [_describe(function, file, aliases) for function in functions]


def parse_setting(text: str) -> tuple[str, Any]:
    """Name and value of a `name=value` from the command line.

    Whole numbers, decimal numbers, true, false and none are understood; anything else stays a string.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"A setting is written name=value, such as width=128. Received: {text!r}")
    return name.strip(), _parse_value(value.strip())


def _parse_value(text: str) -> Any:
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    if re.search(r"\d", text):  # Keeps "nan" and "inf", which float() takes, from passing for numbers.
        for number in (int, float):
            try:
                return number(text)
            except ValueError:
                continue
    return text


def _is_recipe(node: ast.FunctionDef) -> bool:
    positional = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    returns_game = node.returns is None or ast.unparse(node.returns).strip("'\"").rpartition(".")[2] == "Game"
    return not node.name.startswith("_") and positional == ["spec"] and returns_game


class _BareType(ast.NodeTransformer):
    """Puts what an alias stands for in its place and drops the limits of `Annotated[type, limits]`."""

    def __init__(self, aliases: Mapping[str, ast.expr]):
        self.aliases = aliases

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self.visit(self.aliases[node.id]) if node.id in self.aliases else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if ast.unparse(node.value).rpartition(".")[2] == "Annotated" and isinstance(node.slice, ast.Tuple):
            return self.visit(node.slice.elts[0])
        return self.generic_visit(node)


def _aliases(tree: ast.Module) -> dict[str, ast.expr]:
    """What the names of a file stand for that are assigned there or come from the shared option types."""
    found = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    if any(isinstance(node, ast.ImportFrom) and node.module == SHARED_TYPES for node in tree.body):
        found = _aliases(ast.parse((FOLDER / "option_types.py").read_bytes())) | found
    return found


def _described_type(annotation: ast.expr | None, aliases: Mapping[str, ast.expr]) -> str:
    """The `Field(description=...)` of an option's type; empty where there is none."""
    while isinstance(annotation, ast.Name) and annotation.id in aliases:
        annotation = aliases[annotation.id]
    for node in ast.walk(annotation) if annotation is not None else ():
        if isinstance(node, ast.keyword) and node.arg == "description":
            return str(ast.literal_eval(node.value))
    return ""


def _describe(node: ast.FunctionDef, file: Path, aliases: Mapping[str, ast.expr]) -> Recipe:
    doc = ast.get_docstring(node) or ""
    descriptions, bare_type = _describe_arguments(doc), _BareType(aliases)
    options = {}
    for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
        options[argument.arg] = Option(
            name=argument.arg,
            annotation=ast.unparse(bare_type.visit(argument.annotation)) if argument.annotation else "",
            default=ast.unparse(default) if default else "",
            description=descriptions.get(argument.arg) or _described_type(argument.annotation, aliases),
        )
    return Recipe(node.name, file.parent.name, doc.partition("\n")[0], doc, options, file)


def _describe_arguments(doc: str) -> dict[str, str]:
    """Name and description of the entries of a Google-style `Args:` section."""
    section = re.search(r"^Args:\n((?:[ \t]+.*(?:\n|$)|\n)*)", doc, re.MULTILINE)
    if section is None:
        return {}
    entries = re.split(r"^(\*{0,2}\w+)(?: ?\([^)]*\))?:", inspect.cleandoc(section[1]), flags=re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in zip(entries[1::2], entries[2::2], strict=True)}


def _find_own(name: str) -> Recipe:
    place, _, function = name.rpartition(":")
    file = Path(place).expanduser() if place.endswith(".py") else _module_file(place)
    recipes = {recipe.name: recipe for recipe in read_recipes(file)}
    if function not in recipes:
        raise UsageError(
            f"{file} has no recipe `{function}`.{nearest(function, recipes)} A recipe is a public function "
            f"`def {function or 'my_recipe'}(spec, *, option=...)`. Recipes there: {', '.join(recipes) or 'none'}."
        )
    return dataclasses.replace(recipes[function], name=name, kind=OWN)


def _module_file(module: str) -> Path:
    try:
        found = importlib.util.find_spec(module)  # Imports the packages above the module.
    except (Exception, SystemExit) as error:
        raise UsageError(f"The module `{module}` cannot be found: {type(error).__name__}: {error}.") from error
    if found is None or not (found.origin or "").endswith(".py"):
        raise UsageError(
            f"There is no Python module `{module}`. Is it installed, or its folder in PYTHONPATH? "
            "A file is named with its .py: path/to/mine.py:my_recipe."
        )
    return Path(str(found.origin))


def _import_own(file: Path, module: str | None) -> types.ModuleType:
    """Import the module, or the file where `module` is None; a failure is told in one sentence."""
    try:
        return importlib.import_module(module) if module else _import_file(file)
    except (Exception, SystemExit) as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
        where = f" at line {lines[-1]}" if lines else ""
        raise UsageError(f"{file} cannot be imported{where}: {type(error).__name__}: {error}.") from error


def _import_file(file: Path) -> types.ModuleType:
    # Path and content make the name, so that a file edited in between counts as another module.
    source = file.read_bytes()
    name = f"_sparring_own_{file.stem}_{hashlib.sha256(str(file.resolve()).encode() + source).hexdigest()[:16]}"
    if name not in sys.modules:
        module = sys.modules[name] = types.ModuleType(name)  # Type hints are looked up there.
        module.__file__ = str(file)
        try:
            # Python's own loader would take an edit of the same size within the same second for none.
            exec(compile(source, file, "exec"), vars(module))
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]
