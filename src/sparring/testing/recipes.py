"""Whether a recipe trains, resumes, and can be built again from what a bundle records."""

import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from sparring import __version__
from sparring.backend import at_once
from sparring.bundle.bundle import Bundle
from sparring.bundle.kinds import make_bundle
from sparring.bundle.loading import load_bundle
from sparring.bundle.record import Record
from sparring.bundle.translation import TranslationBundle
from sparring.data.examples import Source
from sparring.data.images.domains import domain_source, image_key
from sparring.data.source import image_source
from sparring.data.spec import DomainsSpec, VideoSpec, squared_distance
from sparring.recipes.catalog import Recipe, find_recipe
from sparring.recipes.rebuild import rebuild_networks
from sparring.testing.failure import expect, trying
from sparring.testing.trial import arrays, finite, restore
from sparring.training.game import Game
from sparring.training.health import OF_SAMPLES

SHAPES = ((8, 8, 1), (11, 9, 3))
COUNT = 24
SMALL = {"batch_size": 8, "images": 96, "clips": 96}  # Where the recipe has them and none are given.
CLASSES = ("a", "b")
FRAMES = 4
STEPS = 3  # A last layer of zeros holds back those before it for one step, and two of them for two.


def check_recipe(
    name: str, options: Mapping[str, Any] | None = None, *, shapes: Sequence[tuple[int, int, int]] = SHAPES
):
    """Whether a recipe can be trained, stopped, resumed and shared.

    Each option has a type and a description. For images of each shape, with two classes and, of the first shape,
    without, or for pairs of two domains or clips of four frames where that is what its spec is of: it builds, takes a
    few steps of `fit` on random images, every weight moves, what it logs is finite and as announced. Then: stopping and
    going on from the state is, bit for bit, never having stopped; a bundle that is stored and loaded makes the same
    images. Sets Keras' global random seed.

    Args:
        name: As on the command line: `r3gan`, or `mine.py:my_recipe`.
        options: As small as the recipe goes, so that it takes seconds.
        shapes: Height, width and channels to try.

    Raises:
        CheckError: At the first thing that does not hold.
        UsageError: There is no such recipe, or an option is wrong.

    Example:
        >>> check_recipe("mine.py:my_recipe", {"width": 8})
    """
    recipe = find_recipe(name)
    for option in recipe.options.values():
        expect(
            option.annotation and option.description,
            f"Every option of {name} must have a type and a line in the docstring's `Args:`. Received: `{option.name}` "
            f"without a {'description' if option.annotation else 'type'}",
        )
    chosen = {key: value for key, value in SMALL.items() if key in recipe.options} | dict(options or {})
    values = recipe.check(chosen)
    if recipe.data_kind() == "domains":
        sources: list[Source] = [_random_domains(shape) for shape in shapes]
    else:
        cases = [(shapes[0], CLASSES), (shapes[0], ()), *((shape, CLASSES) for shape in shapes[1:])]
        make = _random_clips if recipe.data_kind() == "video" else _random_source
        sources = [make(shape, classes) for shape, classes in cases]
    # Built before any is trained: what fails at once should be told at once.
    games = [(_built(recipe, source, values), source) for source in sources]
    _check_resuming(recipe, *games[0], values)
    _check_bundle(recipe, *games[0], values)
    for game, source in games[1:]:
        _check_training(game, source, name)


def _random_source(shape, classes: tuple[str, ...]) -> Source:
    images = np.random.default_rng(0).integers(0, 256, (COUNT, *shape), dtype=np.uint8)
    labels = np.arange(COUNT, dtype=np.int32) % len(classes) if classes else None
    return image_source("random", images, labels, classes)


def _random_clips(shape, classes: tuple[str, ...]) -> Source[VideoSpec]:
    clips = np.random.default_rng(0).integers(0, 256, (COUNT, FRAMES, *shape), dtype=np.uint8)
    labels = {"label": np.arange(COUNT, dtype=np.int32) % len(classes)} if classes else {}
    spec = VideoSpec(
        shape=(FRAMES, *shape), classes=classes, num_examples=COUNT, squared_distance=squared_distance(clips)
    )
    return Source("random", spec, {"clip": clips, **labels}, {})


def _random_domains(shape) -> Source[DomainsSpec]:
    random = np.random.default_rng(0)
    images = {name: random.integers(0, 256, (COUNT, *shape), dtype=np.uint8) for name in CLASSES}
    return domain_source("random", images, paired=True)


def _where(source: Source) -> str:
    """Which data, in words."""
    spec = source.spec
    if isinstance(spec, DomainsSpec):
        return f"for pairs of images of {spec.shape}"
    return f"for {spec.plural} of {spec.shape} and {spec.num_classes} classes"


def _made(bundle: Bundle, source: Source) -> np.ndarray:
    """What a bundle makes: samples, or translations of some of the images."""
    if isinstance(bundle, TranslationBundle):
        images = source.examples[image_key(0)][np.arange(4)]
        return np.concatenate([bundle.translate(images, target) for target in bundle.ways])
    return bundle.sample(4)


def _built(recipe: Recipe, source: Source, options: Mapping[str, Any], seed: int = 0) -> Game:
    keras.utils.set_random_seed(seed)
    with trying(f"{recipe.name} must be buildable {_where(source)}."):
        game = recipe.build(source.spec, **options)
    expect(isinstance(game, Game), f"{recipe.name} must return a Game. Received: {type(game).__name__}")
    return game


def _fit(game: Game, source: Source, name: str, first: int, last: int) -> dict[str, list[float]]:
    """Steps from `first` to `last`, each a tick of its own, and what was logged."""
    with trying(f"{name} must take a step of training."):
        batches = source.batches(game.pace.batch_size)
        history = game.fit(batches, initial_epoch=first, epochs=last, steps_per_epoch=1, verbose=0)
    return history.history


def _check_training(game: Game, source: Source, name: str, first: int = 0):
    where = _where(source)
    before = [arrays(network.trainable_variables) for network in game.networks]
    logs = _fit(game, source, name, first, first + STEPS)
    wanted = {log for player in game.players for log in (f"{player.name}_loss", *player.logs)}
    expect(set(logs) == wanted, f"{name} must log {sorted(wanted)}. Received: {sorted(logs)}")
    taken = sorted(wanted & OF_SAMPLES)
    expect(not taken, f"{name} must give its logs names that the diagnosis does not know. Received: {taken}")
    for log, found in logs.items():
        expect(np.isfinite(found).all(), f"{name} must log finite numbers {where}. Received: {log} = {found}")
    for network, old in zip(game.networks, before, strict=True):
        for variable, value, new in zip(
            network.trainable_variables, old, arrays(network.trainable_variables), strict=True
        ):
            expect(finite(new), f"{name} must stay finite {where}. Received: {network.name}'s {variable.path} is not")
            expect(
                not np.array_equal(value, new),
                f"{name} must move every trainable weight in {STEPS} steps {where}. Received: {network.name}'s "
                f"{variable.path} stays; is it used, and does a player own its network?",
            )


def _check_resuming(recipe: Recipe, straight: Game, source: Source, options):
    straight.compile()
    _check_nothing_outside(straight, source, recipe.name)
    _fit(straight, source, recipe.name, 0, 1)
    before = arrays(straight.state)
    _check_training(straight, source, recipe.name, 1)
    # Other first weights: all that is alike comes through the state.
    resumed = _built(recipe, source, options, seed=1)
    resumed.compile()
    with trying(f"{recipe.name} must have the same variables whenever it is built from the same options."):
        restore(resumed.state, before)
    _fit(resumed, source, recipe.name, 1, 1 + STEPS)
    for variable, expected, found in zip(straight.state, arrays(straight.state), arrays(resumed.state), strict=True):
        expect(
            np.array_equal(expected, found),
            f"{recipe.name}, stopped after a step and resumed, must be what it would be without the stop. Received: "
            f"another {variable.path}; what is random must come with the batch (`draws`), and what is remembered must "
            "be a weight of a network or of a layer in `extra_state`.",
        )


def _check_nothing_outside(game: Game, source: Source, name: str):
    """Looks for assignments to variables that a checkpoint would not hold; on JAX they would be lost at once."""
    rows = game.stream(source.batches(game.pace.batch_size))[0]
    batch = game.prepare({key: ops.convert_to_tensor(array) for key, array in rows.items()})
    part = {key: value[: len(value) // game.turns] for key, value in batch.items()}
    known, assigned = {id(v) for v in game.state}, set()

    def look():
        with keras.StatelessScope([(v, v.value) for v in game.state]) as scope:
            shown = part
            for player in game.players:
                shown = shown | (player.act(game, shown) if player.act else {})
            losses = [player.loss(game, shown)[0] for player in game.players]
        assigned.update(scope.state_mapping)
        return losses

    with trying(f"{name}'s players must say what they want of a batch."):
        at_once(look, game.state)
    expect(
        assigned <= known,
        f"All that {name} assigns in a step must be in `game.state`. Received: a variable that is not; make it a "
        "weight of a layer, and hand the layer to Game as `extra_state`.",
    )


def _check_bundle(recipe: Recipe, game: Game, source: Source, options):
    with (
        trying(f"A bundle of {recipe.name} must be stored and loaded again."),
        tempfile.TemporaryDirectory() as folder,
    ):
        record = Record(
            recipe=recipe.name,
            options=dict(options),
            spec=source.spec,
            seed=0,
            source=source.name,
            fingerprint=source.fingerprint,
            version=__version__,
        )
        stored = make_bundle(record, game.average.copies)
        stored.save(folder, card="")
        loaded = load_bundle(folder, rebuild_networks, trust=True)
        expect(
            np.array_equal(_made(stored, source), _made(loaded, source)),
            f"A bundle of {recipe.name} must make the same images after it is stored and loaded. Received: others; "
            "what a network is made with must come from the spec and the options alone.",
        )
