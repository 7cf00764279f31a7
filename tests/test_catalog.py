"""The catalog: what a recipe file says about itself, and what is answered to wrong words."""

import subprocess
import sys
from pathlib import Path

import pytest

from sparring.errors import UsageError
from sparring.recipes.catalog import Recipe, find_recipe, known_recipes, parse_setting, read_recipes

MINE = '''
"""Recipes for a test."""

from typing import Annotated, Literal

from pydantic import Field

Count = Annotated[int, Field(ge=1, le=4096)]
LOADED = True


def small(
    spec,
    *,
    width: Count = 64,
    gamma: Annotated[float, Field(ge=0)] | None = None,
    mode: Literal["none", "adaptive"] = "none",
    mirror: bool = True,
    note: str = "",
    shape: tuple[int, int] = (8, 8),
):
    """A small game.

    More words.

    Args:
        width: Channels of the first layer,
            doubled later.
        gamma (float): Strength of the penalty.

    Returns:
        A game: what else.
    """
    return spec, width, gamma, mode, mirror


def needs(spec, *, depth: int):
    """Has an option without a default."""
    return spec, depth


def helper(a, spec):
    """No recipe: another first parameter."""


def positional(spec, width=3):
    """No recipe: an option that is not keyword-only."""


def choose(spec) -> str:
    """No recipe: returns no Game."""


def _hidden(spec):
    """Not public."""
'''


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return path


@pytest.fixture
def small(mine: Path) -> Recipe:
    return find_recipe(f"{mine}:small")


def refusal(function, *arguments, **options) -> str:
    with pytest.raises(UsageError) as caught:
        function(*arguments, **options)
    return str(caught.value)


def test_reading_a_file_tells_its_recipes_in_order(mine):
    small, needs = read_recipes(mine)
    assert (small.name, small.kind, small.summary, small.file) == ("small", mine.parent.name, "A small game.", mine)
    assert small.doc.startswith("A small game.\n\nMore words.")
    assert list(small.options) == ["width", "gamma", "mode", "mirror", "note", "shape"]
    assert needs.options["depth"].default == ""


def test_an_option_has_bare_type_default_and_description(small):
    width, gamma, mode = (small.options[name] for name in ("width", "gamma", "mode"))
    assert (width.annotation, width.default) == ("int", "64")
    assert width.description == "Channels of the first layer, doubled later."
    assert (gamma.annotation, gamma.default, gamma.description) == (
        "float | None",
        "None",
        "Strength of the penalty.",
    )
    assert (mode.annotation, mode.description) == ("Literal['none', 'adaptive']", "")


def test_reading_does_not_run_the_file(tmp_path):
    path = tmp_path / "bomb.py"
    path.write_text("raise SystemExit(7)\ndef boom(spec, *, n: int = 1):\n    '''Boom.'''\n")
    find_recipe(f"{path}:boom").check_names(["n"])


def test_check_returns_every_option(small):
    assert small.check({"width": 128}) == {
        "width": 128,
        "gamma": None,
        "mode": "none",
        "mirror": True,
        "note": "",
        "shape": (8, 8),
    }


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"width": 1e3}, 1000),
        ({"gamma": 2}, 2.0),
        ({"mode": None}, "none"),  # As `--set mode=none` is parsed.
        ({"note": 12}, "12"),
        ({"shape": [4, 4]}, (4, 4)),  # As JSON brings it.
    ],
)
def test_values_that_mean_the_same_are_taken(small, given, found):
    assert small.check(given)[next(iter(given))] == found


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"width": "wide"}, "`width` of {} must be int. Received: width='wide'"),
        ({"width": "128"}, "`width` of {} must be int. Received: width='128'"),
        ({"width": True}, "`width` of {} must be int. Received: width=True"),
        ({"width": 1.5}, "`width` of {} must be int. Received: width=1.5"),
        ({"width": 0}, "`width` of {} must be greater than or equal to 1. Received: width=0"),
        ({"gamma": "x"}, "`gamma` of {} must be float or None. Received: gamma='x'"),
        ({"gamma": -1.0}, "`gamma` of {} must be greater than or equal to 0. Received: gamma=-1.0"),
        ({"gamma": float("nan")}, "`gamma` of {} must be a finite number. Received: gamma=nan"),
        ({"mode": "wild"}, "`mode` of {} must be one of 'none', 'adaptive'. Received: mode='wild'"),
        ({"mirror": "yes"}, "`mirror` of {} must be bool. Received: mirror='yes'"),
        ({"mirror": 1}, "`mirror` of {} must be bool. Received: mirror=1"),
    ],
)
def test_a_wrong_value_is_told_what_was_expected(small, given, sentence):
    assert refusal(small.check, given) == sentence.format(small.name)


def test_all_faults_are_told_at_once(small):
    assert refusal(small.check, {"width": 0, "mode": "wild"}).count("\n") == 1


def test_an_option_without_default_must_be_given(mine):
    needs = find_recipe(f"{mine}:needs")
    assert refusal(needs.check, {}) == f"`depth` of {mine}:needs must be given."
    assert needs.check({"depth": 3}) == {"depth": 3}


def test_an_unknown_option_is_told_the_nearest(small):
    for check in (small.check_names, small.check):
        assert refusal(check, {"widht": 3}) == (
            f"recipe {small.name} has no option `widht`. Did you mean `width`? "
            "Options: width, gamma, mode, mirror, note, shape."
        )


def test_build_checks_and_calls(small):
    assert small.build("a spec", width=7) == ("a spec", 7, None, "none", True)
    assert "must be int" in refusal(small.build, "a spec", width="7")


def test_an_edited_file_is_read_anew(mine, small, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)  # The same size in the same second: Python's cache is stale.
    assert small.check({})["width"] == 64
    mine.write_text(MINE.replace("Count = 64", "Count = 96"))
    assert small.check({})["width"] == 96


def test_a_recipe_in_a_module(mine, monkeypatch):
    monkeypatch.syspath_prepend(mine.parent)
    recipe = find_recipe("mine:small")
    assert (recipe.name, recipe.kind) == ("mine:small", "own")
    assert recipe.build(1)[0] == 1
    sys.modules.pop("mine")


def test_somebody_elses_code_needs_trust(mine):
    message = refusal(find_recipe, f"{mine}:small", trust=False)
    assert "somebody else's code" in message
    assert "trust=True" in message


def test_known_recipes_need_no_trust():
    name = next(iter(known_recipes()))
    assert find_recipe(name, trust=False).name == name


def test_an_unknown_name_is_told_the_nearest():
    message = refusal(find_recipe, "r3gna")
    assert message.startswith("There is no recipe `r3gna`. Did you mean `r3gan`? Recipes: article, ")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("{}/none.py:small", "{}/none.py cannot be read: No such file or directory."),
        ("{}/broken.py:small", "{}/broken.py is not valid Python at line 1: "),
        ("{}/mine.py:smal", "{}/mine.py has no recipe `smal`. Did you mean `small`?"),
        ("{}/mine.py:positional", "{}/mine.py has no recipe `positional`. A recipe is a public function `def "),
        ("no_such_module:small", "There is no Python module `no_such_module`."),
        ("no_such_package.module:small", "The module `no_such_package.module` cannot be found: ModuleNotFoundError"),
    ],
)
def test_what_cannot_be_found_is_told_in_a_sentence(mine, name, sentence):
    (mine.parent / "broken.py").write_text("def (:\n")
    assert refusal(find_recipe, name.format(mine.parent)).startswith(sentence.format(mine.parent))


def test_a_file_that_fails_on_import_is_told_in_a_sentence(mine):
    mine.write_text(MINE + "\n1 / 0\n")
    line = mine.read_text().splitlines().index("1 / 0") + 1
    message = refusal(find_recipe(f"{mine}:small").check, {})
    assert message == f"{mine} cannot be imported at line {line}: ZeroDivisionError: division by zero."


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("128", 128),
        ("-3", -3),
        ("1_000_000", 1_000_000),
        ("0.5", 0.5),
        ("1e-3", 1e-3),
        ("true", True),
        ("False", False),
        ("none", None),
        ("wide", "wide"),
        ("nan", "nan"),
        ("a=b", "a=b"),
        ("", ""),
        ("3d", "3d"),
    ],
)
def test_settings_are_parsed(text, value):
    name, parsed = parse_setting(f"width={text}")
    assert name == "width"
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize("text", ["width", "=3", ""])
def test_a_setting_without_name_or_value_is_refused(text):
    assert refusal(parse_setting, text).endswith(f"Received: {text!r}")


def test_every_known_recipe_is_described():
    for recipe in known_recipes().values():
        assert recipe.summary
        assert all(option.description and option.annotation for option in recipe.options.values()), recipe.name


def test_the_catalog_answers_without_keras():
    program = (
        "import sys; from sparring.recipes.catalog import find_recipe; find_recipe('r3gan').check_names(['width'])\n"
        "assert not {'keras', 'tensorflow', 'jax'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
