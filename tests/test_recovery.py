"""What a run promises: it survives a kill, a full disk and a damaged file, and ends as if nothing had happened."""

import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import threading
import time

import keras
import numpy as np
import pytest

import sparring
import training_process
from conftest import ONCE
from sparring.applications.train import train
from sparring.bundle.tensors import read_tensors
from sparring.data.source import open_source
from sparring.errors import RunError
from sparring.training import run as run_module
from sparring.training.callbacks import read_journal
from sparring.training.checkpoint import Checkpoints
from sparring.training.game import Game

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="signals and limits of POSIX"),
    pytest.mark.xdist_group("recovery"),  # What its tests share is made once.
]

# Of 48 images in batches of 8: ticks of 6 steps, and of 3.
RECIPES = {
    "article": {"width": 8, "latent_dim": 4, "images": 5 * 48},
    "dcgan": {"width": 4, "latent_dim": 4, "images": 5 * 48, "tick_images": 24},
}
STEPS = 30
# What a kill leaves does not depend on the backend; on JAX each process that starts compiles convolutions anew.
KILLED = ("article",) if keras.config.backend() == "jax" else tuple(RECIPES)


@pytest.fixture(scope="module")
def stripes_file(stripes, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "stripes.npz"
    np.savez(path, images=stripes.examples["image"], labels=stripes.examples["label"])
    return path


@pytest.fixture(scope="module")
def source(stripes_file):
    return open_source(stripes_file)


@pytest.fixture(scope="module")
def fork_server(tmp_path_factory):
    """Imports Keras once; every process of these tests is forked from it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", keras.config.backend())
        patch.setenv("PYTHONPATH", os.path.dirname(__file__), prepend=os.pathsep)  # noqa: PTH120
        # Every process of JAX would else spend most of its time on compiling the same again.
        patch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path_factory.mktemp("compiled")))
        patch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        patch.setenv("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["training_process"])
        first = context.Process(target=int)
        first.start()
        first.join()
    return context


class Command:
    """A `sparring train` that can be given again and again."""

    def __init__(self, context, data, folder, recipe, **options):
        self.context, self.folder, self.output = context, folder, folder.with_name(folder.name + ".txt")
        settings = [f"--set={name}={value}" for name, value in {**RECIPES.get(recipe, {}), **options}.items()]
        self.arguments = ["train", str(data), "--recipe", recipe, "--run", str(folder), "--batch-size=8", *settings]

    def start(self, mishap=None, at=0):
        self.output.unlink(missing_ok=True)
        process = self.context.Process(
            target=training_process.run, args=(self.arguments, str(self.output), mishap, at), daemon=True
        )
        process.start()
        return process

    def give(self, mishap=None, at=0):
        """Gives the command and returns its exit code, negative for a signal, and what it said."""
        process = self.start(mishap, at)
        process.join(120)
        text = self.output.read_text()
        assert "Traceback" not in text, text
        return process.exitcode, text


@pytest.fixture
def command(fork_server, stripes_file, tmp_path):
    return lambda recipe, **options: Command(fork_server, stripes_file, tmp_path / "run", recipe, **options)


@pytest.fixture(scope="module")
def straight(fork_server, stripes_file, tmp_path_factory):
    """The folder of a run of a recipe that nothing happened to."""
    folders = {}

    def straight(recipe):
        if recipe not in folders:
            command = Command(fork_server, stripes_file, tmp_path_factory.mktemp(recipe) / "run", recipe)
            code, text = command.give("compile_anew")
            assert code == 0, text
            folders[recipe] = command.folder
        return folders[recipe]

    return straight


def end_of(folder):
    """Everything a run leaves apart from times: a digest or the content by the name of the file."""
    end = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != ".lock"):
        name = str(path.relative_to(folder))
        if name == "log.jsonl":
            times = {"seconds", "images_per_second"}
            end[name] = [{k: v for k, v in line.items() if k not in times} for line in read_journal(path)]
        elif path.suffix == ".safetensors":
            end[name] = {key: (a.dtype.str, a.shape, a.tobytes()) for key, a in read_tensors(path)[0].items()}
        else:
            end[name] = path.read_bytes()
    return end


def assert_same_end(folder, straight):
    ends = end_of(folder), end_of(straight)
    assert list(ends[0]) == list(ends[1])
    assert list(ends[0]["log.jsonl"]) == list(ends[1]["log.jsonl"])
    assert [name for name in ends[0] if ends[0][name] != ends[1][name]] == []


def newest(folder):
    return Checkpoints(folder / "state").paths()[0]


def steps_in(path):
    (steps,) = (value for name, value in read_tensors(path)[0].items() if name.endswith(".steps"))
    return int(steps)


def go_on(source, folder, recipe="article", callbacks=(), **options):
    """The same command in this process; returns the run and what it said."""
    said = []
    options = {**RECIPES.get(recipe, {}), **options}
    done = train(source, recipe=recipe, run=folder, batch_size=8, options=options, callbacks=callbacks, say=said.append)
    return done, said


def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "run")


# Kills

# A new run flushes recipe.json (1, 2), and then for each tick the log (3), the samples (4, 5), three files of the
# bundle (6 to 11) and the checkpoint (12, 13); one that goes on flushes the log once more (3, 4) before its ticks.
KILLS = {
    "article": [
        ("kill_inside_write", 1),  # Nothing but half of a recipe.json under another name.
        ("kill_at_write", 2),  # The record is there and nothing else.
        ("kill_inside_write", 3),  # The log has a line whose tick is lost,
        ("kill_inside_write", 14),  # and so is this one: half a checkpoint. The log was there, so it is two later.
        ("kill_at_write", 15),  # Tick 1 is stored.
        ("kill_inside_write", 3),  # Half of a log that is rewound,
        ("kill_at_write", 4),
        ("kill_inside_write", 5),
        ("kill_inside_write", 14 + 9),  # a bundle that is half of tick 2 and half of tick 3,
        ("kill_at_write", 14 + 12),  # and tick 3, stored: the oldest of three checkpoints is not removed yet.
    ],
    "dcgan": [("kill_inside_write", 12 + 11), ("kill_at_write", 14 + 8)],
}


@pytest.mark.parametrize("recipe", KILLED)
def test_killed_while_it_writes(recipe, command, straight):
    run = command(recipe)
    for mishap, at in KILLS[recipe]:
        assert run.give(mishap, at)[0] == -signal.SIGKILL, (mishap, at)
    assert run.give()[0] == 0
    assert_same_end(run.folder, straight(recipe))


@pytest.mark.parametrize("recipe", KILLED)
def test_killed_at_random(recipe, command, straight):
    run, moments = command(recipe), random.Random(0)
    for _ in range(3):
        process, before = run.start(), list_of_writes(run.folder)
        while process.is_alive() and list_of_writes(run.folder) == before:
            time.sleep(0.002)
        process.join(moments.uniform(0, 0.4))
        process.kill()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL), run.output.read_text()
    assert run.give()[0] == 0
    assert_same_end(run.folder, straight(recipe))


def list_of_writes(folder):
    return [os.listdir(folder / name) for name in ("samples", "state") if (folder / name).exists()]  # noqa: PTH208


# Signals


@pytest.mark.parametrize("recipe", KILLED)
def test_ctrl_c_and_a_polite_kill_end_after_the_step(recipe, command, straight):
    run = command(recipe)
    code, text = run.give("interrupt_twice_at_step", 8)  # The second says: at once.
    assert code == 130
    assert steps_in(newest(run.folder)) == 6
    whole = 6 if recipe == "article" else 3
    steps = 6
    for mishap, at, exit_code in (("interrupt_at_step", 2, 130), ("terminate_at_step", 3, 143)):
        code, text = run.give(mishap, at)
        steps += at
        assert code == exit_code
        assert steps_in(newest(run.folder)) == steps
        assert newest(run.folder).name == f"step-{steps:09d}.safetensors"
        assert len(read_journal(run.folder / "log.jsonl")) == steps // whole
        assert text.endswith(
            f"Stopped after {steps} steps; the state is saved. Give the same command again to go on.\n"
        )
    assert steps % whole
    code, text = run.give()
    assert code == 0
    assert "Going on after " in text
    assert_same_end(run.folder, straight(recipe))


class At(keras.callbacks.Callback):
    """Calls `action()` after a step, or at the end of the tick that this step ends."""

    def __init__(self, step, action, at_end_of_tick=False):
        super().__init__()
        self.step, self.action = step, action
        self.hook = "on_epoch_end" if at_end_of_tick else "on_train_batch_end"
        setattr(self, self.hook, self._look)
        self.steps = None

    def on_train_batch_begin(self, batch, logs=None):
        self.steps = (self.steps or 0) + 1  # In this process; JAX does not keep the game's counter while it fits.

    def _look(self, number, logs=None):
        if self.steps == self.step:
            self.action()


def test_a_signal_after_the_last_step_finishes_the_run(source, straight, tmp_path):
    folder = copy(straight("article"), tmp_path)
    newest(folder).unlink()
    ask = At(6, lambda: os.kill(os.getpid(), signal.SIGTERM), at_end_of_tick=True)
    done, said = go_on(source, folder, callbacks=[ask])
    assert done.stopped_by is None
    assert not any("Stopped" in sentence for sentence in said)
    assert_same_end(folder, straight("article"))


def test_a_thread_can_train(source, straight, tmp_path):
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    thread = threading.Thread(target=go_on, args=(source, tmp_path / "run"))
    thread.start()
    thread.join()
    assert_same_end(tmp_path / "run", straight("article"))
    assert handlers == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


# Damage


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def flip_a_bit(path):
    data = bytearray(path.read_bytes())
    data[-500] ^= 4
    path.write_bytes(data)


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [cut, flip_a_bit, empty])
def test_a_damaged_checkpoint_is_passed_over(damage, source, straight, tmp_path):
    folder = copy(straight("article"), tmp_path)
    bad, good = Checkpoints(folder / "state").paths()
    damage(bad)
    _, said = go_on(source, folder)
    (warning,) = (sentence for sentence in said if sentence.startswith("Warning: "))
    assert str(bad) in warning
    assert warning.endswith("It is removed, and the checkpoint before it is taken.")
    assert steps_in(good) == STEPS - 6
    assert_same_end(folder, straight("article"))


def test_without_a_good_checkpoint_nothing_is_trained(source, straight, tmp_path):
    folder = copy(straight("article"), tmp_path)
    paths = Checkpoints(folder / "state").paths()
    for path, damage in zip(paths, (cut, flip_a_bit), strict=True):
        damage(path)
    before = end_of_damaged(folder)
    with pytest.raises(RunError, match=r"No checkpoint in .* can be read: .*truncated.*sha256.*Copy one back"):
        go_on(source, folder)
    assert end_of_damaged(folder) == before


def end_of_damaged(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# A disk that is full


def assert_unwritable(run, code, text, reason, path):
    last = newest(run.folder)
    assert code == 1
    (sentence,) = (line for line in text.splitlines() if line.startswith("Error: "))
    assert text.endswith(sentence + "\n")
    assert re.match(f"Error: {reason}: {re.escape(str(run.folder))}/{path}", sentence)
    assert f"the last checkpoint, {last}, is intact" in sentence
    assert int(last.name[5:14]) == steps_in(last)
    assert not list(run.folder.rglob("*.tmp"))


@ONCE
def test_a_full_disk_costs_no_more_than_the_tick(command, straight):
    run = command("article")
    code, text = run.give("full_disk_at_write", 12)
    assert code == 1
    assert "there is no checkpoint yet" in text
    assert run.give("full_disk_at_write", 16)[0] == 1  # After the first checkpoint, in the log of the next tick.
    snapshot = "(bundle|last)/weights.safetensors"  # Whether it is the best is for its figure to say.
    for write, path in ((6, "samples/tick-00002.png"), (8, snapshot), (14, "state/step-000000012")):
        code, text = run.give("full_disk_at_write", write)
        assert_unwritable(run, code, text, "The disk is full", path)
    assert run.give()[0] == 0
    assert_same_end(run.folder, straight("article"))


@ONCE
def test_a_checkpoint_that_may_not_grow(command, straight):
    run = command("dcgan")
    size = newest(straight("dcgan")).stat().st_size
    code, text = run.give("limit_file_size", size - 1)
    assert_unwritable(run, code, text, "File too large", "state/step-000000009")
    assert run.give()[0] == 0
    assert_same_end(run.folder, straight("dcgan"))


def test_an_error_of_another_file_is_not_the_run_s(source, tmp_path):
    def fail():
        raise FileNotFoundError(2, "No such file", "/elsewhere/list.txt")

    with pytest.raises(FileNotFoundError, match="elsewhere"):
        go_on(source, tmp_path / "run", callbacks=[At(2, fail)])


# The same folder


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"width": 9}, "width=8 there, width=9 here"),
        ({"seed": 1}, "seed=0 there, seed=1 here"),
        ({"data": True}, "the data has changed"),
    ],
    ids=lambda value: str(value),
)
def test_another_run_s_folder_is_refused(change, words, source, straight, tmp_path):
    folder = copy(straight("article"), tmp_path)
    before = end_of(folder)
    data = source
    if change.pop("data", False):
        other = source.examples["image"].copy()
        other[0, 0, 0, 0] ^= 1
        np.savez(tmp_path / "stripes.npz", images=other, labels=source.examples["label"])
        data = open_source(tmp_path / "stripes.npz")
    seed = change.pop("seed", 0)
    with pytest.raises(RunError) as refused:
        train(data, recipe="article", run=folder, batch_size=8, seed=seed, options=RECIPES["article"] | change, say=str)
    assert str(refused.value).startswith(f"{folder} holds another run: ")
    assert words in str(refused.value)
    assert end_of(folder) == before


@ONCE
def test_a_run_from_before_its_recipe_had_an_option_goes_on_with_the_default(source, straight, tmp_path):
    folder = copy(straight("article"), tmp_path)
    record = json.loads((folder / "recipe.json").read_text())
    del record["options"]["learning_rate"]
    (folder / "recipe.json").write_text(json.dumps(record))
    with pytest.raises(RunError, match=r"learning_rate=\S+ there, learning_rate=0\.1 here"):
        go_on(source, folder, images=7 * 48, learning_rate=0.1)
    go_on(source, folder, images=7 * 48)
    go_on(source, tmp_path / "straight", images=7 * 48)
    assert_same_end(folder, tmp_path / "straight")


@ONCE
@pytest.mark.parametrize(("recipe", "words"), [("article", "5 of 7 epochs"), ("dcgan", "10 of 14 ticks")])
def test_more_images_go_on(source, straight, tmp_path, recipe, words):
    folder = copy(straight(recipe), tmp_path)
    _, said = go_on(source, folder, recipe, images=7 * 48)
    assert f"Going on after {words} in {folder}." in said
    go_on(source, tmp_path / "straight", recipe, images=7 * 48)
    assert_same_end(folder, tmp_path / "straight")


def test_a_finished_run_says_so(command, straight, tmp_path):
    copy(straight("article"), tmp_path)
    run = command("article")
    last = newest(run.folder).stat().st_mtime_ns
    code, text = run.give()
    assert code == 0
    assert f"The run in {run.folder} is finished: 5 epochs." in text
    assert newest(run.folder).stat().st_mtime_ns == last
    assert_same_end(run.folder, straight("article"))


def test_one_process_at_a_time(command, source, straight, tmp_path):
    run = command("article")
    process = run.start("wait_at_step", 8)
    while process.is_alive() and not (run.folder / "state").exists():
        time.sleep(0.01)
    with pytest.raises(RunError, match=r"Another process is training in .*run\. Wait"):
        go_on(source, run.folder, images=7 * 48)
    assert json.loads((run.folder / "recipe.json").read_text())["options"]["images"] == 5 * 48
    process.kill()
    process.join()
    go_on(source, run.folder)
    assert_same_end(run.folder, straight("article"))


@ONCE
def test_a_run_that_another_process_begins_meanwhile_is_no_strange_folder(source, tmp_path, monkeypatch):
    """Of several that train together one makes the folder, at any moment for the others."""
    begun = train(source, recipe="article", options=RECIPES["article"] | {"images": 48}, run=tmp_path / "begun")
    names_in = run_module._names_in

    def begin_and_list(folder):
        folder.mkdir()
        shutil.copy(begun.folder / "recipe.json", folder)
        return names_in(folder)

    monkeypatch.setattr(run_module, "_names_in", begin_and_list)
    assert run_module.Run(tmp_path / "late", begun.record).journal == tmp_path / "late" / "log.jsonl"


def test_a_folder_of_something_else_is_refused(source, tmp_path):
    (tmp_path / "holiday.txt").write_text("")
    with pytest.raises(RunError, match="is not empty and holds no run"):
        go_on(source, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.txt"]
    with pytest.raises(RunError, match=r"holiday\.txt cannot be read: Not a directory"):
        go_on(source, tmp_path / "holiday.txt")
    with pytest.raises(RunError, match=r"Not a directory: .* could not be written"):
        go_on(source, tmp_path / "holiday.txt" / "run")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"\xff\x00", "'the whole': Invalid JSON"),
        (b"", "'the whole': Invalid JSON"),
        (b"[]", "'the whole': Input should be an object"),
        (b'{"format": 2}', "'format': Input should be 1"),
    ],
)
def test_a_record_that_cannot_be_read(text, words, source, tmp_path):
    (tmp_path / "recipe.json").write_bytes(text)
    with pytest.raises(RunError) as refused:
        go_on(source, tmp_path)
    assert str(refused.value).startswith(f"{tmp_path / 'recipe.json'} cannot be used: {words}")
    assert (tmp_path / "recipe.json").read_bytes() == text


def test_a_damaged_log_is_kept_as_far_as_it_is_good(source, straight, tmp_path):
    folder = copy(straight("article"), tmp_path)
    lines = (folder / "log.jsonl").read_text().splitlines()
    (folder / "log.jsonl").write_bytes("\n".join([*lines[:2], '"?"', *lines[2:]]).encode() + b"\n\xff\x00")
    go_on(source, folder)
    assert end_of(folder)["log.jsonl"] == end_of(straight("article"))["log.jsonl"][:2]


# Training that fails

OWN = '''
import functools
import keras
from keras import ops
from sparring import Game, Player
from sparring.recipes.images.classic import article

def _broken(game, player, loss, **options):
    before = player.loss
    def broken(game, batch):
        value, logs = before(game, batch)
        return value + loss(game), logs
    player.loss = broken
    return game

def nan_after(spec, *, images: int, batch_size: int = 8) -> Game:
    """A loss that is not a number from step 15 on."""
    game = article(spec, images=images, batch_size=batch_size, width=8, latent_dim=4)
    return _broken(game, game.players[1], lambda game: ops.where(game.steps < 15, 0.0, float("nan")))

def infinite_after(spec, *, images: int, batch_size: int = 8) -> Game:
    """Weights that become infinite in the last move of the third tick, all losses being finite."""
    game = article(spec, images=images, batch_size=batch_size, width=8, latent_dim=4)
    player = game.players[1]
    bias = player.networks[0].trainable_variables[-1]
    player.make_optimizer = functools.partial(keras.optimizers.SGD, 10.0)
    steep = lambda game: ops.where(ops.equal(game.steps, 18), 3e38, 0.0)
    return _broken(game, player, lambda game: steep(game) * ops.sum(bias - ops.stop_gradient(bias)))
'''


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ("nan_after", "generator_loss became nan in epoch 3: the variable `"),
        ("infinite_after", "` of the generator is not finite any more in epoch 3"),
    ],
)
def test_nothing_of_a_tick_that_is_not_finite_is_kept(recipe, words, command, tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    run = command(f"{tmp_path / 'own.py'}:{recipe}", images=5 * 48)
    code, text = run.give()
    assert code == 1
    assert words in text.splitlines()[-1]
    assert "The last good state, after epoch 2, is kept. Begin another run (--run) with" in text.splitlines()[-1]
    assert [line["tick"] for line in read_journal(run.folder / "log.jsonl")] == [1, 2]
    assert sorted(path.name for path in (run.folder / "samples").iterdir()) == ["tick-00001.png", "tick-00002.png"]
    assert [steps_in(path) for path in Checkpoints(run.folder / "state").paths()] == [12, 6]
    tensors, _ = read_tensors(newest(run.folder))
    assert all(np.isfinite(tensor).all() for tensor in tensors.values())
    last = run.folder / "last"
    bundle = sparring.load(last if last.exists() else run.folder, trust=True)
    assert bundle.images_seen == 12 * 8
    assert np.isfinite(bundle.generate(bundle.latents(4))).all()


@pytest.mark.parametrize("step", [8, 12])
def test_a_stop_iteration_does_not_cut_a_tick_short(step, source, straight, tmp_path, monkeypatch):
    monkeypatch.setattr(Game, "most_at_once", 1)  # Else no callback is called after such a step.

    def stop():
        raise StopIteration

    with pytest.raises(RunError, match=f"raised StopIteration after {step} steps"):
        go_on(source, tmp_path / "run", callbacks=[At(step, stop)])
    assert len(read_journal(tmp_path / "run" / "log.jsonl")) == 1
    go_on(source, tmp_path / "run")
    assert_same_end(tmp_path / "run", straight("article"))


def test_a_callback_may_end_the_training(source, straight, tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    done, _ = go_on(source, tmp_path / "run", callbacks=[Stop()])
    assert done.stopped_by is None
    assert steps_in(newest(tmp_path / "run")) == 6
    go_on(source, tmp_path / "run")
    assert_same_end(tmp_path / "run", straight("article"))
