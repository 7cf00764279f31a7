"""Two processes that train together: the same numbers as one, and one run between them. And the words for devices."""

import json
import signal
import socket

import keras
import numpy as np
import pytest

import devices_process
from devices_process import RECIPES
from equal_process import BATCH_SIZE, STEPS, build, save_starts, source_for, start_script, take_steps
from sparring import backend
from sparring.applications.train import train
from sparring.environment import count_devices, parse_devices
from sparring.errors import UsageError
from sparring.training.checkpoint import Checkpoints
from sparring.training.run import Run
from test_equal import TOLERANCE, difference, part, read

pytestmark = pytest.mark.xdist_group("devices")  # What its tests share is made once.

BACKEND = keras.config.backend()
PROCESSES = 2


def free_ports():
    sockets = [socket.socket() for _ in range(PROCESSES)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start_process(number, ports, starts, results):
    addresses = [f"127.0.0.1:{port}" for port in ports]
    task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": number}}
    environment = {
        "TF_CONFIG": json.dumps(task),
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": ",".join(addresses),
        "KERAS_DISTRIBUTION_NUM_PROCESSES": str(PROCESSES),
        "KERAS_DISTRIBUTION_PROCESS_ID": str(number),
        "XLA_FLAGS": "--xla_backend_optimization_level=0",
    }
    output = results / f"output-{number}.txt"
    return start_script(devices_process.__file__, (starts, results), output, environment)


@pytest.fixture(scope="module")
def starts(tmp_path_factory):
    return save_starts(tmp_path_factory.mktemp("starts"), RECIPES)


@pytest.fixture(scope="module")
def running(starts, tmp_path_factory):
    """The processes, started at once, and the folder of their results."""
    results = tmp_path_factory.mktemp("results")
    ports = free_ports()
    processes = [start_process(number, ports, starts, results) for number in range(PROCESSES)]
    yield processes, results
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def here(starts, running):
    """The outcome of every recipe in this process, which works beside the others."""
    return {name: take_steps(name, starts)[1] for name in RECIPES}


@pytest.fixture
def results(running):
    """A folder for each process with its outcome, once all have ended."""
    processes, folder = running
    codes = [process.wait(timeout=600) for process in processes]
    # Where one dies the other tells only that it did, so what each wrote is shown.
    written = [(folder / f"output-{number}.txt").read_text()[-3000:] for number in range(PROCESSES)]
    assert codes == [0] * PROCESSES, "\n".join(written)
    return [folder / str(number) for number in range(PROCESSES)]


@pytest.mark.parametrize("name", RECIPES)
def test_two_processes_are_as_one(name, here, results):
    expected, found = here[name], read(results[0] / f"{name}.npz")
    worst, share = difference(expected, found)
    print(f"{share:.1e} in {worst}")  # pytest -rP shows it.
    assert share < TOLERANCE[name], worst
    for key, value in part(expected, "logs/").items():
        np.testing.assert_allclose(found[f"logs/{key}"], value, rtol=1e-5, atol=1e-6 if "score" in key else 0)


@pytest.mark.parametrize("name", RECIPES)
def test_both_processes_have_the_same_state(name, results):
    first, second = (part(read(folder / f"{name}.npz"), "state/") for folder in results)
    for key, value in first.items():
        np.testing.assert_array_equal(second[key], value, err_msg=key)


@pytest.mark.parametrize("name", RECIPES)
def test_each_process_works_on_its_rows_of_every_batch(name, here, results):
    found = [read(folder / f"{name}.npz") for folder in results]
    for step in range(STEPS):
        for key, rows in part(here[name], f"seen/{step}/0/").items():
            halves = [
                value for one in found for at, value in part(one, f"seen/{step}/").items() if at.endswith(f"/{key}")
            ]
            assert [len(half) for half in halves] == [BATCH_SIZE // PROCESSES] * PROCESSES
            np.testing.assert_array_equal(np.concatenate(halves), rows)


def test_a_run_of_two_processes_goes_on_where_it_was(results):
    for folder in results:
        found = read(folder / "run.npz")
        assert found["whole/finished"]
        for key, value in part(found, "whole/").items():
            np.testing.assert_array_equal(found[f"pieces/{key}"], value, err_msg=key)


def test_one_process_writes_and_all_agree(results):
    told = [json.loads((folder / "about.json").read_text()) for folder in results]
    assert [one["chief"] for one in told] == [True, False]
    assert [one["gathered"] for one in told] == [[0, 1]] * PROCESSES
    for one in told:
        assert "different data, options, or checkpoints" in one["refused"]
    lines = (results[0].parent / "run" / "whole" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["tick"] for line in lines] == [1, 2]


def test_a_signal_to_one_process_ends_all_after_the_same_step(results):
    told = [json.loads((folder / "about.json").read_text())["interrupted"] for folder in results]
    # They ask each other when a tick of 6 steps begins, and Keras takes the step that has begun.
    assert told == [[7, signal.SIGINT]] * PROCESSES
    assert Checkpoints(results[0].parent / "interrupted" / "state").paths()[0].stem == "step-000000007"


def test_a_process_that_does_not_write_leaves_the_folder_alone(tmp_path, monkeypatch):
    game = build("article")
    monkeypatch.setattr(type(game), "is_chief", False)
    data = source_for("article")
    Run(tmp_path / "run", devices_process.record_of(data)).train(game, data.batches(BATCH_SIZE), say=lambda text: None)
    assert game.finished
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("word", "parsed"), [(None, None), ("all", "all"), ("2", 2), (3, 3)])
def test_devices_are_a_number_or_all(word, parsed):
    assert parse_devices(word) == parsed


@pytest.mark.parametrize("word", ["0", 0, -1, "two", "1.5", ""])
def test_other_words_for_devices_are_refused(word):
    with pytest.raises(UsageError, match="number from 1 on, or all"):
        parse_devices(word)


@pytest.mark.parametrize(("devices", "count"), [(None, 1), ("all", 3), (2, 2)])
def test_devices_are_counted(devices, count):
    assert count_devices(devices, ["a", "b", "c"], several_processes=False) == count


def test_devices_of_several_processes_are_all_of_them():
    assert count_devices(None, ["a", "b"], several_processes=True) == 2
    with pytest.raises(UsageError, match="leave `devices` out"):
        count_devices(1, ["a", "b"], several_processes=True)


def test_more_devices_than_there_are_is_an_answer_in_a_sentence(tmp_path):
    with pytest.raises(UsageError, match=r"`devices` must be at most \d+, as many as there are here \(.+\)"):
        train(source_for("article"), recipe="article", run=tmp_path / "run", devices=64, say=lambda text: None)
    assert not (tmp_path / "run").exists()


def test_one_device_is_the_default():
    with backend.devices_scope(None):
        assert backend.num_devices() == 1
        game = build("article")
    assert (game.is_chief, game.num_processes, game.gather(5)) == (True, 1, {5})


@pytest.mark.skipif(BACKEND != "tensorflow", reason="JAX compiles one program for all devices")
def test_xla_compiles_for_one_device_only(monkeypatch):
    monkeypatch.setattr(backend.chosen, "accelerated", lambda: True)
    assert backend.jit_compile()
    monkeypatch.setattr(backend.chosen, "num_replicas", lambda: 2)
    assert not backend.jit_compile()
