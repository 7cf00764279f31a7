"""What scores with and without added examples say, and how often that is a false alarm."""

import math

import numpy as np
import pytest

from sparring.errors import UsageError
from sparring.metrics.verdict import Way, decide, interval

NOTHING, WEIGHTS = Way("nothing", "nothing"), Way("class weights", "rival")
SHUFFLED, ONCE = Way("shuffled columns", "control"), Way("synthetic x1", "synthetic")
NOISE = np.array([0.01, -0.01, 0.02, -0.02, 0.0, 0.01, -0.01, 0.0, 0.01, -0.01])  # Of ten splits.
BASE = 0.7 + NOISE


def said(**gains):
    """The verdict on one model where each way is better than nothing by so much, give or take a little."""
    ways = {"weights": WEIGHTS, "shuffled": SHUFFLED, "once": ONCE}
    scores = {NOTHING: BASE} | {
        ways[name]: BASE + gain + np.roll(NOISE, place) / 10 for place, (name, gain) in enumerate(gains.items(), 1)
    }
    return decide({"linear": scores}, 0.25)


def test_the_interval_is_that_of_the_corrected_test():
    # By hand: differences 1, 2, 3 have the mean 2 and the variance 1; t of two degrees of freedom at 0.975 is 4.3027.
    mean, low, high = interval([1, 2, 3], 0.25)
    reach = 4.302653 * math.sqrt(1 / 3 + 0.25)
    assert (mean, low, high) == pytest.approx((2, 2 - reach, 2 + reach))
    # Two looks: at 0.9875 it is 6.2053.
    assert interval([1, 2, 3], 0.25, looks=2)[1] == pytest.approx(2 - 6.205347 * math.sqrt(1 / 3 + 0.25))
    with pytest.raises(UsageError, match="at least 2 splits"):
        interval([1.0], 0.25)


def test_what_changes_nothing_is_told_so():
    verdict = decide({"linear": {NOTHING: BASE, ONCE: BASE}}, 0.25)
    (finding,) = verdict.findings
    assert (finding.outcome, finding.recommended) == ("no change", NOTHING)
    assert verdict.sentence("accuracy", "rows") == (
        "Synthetic rows cannot be told apart from no change: linear goes from 0.700 to 0.700 in accuracy with "
        "synthetic x1 (+0.000, interval +0.000 to +0.000) at best: do not use them."
    )


@pytest.mark.parametrize(
    ("gains", "outcome", "recommended", "words"),
    [
        ({"once": 0.05}, "help", ONCE, "no simpler way surely helps"),
        ({"weights": 0.02, "once": 0.05}, "help", ONCE, "class weights gives 0.7"),
        ({"weights": 0.05, "once": 0.05}, "does as well", WEIGHTS, "is simpler: use that"),
        ({"weights": 0.09, "once": 0.05}, "does as well", WEIGHTS, "is simpler: use that"),
        ({"shuffled": 0.05, "once": 0.05}, "does as well", NOTHING, "mean nothing: do not use them"),
        ({"once": -0.05}, "hurt", NOTHING, "do not use them."),
        ({"weights": 0.05, "once": -0.05}, "hurt", WEIGHTS, "class weights helps"),
        ({"weights": 0.05, "once": 0.0001}, "no change", WEIGHTS, "class weights helps"),
        ({"shuffled": 0.05, "once": 0.0001}, "no change", NOTHING, "do not use them."),
    ],
)
def test_what_is_recommended_helps_and_has_nothing_simpler_beside_it(gains, outcome, recommended, words):
    verdict = said(**gains)
    (finding,) = verdict.findings
    assert (finding.outcome, finding.recommended) == (outcome, recommended)
    assert words in verdict.sentence("accuracy")


def test_more_looks_make_wider_intervals():
    alone, among = said(once=0.012), said(once=0.012, weights=0.0, shuffled=0.0)
    assert (alone.looks, among.looks) == (1, 3)
    first, second = (next(e for e in v.effects if e.way == ONCE) for v in (alone, among))
    assert second.high - second.low > first.high - first.low


def test_of_several_models_the_one_that_is_helped_comes_first_and_a_better_one_is_named():
    better = BASE + 0.2
    verdict = decide(
        {
            "boosting": {NOTHING: better, ONCE: better - 0.001 + NOISE},
            "linear": {NOTHING: BASE, ONCE: BASE + 0.05 + np.roll(NOISE, 1) / 10},
        },
        0.25,
    )
    assert [finding.model for finding in verdict.findings] == ["linear", "boosting"]
    assert verdict.sentence("accuracy").endswith("boosting has 0.900 without them.")
    nowhere = decide({"linear": {NOTHING: BASE, ONCE: BASE}, "boosting": {NOTHING: better, ONCE: better}}, 0.25)
    assert nowhere.findings[0].model == "boosting"


def test_false_alarms_are_no_more_often_than_stated():
    """Two ways that are equally good on average, by least squares on data drawn anew, five folds twice.

    Each way sees one of two features that say as much as each other. The usual t-test over the ten splits would call
    one of them better in one of six such experiments.
    """
    random = np.random.default_rng(0)
    alarms = usual = 0
    experiments, count = 600, 60
    for _ in range(experiments):
        features = random.standard_normal((count, 2))
        target = features.sum(axis=1) + random.standard_normal(count)
        errors = np.zeros((2, 10))
        for repeat in range(2):
            order = random.permutation(count)
            for fold, test in enumerate(np.split(order, 5)):
                train = np.setdiff1d(order, test)
                for way in range(2):
                    x, y = features[train, way], target[train]
                    slope = x @ y / (x @ x)
                    errors[way, 5 * repeat + fold] = np.square(target[test] - slope * features[test, way]).mean()
        verdict = decide({"least squares": {NOTHING: -errors[0], ONCE: -errors[1]}}, 0.25)
        alarms += verdict.findings[0].outcome != "no change"
        _, low, high = interval(errors[1] - errors[0], 0.0)
        usual += low > 0 or high < 0
    print(f"false alarms: {alarms / experiments:.1%}; of the usual t-test: {usual / experiments:.1%}")
    # The stated level is 5 %; three standard deviations of 600 experiments are 2.7 %.
    assert alarms / experiments < 0.05 + 0.027
    assert usual / experiments > 0.12


def test_with_many_ways_too():
    """Fourteen differences over ten splits that depend on one another as those of five folds do."""
    random = np.random.default_rng(1)
    ways = [
        NOTHING,
        *(Way(f"rival {i}", "rival") for i in range(9)),
        *(Way(f"made {i}", "synthetic") for i in range(5)),
    ]
    experiments = 1000
    alarms = 0
    for _ in range(experiments):
        # Correlation 1/5 between splits, and 1/2 between ways, which share what they are compared with.
        noise = math.sqrt(0.2) * random.standard_normal((15, 1)) + math.sqrt(0.8) * random.standard_normal((15, 10))
        verdict = decide({"model": dict(zip(ways, noise, strict=True))}, 0.25)
        alarms += any(effect.helps or effect.hurts for effect in verdict.effects if effect.way != NOTHING)
    print(f"false alarms among fourteen: {alarms / experiments:.1%}")
    assert alarms / experiments < 0.05 + 0.021
