"""What each figure says in plain words, and how it is written."""

import math
from typing import NamedTuple

PUBLISHED = {"inception": {"fd": "fid", "kd": "kid", "swd": "mind", "class_score": "is"}, "i3d": {"fd": "fvd"}}
"""What figures are called where the extractor is the network that these names stand for, and only there."""


class Meaning(NamedTuple):
    """How to read a figure: which values are best, and what it says."""

    best: str
    words: str


MEANINGS = {
    "fd": Meaning(
        "low",
        "How far the features of samples are from those of real examples, in mean and spread. It has no unit, and is "
        "lower with more samples: compare it at the same n alone.",
    ),
    "mmd": Meaning(
        "low",
        "Another distance of the two, which sees more than mean and spread and does not depend on n: 0 on average "
        "where samples cannot be told from real images.",
    ),
    "kd": Meaning("low", "As mmd, by a polynomial kernel."),
    "swd": Meaning("low", "The mean squared distance of the two along random directions."),
    "precision": Meaning("high", "The share of samples that lie where real images are: quality."),
    "recall": Meaning("high", "The share of real images that lie where samples are: variety."),
    "density": Meaning("1", "How many real images a sample lies close to, against a real one: quality."),
    "coverage": Meaning("high", "The share of real images that have a sample close by: variety."),
    "class_score": Meaning(
        "high",
        "How sure a classifier is of each sample, and how evenly the classes come up: from 1 to the number of classes. "
        "It does not see whether the samples of a class differ.",
    ),
    "label_kl": Meaning(
        "low", "How far the classes of samples are from being as frequent as in the data: 0 is as often."
    ),
    "diversity": Meaning(
        "1",
        "How varied the samples of one class are against its real images, a mean over classes: 0 is always the same "
        "image.",
    ),
    "recognised": Meaning(
        "high",
        "The share of samples in which a classifier that has learned the real ones sees the class asked for. The "
        "floor is its share for real ones that it has not learned.",
    ),
    "kept": Meaning(
        "high",
        "How much of what tells the inputs apart tells their translations apart, by their features (linear centred "
        "kernel alignment): 1 is all of it, as where nothing is translated. The column real is of the true images, or "
        "without pairs of real images that have nothing to do with the inputs: no more than chance.",
    ),
    "ssim": Meaning("high", "How like the true image a translation is, patch by patch: 1 is the same."),
    "mae": Meaning("low", "The mean absolute difference from the true image, of values from -1 to 1."),
    "apart": Meaning("low", "The mean squared distance of the features of a translation from those of the true image."),
    "style_diversity": Meaning(
        "1",
        "How far two translations of one image in different styles lie apart, by their features, over how far two real "
        "images of the domain do: 0 where a style changes nothing.",
    ),
    "memorised": Meaning(
        "1 %",
        "The share of samples nearer to a training image, by their pixels, than 99 % of other real images are. Much "
        "more than 1 % means copies.",
    ),
    "duplicated": Meaning(
        "1 %",
        "The share of samples nearer to another sample than 99 % of real images are to another. Much more than 1 % "
        "means that the generator repeats itself.",
    ),
    "frame_fd": Meaning("low", "As fd, of single frames, whatever comes before and after them."),
    "consistency": Meaning(
        "floor",
        "How alike the frames of a clip are, against frames of different clips, by features that change little within "
        "a real clip: 1 is always the same, 0 as unlike as strangers. The floor is that of real clips.",
    ),
    "motion": Meaning(
        "1", "How much moves: the mean squared difference of one frame and the next, over the same of real clips."
    ),
    "pace": Meaning(
        "floor",
        "How fast things move, in pixels a frame: as far as they would have to be shifted to differ as much as one "
        "frame and the next. The floor is that of real clips.",
    ),
    "frozen": Meaning(
        "floor",
        "The share of samples in which a tenth of what usually moves in a real clip moves, or less. The floor is that "
        "of real clips.",
    ),
    "looping": Meaning(
        "floor",
        "The share of samples that move and then repeat themselves, frame by frame, within the clip. The floor is that "
        "of real clips.",
    ),
    "shapes": Meaning(
        "1",
        "How like the columns of the table those of the samples are, each by itself: 1 less the distance of the "
        "distributions (Kolmogorov-Smirnov or total variation), a mean over columns.",
    ),
    "trends": Meaning(
        "1",
        "How alike it is what two columns have to do with each other, a mean over the pairs that do in the table. "
        "Shapes and trends together are the QualityReport of SDMetrics, by which a copula does well.",
    ),
    "detection": Meaning(
        "0.5",
        "How well gradient boosting tells samples from training rows: the area under the curve, 0.5 where it cannot, 1 "
        "where it always can. Far below 0.5 samples repeat training rows.",
    ),
    **{
        f"learnt_{learner}": Meaning(
            "high",
            f"How well {words} predicts the target of held-out rows if it has learnt from samples alone: the area "
            "under the curve, or R2 of a number. The column real is what it learns from the training rows.",
        )
        for learner, words in {
            "linear": "a linear model",
            "forest": "a random forest",
            "boosting": "gradient boosting",
        }.items()
    },
    "nearer": Meaning(
        "50 %",
        "The share of samples nearer to a training row than to any of as many held-out rows. Much more than half means "
        "that rows are learnt by heart.",
    ),
    "copies": Meaning(
        "real",
        "The share of samples that stand among the training rows value by value. The column real is how often a "
        "held-out row does.",
    ),
}
SHARES = ("recognised", "memorised", "duplicated", "nearer", "copies", "frozen", "looping")  # Shown in per cent.


def meaning_of(name: str) -> Meaning:
    """How to read the figure of this name; of translations it ends in the domain that they are of."""
    name = _plain(name)
    return MEANINGS[{known: plain for names in PUBLISHED.values() for plain, known in names.items()}.get(name, name)]


def called(name: str, extractor: str) -> str:
    """The published name of the figure `name` where the extractor is that network, else `name`."""
    return PUBLISHED.get(extractor.split("-")[0], {}).get(name, name)


def shown(name: str, value: float, spread: float = math.nan) -> str:
    """A value of the figure `name` as people read it; a dash where there is none.

    Args:
        spread: Half of its interval, whose first two digits are the last that are shown; three digits without it.
    """
    if math.isnan(value):
        return "-"
    if _plain(name) in SHARES:
        return f"{value:.1%}"
    if not 0 < spread < math.inf or math.isinf(value):
        return f"{value:,.0f}" if 100 <= abs(value) < math.inf else f"{value:.3g}"
    return f"{value:,.{min(max(0, 1 - math.floor(math.log10(spread))), 8)}f}"


def _plain(name: str) -> str:
    return name.partition(" to ")[0]
