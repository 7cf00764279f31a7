"""What `augment` has found, as a table, as JSON and as data on disk."""

import dataclasses
import datetime
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import sklearn

import sparring
from sparring import backend
from sparring.applications.augmenting.subject import TUNED, WEIGHTS, Subject
from sparring.bundle.pictures import safe_names, save_folder
from sparring.bundle.tables import save_table
from sparring.files import replace_file
from sparring.metrics.verdict import Effect, Verdict


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """The verdict, what it rests on, and the data it recommends.

    `str` of it is the table and the verdict.

    Attributes:
        verdict: Every effect with its interval, and a finding for each model.
        metric: What scores are.
        noun: "rows" or "images".
        scores: By model and way the score of each split.
        protocol: What one must know to do it again.
        added: The way that `data` were made in.
        data: All real examples and what was added, if anything: a DataFrame with a column `synthetic`, or arrays
            "image", "label" and "synthetic".
    """

    verdict: Verdict
    metric: str
    noun: str
    scores: Mapping[str, Mapping[str, tuple[float, ...]]]
    protocol: Mapping[str, Any]
    added: str
    data: pd.DataFrame | dict[str, np.ndarray]

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        return self.verdict.sentence(self.metric, self.noun)

    @property
    def helps(self) -> bool:
        """Whether synthetic examples are recommended."""
        return self.verdict.findings[0].outcome == "help"

    @property
    def num_added(self) -> int:
        """Examples that were added to the real ones."""
        return int(np.sum(self.data["synthetic"]))

    def table(self) -> list[list[str]]:
        """A header, and for each model a row for each way."""
        found = [[self.metric, "score", "gain", "interval", ""]]
        for effect in self.verdict.effects:
            if effect.way.kind == "nothing":
                found += [[effect.model, "", "", "", ""], [f"  {effect.way.name}", f"{effect.score:.3f}", "", "", ""]]
            else:
                found.append(
                    [
                        f"  {effect.way.name}",
                        f"{effect.score:.3f}",
                        f"{effect.difference:+.3f}",
                        f"{effect.low:+.3f} to {effect.high:+.3f}",
                        _word(effect),
                    ]
                )
        return found

    def notes(self) -> list[str]:
        """What to know of the table, a sentence each."""
        p, verdict = self.protocol, self.verdict
        times = {1: "once", 2: "twice"}.get(p["repeats"], f"{p['repeats']} times")
        splits = f"{len(p['splits'])} splits ({p['folds']} folds, {times})"
        return [
            f"Means of {splits}, each with a generator that never saw the {self.noun} it is judged by.",
            f"All intervals hold together with {100 * (1 - verdict.level):.0f} %, over {verdict.looks} looks.",
        ]

    def __str__(self) -> str:
        rows = self.table()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join([*lines, "", *self.notes(), "", self.sentence])

    def as_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "format": 1,
            "verdict": self.sentence,
            "findings": [
                {
                    "model": finding.model,
                    "outcome": finding.outcome,
                    "synthetic": finding.synthetic.way.name,
                    "rival": finding.rival and finding.rival.way.name,
                    "recommended": finding.recommended.name,
                }
                for finding in self.verdict.findings
            ],
            "metric": self.metric,
            "level": self.verdict.level,
            "looks": self.verdict.looks,
            "effects": [
                dataclasses.asdict(effect) | {"way": effect.way.name, "kind": effect.way.kind}
                for effect in self.verdict.effects
            ],
            "scores": {model: {way: list(s) for way, s in ways.items()} for model, ways in self.scores.items()},
            "protocol": dict(self.protocol),
            "added": {"way": self.added, self.noun: self.num_added},
        }


def protocol(
    subject: Subject,
    recipe: str,
    options: Mapping[str, Any],
    folds: int,
    repeats: int,
    seed: int,
    splits: Sequence[tuple[np.ndarray, np.ndarray]],
) -> dict[str, Any]:
    """What one must know to do it again: with these options the length of the training depends on no clock."""
    return {
        **subject.about,
        subject.noun: subject.count,
        "test": "corrected resampled t-test (Nadeau and Bengio 2003), Bonferroni over all looks",
        "folds": folds,
        "repeats": repeats,
        "seed": seed,
        "splits": [
            {"train": len(train), "test": len(test), "generator_seed": seed + number}
            for number, (train, test) in enumerate(splits)
        ],
        "recipe": recipe,
        "options": dict(options),
        "versions": {
            "sparring": sparring.__version__,
            "keras": keras.__version__,
            "backend": backend.name,
            "scikit-learn": sklearn.__version__,
        },
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def write(found: Augmentation, out: Path, classes: Sequence[str] = ()) -> None:
    """The data at `out`, and the report: `NAME.report.json` beside a table, `report.json` in a folder of images.

    Images lie in `real/CLASS/` and `synthetic/CLASS/`, and `labels.csv` names file, label and whether it is synthetic:
    `open_source` reads such a folder.
    """
    report = json.dumps(found.as_json(), indent=2, allow_nan=False).encode() + b"\n"
    if isinstance(found.data, pd.DataFrame):
        out.parent.mkdir(parents=True, exist_ok=True)
        save_table(found.data, out)
        replace_file(out.with_name(f"{out.stem}.report.json"), report)
        return
    data, lines, folders = found.data, [], safe_names(classes)
    for synthetic, part in ((False, "real"), (True, "synthetic")):
        for label, name in enumerate(classes):
            chosen = data["image"][(data["label"] == label) & (data["synthetic"] == synthetic)]
            if not len(chosen):
                continue
            folder = f"{part}/{folders[label]}"
            lines += [
                {"file": f"{folder}/{file}", "label": name, "synthetic": synthetic}
                for file in save_folder(chosen, out / folder)
            ]
    replace_file(out / "labels.csv", pd.DataFrame(lines).to_csv(index=False).encode())
    replace_file(out / "report.json", report)


def how_to_use(way: str) -> str:
    """What is left to do where the way recommended is no data."""
    if way == WEIGHTS.name:
        return "Nothing is added: give the model class_weight='balanced', or such sample weights."
    if way == TUNED.name:
        return "Nothing is added: tune the threshold, as TunedThresholdClassifierCV of scikit-learn does."
    return ""


def _word(effect: Effect) -> str:
    return "helps" if effect.helps else "hurts" if effect.hurts else ""
