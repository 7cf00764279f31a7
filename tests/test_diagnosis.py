"""What goes wrong is told in words: on series that are made for each diagnosis, and on healthy ones in silence."""

import functools
import math

import keras
import numpy as np
import pytest

import sparring
from sparring.applications.pictures import draw_curves
from sparring.applications.train import train
from sparring.errors import Diverged
from sparring.training.callbacks import read_journal
from sparring.training.checkpoint import arrays
from sparring.training.failing import Failure
from sparring.training.health import DIAGNOSES, HEALTH, LIMITS, diagnose, episodes
from sparring.training.run import Run

FIGURE, FLOOR = "fd[any, n=500]", 0.1
TICKS = 40


def healthy(tick):
    """A training that is fine: samples are all alike at first, and get better by a twentieth a tick."""
    begun = 0.8**tick
    return {
        "tick": tick,
        "images": 2000 * tick,
        FIGURE: 0.3 + 8 * 0.93**tick,
        "diversity": 0.95 - 0.8 * begun,
        "twins": 0.01 + 0.99 * begun,
        "lost_modes": 0.9 * begun,
        "copies": 0.01,
        "real_score": 0.6,
        "fake_score": -0.5,
        "discriminator_loss": 1.1,
        "generator_loss": 0.9,
    }


def diagnosed(change=None, ticks=TICKS, begin=15, end=TICKS):
    """The journal of a training to which `change(line, before)` is done from tick `begin` to `end`."""
    lines = []
    for tick in range(1, ticks + 1):
        line = healthy(tick)
        if change and begin <= tick <= end:
            line |= change(line, lines)
        lines.append(line)
        if found := diagnose(lines, FIGURE, FLOOR):
            line[HEALTH] = found
    return lines


def stays(line, lines):
    return {FIGURE: lines[13][FIGURE]}


ILLS = {
    "collapse": lambda line, lines: stays(line, lines) | {"twins": 0.9, "diversity": 0.4},
    "frozen_clips": lambda line, lines: stays(line, lines) | {"frozen": 0.8},
    "strong_discriminator": lambda line, lines: stays(line, lines) | {"discriminator_loss": 0.01, "real_score": 9.0},
    "blind_discriminator": lambda line, lines: stays(line, lines) | {"real_score": 0.0, "fake_score": -0.01},
    "divergence": lambda line, lines: {"discriminator_loss": 1e6},
    "memorisation": lambda line, lines: {"copies": 0.6},
    "no_progress": stays,
}


@pytest.mark.parametrize("name", ILLS)
def test_each_is_told_once_when_it_begins_and_ends(name):
    lines = diagnosed(ILLS[name])
    (episode,) = (episode for episode in episodes(lines) if episode.name == name)
    assert {episode.name for episode in episodes(lines)} <= {name, "no_progress"}
    assert 15 + 2 <= episode.first["tick"] <= 15 + LIMITS.long + 3
    assert episode.last is lines[-1]
    assert set(ILLS) == set(DIAGNOSES)


@pytest.mark.parametrize("name", ["divergence", "memorisation"])
def test_it_ends_when_the_symptom_has_been_gone_for_three_ticks(name):
    (episode,) = episodes(diagnosed(ILLS[name], end=24))
    assert (episode.first["tick"], episode.last["tick"]) == (17, 26)


def test_a_training_that_is_fine_is_left_in_peace():
    assert not episodes(diagnosed())


@pytest.mark.parametrize("name", ILLS)
def test_what_lasts_two_ticks_is_not_told(name):
    assert not episodes(diagnosed(ILLS[name], begin=20, end=21))


def test_samples_that_are_alike_but_get_better_are_left_in_peace():
    assert not episodes(diagnosed(lambda line, lines: {"twins": 0.9, "lost_modes": 0.5, "diversity": 0.3}))


@pytest.mark.parametrize("name", ["strong_discriminator", "blind_discriminator", "no_progress"])
def test_what_cannot_be_better_is_left_in_peace(name):
    assert not episodes(diagnosed(lambda line, lines: ILLS[name](line, lines) | {FIGURE: 1.5 * FLOOR}))


def test_a_wasserstein_critic_may_win_by_as_much_as_it_likes():
    won = {"discriminator_loss": -8.0, "real_score": 12.0, "fake_score": 2.0}
    assert not episodes(diagnosed(lambda line, lines: won))


def test_much_worse_samples_are_a_divergence():
    lines = diagnosed(lambda line, lines: {FIGURE: 3 * lines[13][FIGURE]})
    assert episodes(lines)[0].name == "divergence"


def test_losses_tell_of_divergence_where_nothing_else_is_known():
    lines = []
    for tick in range(1, 12):
        lines.append({"tick": tick, "steps": tick, "critic_loss": 1e9})
        if found := diagnose(lines):
            lines[-1][HEALTH] = found
    assert [episode.name for episode in episodes(lines)] == ["divergence"]


def test_scores_of_wasserstein_may_wander_off_together():
    lines = diagnosed(lambda line, lines: {"generator_loss": 900.0, "real_score": -895.0, "fake_score": -900.0})
    assert not episodes(lines)


def test_what_is_said_has_the_figures_of_its_beginning():
    lines = diagnosed(lambda line, lines: {"copies": 0.5 + line["tick"] / 1000}, begin=20)
    assert {line[HEALTH]["memorisation"][:4] for line in lines[21:]} == {"52% "}


def test_a_journal_may_begin_with_lines_without_figures():
    lines = [{"tick": tick, "images": tick, "generator_loss": 1.0} for tick in range(1, 10)]
    for tick in range(10, 40):
        lines.append(healthy(tick))
        assert not diagnose(lines, FIGURE, FLOOR)


def test_the_curves_show_where_it_was():
    assert len(draw_curves(diagnosed(ILLS["collapse"]))) > len(draw_curves(diagnosed())) > 10_000


# In a run


class Ill:
    """A judge of samples that are learnt by heart."""

    name, num_samples, labels, floor = FIGURE, 4, None, FLOOR

    def __call__(self, samples):
        return {FIGURE: 1.0, "copies": 0.5}


def test_a_run_says_it_when_it_begins_and_once_more_at_the_end(stripes, tmp_path, monkeypatch):
    monkeypatch.setattr("sparring.applications.train.judge_for", lambda data, aside: Ill())
    said: list[str] = []

    def go(ticks):
        options = {"width": 4, "latent_dim": 4, "batch_size": 8, "images": 48 * ticks}
        said.clear()
        return train(stripes, recipe="article", run=tmp_path / "run", options=options, say=said.append)

    go(9)
    words = "50% of the samples are nearer to a training example"
    assert [line for line in said if words in line] == [
        line
        for line in said
        if line.startswith((f"Epoch 8: {words}", f"Memorisation from epoch 8 to the end: {words}"))
    ]
    assert len([line for line in said if words in line]) == 2
    run = go(12)
    assert not any(line.startswith("Epoch") for line in said)
    assert [HEALTH in line for line in read_journal(run.journal)] == [False] * 7 + [True] * 5


# Numbers that are not finite


@pytest.fixture
def failing(stripes, tmp_path):
    """Trains a game whose last bias becomes infinite in a tick, in the folder of one run."""

    def failing(tick=2):
        recipe = sparring.find_recipe("article")
        options = recipe.check({"width": 4, "latent_dim": 4, "batch_size": 8, "images": 4 * 48})
        record = sparring.applications.train._record(stripes, recipe, options, 0)
        keras.utils.set_random_seed(0)
        game = recipe.build(stripes.spec, **options)
        player = game.players[1]
        before, bias = player.loss, player.networks[0].trainable_variables[-1]
        player.make_optimizer = functools.partial(keras.optimizers.SGD, 10.0)

        def steep(game, batch):
            value, logs = before(game, batch)
            slope = keras.ops.where(keras.ops.equal(game.steps, 6 * tick), 3e38, 0.0)
            return value + slope * keras.ops.sum(bias - keras.ops.stop_gradient(bias)), logs

        player.loss = steep
        run = Run(tmp_path / "run", record)
        return game, lambda: run.train(game, stripes.batches(8, 0), say=str), run, bias

    return failing


def test_the_variable_is_named_and_the_game_goes_back(failing):
    game, go, run, bias = failing()
    with pytest.raises(Diverged) as failed:
        go()
    words = str(failed.value)
    assert words.startswith(f"The variable `{bias.path}` of the generator is not finite any more in epoch 2")
    assert "The last good state, after epoch 1, is kept." in words
    assert words.endswith("--set learning_rate=0.0001, a tenth, or look at the data for outliers.")
    assert game.steps_done == 6
    assert all(np.isfinite(value).all() for _, value in arrays(game) if value.dtype.kind == "f")
    assert Failure.read(run.failure).steps == 6
    assert [path.name for path in run.checkpoints.paths()] == ["step-000000006.safetensors"]


def test_a_loss_that_is_not_finite_is_named_with_the_first_variable(failing):
    game, go, _, _ = failing()
    before = game.players[0].loss

    def broken(game, batch):
        value, logs = before(game, batch)
        return value * keras.ops.where(game.steps < 8, 1.0, math.nan), logs

    game.players[0].loss = broken
    kernel = game.players[0].networks[0].weights[0].path
    with pytest.raises(Diverged, match=f"became nan in epoch 2: the variable `{kernel}` of the discriminator"):
        go()


def test_the_same_failure_is_not_tried_a_third_time(failing, monkeypatch):
    for times in (1, 2):
        _, go, run, _ = failing()
        with pytest.raises(Diverged, match="in epoch 2"):
            go()
        assert Failure.read(run.failure).times == times
    game, go, run, _ = failing()
    monkeypatch.setattr(game, "fit", None)
    with pytest.raises(Diverged, match="failed 2 times in the same place: The variable"):
        go()
    run.failure.unlink()
    _, go, run, _ = failing()
    with pytest.raises(Diverged, match="is not finite any more in epoch 2"):
        go()


def test_a_failure_that_is_overcome_is_forgotten(failing):
    with pytest.raises(Diverged):
        failing()[1]()
    _, go, run, _ = failing(tick=100)  # An accident of the machine: the same numbers come out right.
    go()
    assert Failure.read(run.failure).steps == 6
    _, go, run, _ = failing(tick=100)
    go()
    assert not run.failure.exists()


def test_a_first_tick_that_fails_has_no_state_to_go_back_to(failing):
    _, go, run, _ = failing(tick=1)
    with pytest.raises(Diverged, match="There is no good state before it"):
        go()
    assert not run.checkpoints.paths()
