"""What metrics of clips say about real clips, spoiled in known ways: the table by which to read a figure.

Moving MNIST at 32 pixels, clips of held-out digits against training clips; and Weizmann's four actions, where one half
of the clips is held against the other. Weizmann's clips come in mirrored pairs, which stay on one side.
"""

import argparse
import os
import pathlib
import tempfile
import time
from collections.abc import Mapping

from sparring.applications.evaluating.clip_figures import ClipSide, compare, of_motion
from sparring.data.clips.moving_mnist import MovingDigits
from sparring.data.clips.windows import Loaded, Windows
from sparring.metrics.clips.motion import motion_of
from sparring.metrics.clips.own import ClipExtractor
from sparring.metrics.clips.spoiling import SPOILED, spoil
from sparring.metrics.clips.vitals import ClipVitals
from sparring.metrics.extractor import Extractor
from sparring.metrics.extractors.random_filters import RandomExtractor

import numpy as np

FRAMES, SIZE = 16, (32, 32)
LOOKED_AT = 4  # Frames of a clip that are looked at one by one.
LOOK = 200  # Clips of a look during training.


def spoiled(clips: np.ndarray, others: np.ndarray) -> dict[str, np.ndarray]:
    """Clips of each kind, all from the same; `others` are as many of other content."""
    random = np.random.default_rng(0)
    count, frames = clips.shape[:2]
    noisy = clips + random.normal(0, 0.05 * 255, clips.shape)
    return {
        "real": clips,
        "noise, 5 %": np.clip(np.rint(noisy), 0, 255).astype(np.uint8),
        **{way: spoil(clips, others, np.full(count, SPOILED.index(way)), random) for way in SPOILED},
        "half of them frozen": np.concatenate(
            [clips[::2], spoil(clips, others, np.full(count, SPOILED.index("frozen")), random)[1::2]]
        ),
        "at half the pace": clips[:, np.arange(frames) // 2],
        "loops of 5 frames": clips[:, np.arange(frames) % 5],
        "10 unique clips": clips[:: max(1, count // 10)][random.integers(0, 10, count)],
    }


def side(
    clips: np.ndarray, extractor: ClipExtractor, frame_extractor: Extractor, **more: np.ndarray | None
) -> ClipSide:
    """What the judge of `sparring evaluate` knows of clips."""
    chosen = clips[:, np.arange(LOOKED_AT) * clips.shape[1] // LOOKED_AT]
    frames = frame_extractor(chosen.reshape(-1, *clips.shape[2:])).features
    seen = extractor(clips)
    return ClipSide(seen.features, seen.probabilities, frames.reshape(*chosen.shape[:2], -1), motion_of(clips), **more)


def print_table(
    training: tuple[np.ndarray, np.ndarray | None, np.ndarray],
    kinds: Mapping[str, np.ndarray],
    labels: Mapping[str, np.ndarray] | None,
    fingerprint: str,
) -> None:
    """The figures of clips of each kind against training clips, which come with labels and groups."""
    clips, classes, groups = training
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        extractor = ClipExtractor(
            clips, classes, groups=groups, fingerprint=fingerprint, folder=pathlib.Path(folder), say=print
        )
        print(f"{extractor.name}: {time.process_time() - started:.0f} s of processor")
    frame_extractor = RandomExtractor(
        clips[np.arange(len(clips)), np.arange(len(clips)) % FRAMES], fingerprint=fingerprint
    )
    real = side(clips, extractor, frame_extractor, labels=classes, groups=groups)
    look, floors = ClipVitals(clips, classes, LOOK), list[str]()
    for kind, samples in kinds.items():
        fake = side(samples, extractor, frame_extractor)
        found = compare(real, fake, extractor.name, frame_extractor.name) + of_motion(real, fake)
        cells = [f"{figure.value:.3g}" + _spread(figure.high - figure.value) for figure in found]
        if labels is not None:
            assert fake.probabilities is not None
            cells.append(f"{np.mean(fake.probabilities.argmax(axis=1) == labels[kind]):.2f}")
        if not floors:
            header = ["clips", *(figure.name for figure in found), *(["recognised"] if labels else []), "clip-sketch"]
            print(f"\n{fake.features.shape[0]} clips against {len(clips)}\n\n| {' | '.join(header)} |")
            print("|---" * len(header) + "|")
            floors = [f"{figure.floor:.3g}" for figure in found] + (
                [f"{extractor.accuracy.value:.2f}"] if labels else []
            )
        rows = np.arange(LOOK) * len(samples) // LOOK
        cells.append(f"{look(samples[rows])[look.name]:.3g}")
        print(f"| {kind} | {' | '.join(cells)} |", flush=True)
    print(f"| floor | {' | '.join(floors)} | {look.floor:.3g} |\n")


def moving_mnist(data: pathlib.Path, count: int) -> None:
    """Two digits that bounce; digits that change half-way move on as they did."""
    with np.load(data / "mnist.npz") as arrays:
        x_train, x_test = arrays["x_train"][..., None], arrays["x_test"][..., None]
    clips = MovingDigits(x_train, 0, count, FRAMES, 1, SIZE)[:]
    held_out, others = (MovingDigits(digits, 1, count, FRAMES, 1, SIZE)[:] for digits in (x_test, x_test[::-1]))
    kinds = spoiled(held_out, held_out[::-1])
    changed = held_out.copy()
    changed[:, FRAMES // 2 :] = others[:, FRAMES // 2 :]
    print("## Moving MNIST\n")
    print_table((clips, None, np.arange(count)), kinds | {"other digits from half-way": changed}, None, "moving32")


def weizmann(data: pathlib.Path, count: int) -> None:
    """Four actions; every second pair of mirrored clips is held out."""
    with np.load(data / "weizmann_64.npz") as arrays:
        frames, lengths, names = arrays["frames"], arrays["lengths"], arrays["label"]
    frames = frames.reshape(len(frames), 32, 2, 32, 2, 3).mean(axis=(2, 4)).round().astype(np.uint8)
    numbers = np.unique(names, return_inverse=True)[1].astype(np.int64)
    clips = np.split(frames, np.cumsum(lengths)[:-1])
    store = Loaded(clips, np.zeros((len(clips), 32), np.uint8))
    parts = []
    for remainder in (0, 1):
        chosen = np.flatnonzero((np.arange(len(clips)) // 2 % 2 == remainder) & (lengths >= FRAMES))
        windows = Windows(store, chosen, FRAMES)
        rows = np.arange(min(count, len(windows))) * len(windows) // min(count, len(windows))
        of = np.repeat(chosen, windows.counts)[rows]
        parts.append((windows[rows], numbers[of], of // 2))
    held_out, labels, _ = parts[1]
    order = np.random.default_rng(0).permutation(len(held_out))
    held_out, labels = held_out[order], labels[order]
    kinds = spoiled(held_out, held_out[::-1])
    of_kinds = dict.fromkeys(kinds, labels)
    kept = np.resize(np.flatnonzero(labels != 0), len(labels))
    kinds["no class 0"], of_kinds["no class 0"] = held_out[kept], labels[kept]
    del kinds["10 unique clips"], kinds["half of them frozen"]
    print("## Weizmann\n")
    print_table(parts[0], kinds, of_kinds, "weizmann")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=1000, help="of either side")
    options = parser.parse_args()
    data = pathlib.Path(os.environ["SPARRING_TEST_DATA"])
    moving_mnist(data, options.clips)
    weizmann(data, options.clips)


def _spread(spread: float) -> str:
    return f" ± {spread:.1g}" if np.isfinite(spread) and spread > 1e-6 else ""


if __name__ == "__main__":
    main()
