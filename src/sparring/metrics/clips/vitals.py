"""What a look at clips during training tells, in a few cheap figures."""

import numpy as np

from sparring.metrics.clips.motion import are_frozen, motion_of, usual_energy
from sparring.metrics.extractor import Extractor, Seen
from sparring.metrics.recognition import Images
from sparring.metrics.sketch import Sketch
from sparring.metrics.vitals import Vitals, evenly, rounded

REFERENCE = 1000  # Training clips, evenly spaced, that samples are compared with.
SAMPLES = 200  # Of a look: clips are drawn frame by frame.


class ClipSketch:
    """A `Sketch` of what a clip begins with, and of what changes: at once, over half of it, and over the other half.

    Four pictures as the channels of one, so that filters see edges that move. Cheap, of any clips, without weights.

    Args:
        real: uint8 (N, frames, H, W, C), at least two different ones, that fix scales and directions.

    Attributes:
        name: With its version.
    """

    name = "clip-sketch-v1"

    def __init__(self, real: Images):
        self._sketch = Sketch(_pictures(real[:]))

    def __call__(self, clips: Images) -> Seen:
        """Features (N, 64) of uint8 clips of the size of the real ones."""
        return self._sketch(_pictures(clips[:]))


class ClipVitals(Vitals):
    """Compares clips with fixed training clips: `Vitals` of clips (N, frames, H, W, C), and how these move.

    Its figures are those of `Vitals` and

    - `motion`: the mean energy of motion, over the same of training clips; 1 is due.
    - `frozen`: the share of clips that move less than a tenth of what training clips usually do, see `are_frozen`.
    """

    most = REFERENCE

    def __init__(self, clips: Images, labels: np.ndarray | None = None, num_samples: int = SAMPLES):
        super().__init__(clips, labels, num_samples)
        real = motion_of(clips[evenly(len(clips), num_samples)])
        self._usual, self._energy = usual_energy(real), float(real.energy.mean())

    def __call__(self, samples: np.ndarray) -> dict[str, float]:
        found = motion_of(samples)
        figures = {"frozen": float(are_frozen(found, self._usual).mean())}
        if self._energy:
            figures["motion"] = float(found.energy.mean()) / self._energy
        return super().__call__(samples) | {name: rounded(value) for name, value in figures.items()}

    def _sketch_of(self, reference: np.ndarray) -> Extractor:
        return ClipSketch(reference)


def _pictures(clips: np.ndarray) -> np.ndarray:
    """uint8 (N, H, W, 4 C)."""
    last = clips.shape[1] - 1
    first, second, middle, end = (clips[:, place].astype(np.int16) for place in (0, 1, last // 2 + last % 2, last))
    changes = [(255 + later - sooner) // 2 for sooner, later in ((first, second), (first, middle), (middle, end))]
    return np.concatenate([first, *changes], axis=-1).astype(np.uint8)
