"""The command line: flags, exit codes, messages, and that plain answers do without Keras."""

import errno
import json
import os
import signal
import subprocess
import sys
import types
from pathlib import Path

import pytest
import typer
import typer.main

import sparring
from sparring import environment
from sparring.applications.evaluating.report import Report
from sparring.cli import main
from sparring.cli.quiet import quiet_import
from sparring.errors import RunError, SparringError, UsageError
from sparring.metrics.resampling import Figure

FLAGS = {  # What users type. A change here is a change for all of them: a recipe's needs are options of that recipe.
    "inspect": "source --size --frames --stride --data-dir --out --target --column --recipe",
    "train": (
        "source --recipe --run --size --frames --stride --epochs --batch-size --patience --seed --data-dir --set"
        " --tensorboard --skip-unreadable --target --column --constraint --hold-out --devices"
    ),
    "sample": "run -n --label --where --seed --truncation --interpolate --frames --loop --out --trust",
    "translate": "run images --to --out --seed --pairs --trust",
    "stylize": "run content --style --to --strength --out --trust",
    "evaluate": "runs --data -n --extractor --inception-weights --i3d-weights --all --out --data-dir --trust",
    "augment": (
        "source --target --model --metric --out --anyway --minutes --folds --repeats --recipe --set --seed --size"
        " --data-dir --column"
    ),
    "recipes": "name",
}


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main.run([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def application(monkeypatch):
    """Put a function in the place of a verb's application; returns the list of calls it received."""

    def replace(verb, result):
        calls = []

        def stand_in(*arguments, **options):
            calls.append((arguments, options))
            if isinstance(result, BaseException):
                raise result
            return result

        module = types.ModuleType(f"sparring.applications.{'evaluating.' if verb == 'evaluate' else ''}{verb}")
        setattr(module, verb, stand_in)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return calls

    return replace


def a_run(folder="runs/1", stopped_by=None, kind="image"):
    return types.SimpleNamespace(folder=Path(folder), stopped_by=stopped_by, record=record_of(kind))


def record_of(kind):
    return types.SimpleNamespace(spec=types.SimpleNamespace(kind=kind))


def test_the_flags_are_frozen():
    commands = typer.main.get_command(main.app).commands
    found = {
        name: " ".join("/".join(parameter.opts) for parameter in command.params) for name, command in commands.items()
    }
    assert found == FLAGS


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["train", "-h"],
        ["inspect", "-h"],
        ["--version"],
        ["recipes"],
        ["recipes", "r3gan"],
        ["trian"],
        ["train", "--x"],
    ],
)
def test_plain_answers_do_without_keras(arguments):
    program = (
        "import sys\nfrom sparring.cli.main import run\n"
        f"try: run({arguments!r})\nexcept SystemExit: pass\n"
        "assert not {'keras', 'tensorflow', 'jax', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_help_keeps_to_80_columns_and_names_every_flag(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for verb, flags in FLAGS.items():
        assert call(verb, "--help") == 0
        text = capsys.readouterr().out
        assert max(map(len, text.splitlines())) <= 80
        assert all(flag.lower() in text.lower() for flag in flags.split())


def test_version(capsys):
    assert call("--version") == 0
    assert capsys.readouterr().out == f"sparring {sparring.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trian"], "Did you mean 'train'?"),
        (["train", "x", "--recpie", "y"], "--recipe"),
        (["train"], "Missing argument 'SOURCE'"),
        (["train", "x", "--epochs", "0"], "--epochs"),
        (["train", "x", "--recipe", "r3gna"], "Error: There is no recipe `r3gna`. Did you mean `r3gan`?"),
        (["train", "x", "--recipe", "r3gan", "--set", "widht=3"], "has no option `widht`. Did you mean `width`?"),
        (["train", "x", "--set", "widht=3"], "Error: No recipe has an option `widht`. Did you mean `width`?"),
        (["train", "x", "--epochs", "3", "--set", "images=9"], "Error: The length is given twice."),
        (["train", "x", "--set", "width"], "Error: A setting is written name=value"),
        (["train", "x", "--batch-size", "8", "--set", "batch_size=9"], "Error: The batch size is given twice."),
        (["train", "x", "--devices", "0"], "Error: `devices` must be a number from 1 on, or all. Received: devices=0"),
        (["sample", "nowhere"], "'nowhere' does not exist"),
        (["recipes", "dcgna"], "Did you mean `dcgan`?"),
    ],
)
def test_wrong_words_end_with_2_and_name_the_nearest(arguments, words, capsys):
    assert call(*arguments) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""


def test_train_hands_over_what_was_typed(application, capsys, tmp_path):
    calls = application("train", a_run(tmp_path / "my run"))
    flags = "--recipe r3gan --run r --size 48x64 --frames 8 --stride 2 --epochs 3 --batch-size 8"
    switches = "--patience 4 --seed 5 --data-dir d --tensorboard --skip-unreadable --devices 2"
    switches += " --target y --column zip=category --column a=date"
    assert call("train", "photos", *f"{flags} {switches}".split(), "--set", "width=128", "--set", "gamma=none",
                "--constraint", "a <= b", "--hold-out", "0.1") == 0  # fmt: skip
    ((arguments, options),) = calls
    (progress,) = options.pop("callbacks")
    assert progress.async_safe
    options.pop("say")("a note")
    assert arguments == ("photos",)
    assert options == {
        "target": "y",
        "columns": {"zip": "category", "a": "date"},
        "constraints": ["a <= b"],
        "hold_out": 0.1,
        "recipe": "r3gan",
        "run": Path("r"),
        "size": "48x64",
        "frames": 8,
        "stride": 2,
        "data_dir": Path("d"),
        "seed": 5,
        "epochs": 3,
        "batch_size": 8,
        "patience": 4,
        "options": {"width": 128, "gamma": None},
        "tensorboard": True,
        "skip_unreadable": True,
        "devices": "2",
    }
    out = capsys.readouterr().out
    assert out.startswith(f"The run is in '{tmp_path}/my run'.")
    assert out.endswith("a note\n")


def test_train_says_nothing_of_what_was_not_typed(application):
    calls = application("train", a_run())
    assert call("train", "photos") == 0
    options = calls[0][1]
    unset = ("recipe", "run", "size", "data_dir", "epochs", "batch_size", "devices")
    assert [options[name] for name in unset] == [None] * 7
    assert (options["seed"], options["options"], options["tensorboard"], options["skip_unreadable"]) == (
        0,
        {},
        False,
        False,
    )


def test_an_interrupted_run_ends_with_130_and_no_more_words(application, capsys):
    application("train", a_run(stopped_by=signal.SIGINT))
    assert call("train", "photos") == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (RunError("It broke."), 1, "Error: It broke.\n"),
        (UsageError("Wrong."), 2, "Error: Wrong.\n"),
        (KeyboardInterrupt(), 130, ""),
        (
            OSError(errno.ENOSPC, "No space left on device", "runs/1/state"),
            1,
            "Error: runs/1/state: the disk is full: free some space, then give the same command again.\n",
        ),
    ],
)
def test_errors_end_in_a_sentence(application, capsys, error, code, message):
    application("train", error)
    assert call("train", "photos") == code
    assert capsys.readouterr().err == message


def test_a_bug_keeps_its_traceback(application):
    application("train", ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        main.run(["train", "photos"])


def test_sample_hands_over_what_was_typed(application, capsys, tmp_path):
    calls = application("sample", tmp_path / "a.gif")
    flags = "-n 9 --label cat --label dog --where a==b --where c= --seed 4 --truncation 0.7 --interpolate 30"
    flags += " --frames 48 --loop"
    assert call("sample", tmp_path, *flags.split(), "--out", "a.gif", "--trust") == 0
    assert call("sample", tmp_path) == 0
    assert calls[0] == (
        (tmp_path,),
        {
            "n": 9,
            "labels": ["cat", "dog"],
            "where": {"a": "=b", "c": None},
            "seed": 4,
            "truncation": 0.7,
            "interpolate": 30,
            "frames": 48,
            "loop": True,
            "out": Path("a.gif"),
            "trust": True,
            "say": typer.echo,
        },
    )
    unset = dict.fromkeys(["n", "labels", "where", "truncation", "interpolate", "frames", "out"])
    unset |= {"seed": 0, "loop": False, "trust": False, "say": typer.echo}
    assert calls[1][1] == unset
    assert capsys.readouterr().out == f"Wrote {tmp_path}/a.gif\n" * 2


def a_report(name):
    figures = (
        Figure("fd", 12.3, 11.8, 12.8, 2.5, 50, "digits-v1"),
        Figure("coverage", 0.61, 0.55, 0.67, 0.96, 50, "digits-v1", warning="coverage takes more", ceiling=0.97),
        Figure("memorised", 0.02, 0.01, 0.03, 0.01, 50, "pixels"),
    )
    return Report(name, record_of("image"), 0, None, figures, (), "digits-v1", 50, 1, 60, 10, {}, "", 1.0)


def test_evaluate_prints_a_table(application, capsys, tmp_path):
    calls = application("evaluate", a_report("run"))
    sys.modules["sparring.applications.evaluating.evaluate"].compare = None
    assert call("evaluate", tmp_path, "-n", "50", "--data", "photos", "--all") == 0
    ((runs, options),) = calls
    unset = dict.fromkeys(("extractor", "inception_weights", "i3d_weights", "out", "data_dir")) | {"trust": False}
    assert runs == (tmp_path,)
    del options["progress"]
    assert options == {"data": "photos", "n": 50, "every": True, **unset}
    printed = capsys.readouterr().out
    lines = [line.split() for line in printed.splitlines()]
    assert lines[1] == ["[digits-v1,", "n=50,", "ref=train]"]
    assert lines[2] == ["fd", "12.30", "11.80", "to", "12.80", "2.5", "low"]
    assert lines[4][:4] == ["memorised[pixels,", "n=50,", "ref=train]", "2.0%"]
    assert "coverage is 0.97 at best." in printed
    assert "Careful: coverage takes more." in printed
    assert str(tmp_path / "report.html") in printed


def test_evaluate_prints_tables_beside_other_ways(application, capsys, tmp_path):
    names = ("shapes", "learnt_boosting", "copies")
    figures = tuple(Figure(name, 0.9, 0.874, 0.926, float("nan"), 9864, "table-v1") for name in names)
    beside = dict.fromkeys(("real", "shuffled", "copula", "SMOTE"), figures)
    application(
        "evaluate",
        Report("run", record_of("table"), 0, None, figures, (), "table-v1", 9864, 1, 9864, 10, {}, "", 1.0, beside),
    )
    sys.modules["sparring.applications.evaluating.evaluate"].compare = None
    assert call("evaluate", tmp_path, "--data", "rows.csv") == 0
    lines = capsys.readouterr().out.splitlines()
    cells = [line.split() for line in lines]
    assert cells[0] == ["figure", "value", "95", "%", "interval", "real", "shuffled", "copula", "SMOTE", "best"]
    assert ["learnt_boosting", "0.90", "0.87", "to", "0.93", *["0.90"] * 4, "high"] in cells
    assert any(line.startswith("real: rows that were held out") for line in lines)
    assert not any("floor" in line for line in lines)


def test_evaluate_compares_several(application, capsys, tmp_path):
    application("evaluate", None)
    stand_in = sys.modules["sparring.applications.evaluating.evaluate"]
    stand_in.compare = lambda runs, **options: [a_report(path.name) for path in runs]
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    assert call("evaluate", tmp_path / "one", tmp_path / "two") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["figure", "one", "two", "floor", "best"]


def test_recipes_lists_and_describes(capsys):
    assert call("recipes") == 0
    assert "r3gan" in capsys.readouterr().out
    assert call("recipes", "r3gan") == 0
    text = capsys.readouterr().out
    assert "gamma" in text
    assert "float | None" in text
    assert "Args:" not in text


def test_a_backend_that_is_not_supported_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(environment, "_loaded", lambda: "torch")
    assert call("train", "photos") == 1
    assert "Keras backends tensorflow and jax. Received: KERAS_BACKEND=torch" in capsys.readouterr().err


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine before Keras is imported: which backends are installed, what keras.json and KERAS_BACKEND say."""

    def describe(installed, configured=None, chosen=None):
        monkeypatch.setattr(environment, "_loaded", lambda: None)
        monkeypatch.delitem(sys.modules, "keras", raising=False)
        monkeypatch.setattr(environment, "_is_installed", lambda name: name in installed)
        monkeypatch.setenv("KERAS_HOME", str(tmp_path))
        monkeypatch.setenv("KERAS_BACKEND", chosen or "")  # Set first, so that it is put back afterwards.
        if configured:
            (tmp_path / "keras.json").write_text(json.dumps({"backend": configured}))

    return describe


@pytest.mark.parametrize(
    ("installed", "configured", "chosen", "backend"),
    [
        ("tensorflow jax", None, None, "tensorflow"),
        ("jax", None, None, "jax"),
        ("tensorflow jax", None, "jax", "jax"),
        ("tensorflow jax", "jax", None, ""),  # Keras reads it itself.
        ("jax", "tensorflow", None, "jax"),  # Keras writes this file by itself.
        ("tensorflow", "torch", None, "tensorflow"),
    ],
)
def test_the_backend_is_settled_before_keras(machine, installed, configured, chosen, backend):
    machine(installed, configured, chosen)
    environment.require_backend()
    assert os.environ["KERAS_BACKEND"] == backend


@pytest.mark.parametrize(
    ("installed", "chosen", "words"),
    [
        ("", None, "No backend is installed: sparring needs TensorFlow or JAX. Install one with: pip install"),
        ("tensorflow", "jax", "KERAS_BACKEND=jax asks for JAX, which is not installed"),
        ("tensorflow torch", "torch", "Received: KERAS_BACKEND=torch"),
    ],
)
def test_without_a_backend_heavy_names_say_what_to_do(machine, installed, chosen, words):
    machine(installed, None, chosen)
    environment.choose_backend()
    sparring.__dict__.pop("train", None)
    with pytest.raises(SparringError, match=words):
        _ = sparring.train
    assert sparring.SparringError is SparringError


def test_the_front_door_names_the_nearest():
    with pytest.raises(AttributeError, match="Did you mean `train`"):
        _ = sparring.trian
    assert "open_source" in dir(sparring)


def test_only_the_chatter_of_the_import_is_held_back(capfd):
    with quiet_import():
        os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n")
        os.write(2, b"I0000 00:00:1795340959.575873    5464 port.cc:153] oneDNN custom operations are on.\n")
        os.write(2, b"Something else\n")
    assert capfd.readouterr().err == "Something else\n"
