"""Metrics of tables: what they are by definition, and what they see."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp
from sklearn.metrics import roc_auc_score

from conftest import ONCE
from sparring.metrics.tables.copies import share_nearer_to_training, share_of_copies
from sparring.metrics.tables.detection import area_under_curve, detection_scores
from sparring.metrics.tables.learning import LEARNERS, Target, learnt
from sparring.metrics.tables.likeness import column_pairs, column_shapes, quality
from sparring.metrics.tables.rows import Form, joined, spread

pytestmark = ONCE  # Rows alone: no backend has a part in it.


def people(count=600, seed=0):
    """Rows in which wage follows age and both say who is paid; a few wages are missing."""
    random = np.random.default_rng(seed)
    age = random.normal(40, 10, count)
    paid = random.random(count) < 1 / (1 + np.exp(-(age - 40) / 5))
    wage = age * 10 + random.normal(0, 20, count) + 100 * paid
    wage[random.random(count) < 0.05] = np.nan
    city = np.where(paid, random.choice(["Bonn", "Ulm"], count), random.choice(["Lyon", "Ulm"], count))
    return pd.DataFrame({"age": age, "city": city, "wage": wage, "paid": paid})


REAL = people()
FORM = Form(REAL, ["age", "wage"])
ROWS, HELD_OUT = FORM(REAL), FORM(people(seed=1))
PAID = Target(False, FORM.levels.index("paid"))


def shuffled(frame, seed=0):
    random = np.random.default_rng(seed)
    return frame.apply(lambda column: column.to_numpy()[random.permutation(len(column))])


def test_a_form_knows_levels_by_their_place():
    assert FORM.numbers == ("age", "wage")
    assert FORM.levels == ("city", "paid")
    frame = pd.DataFrame({"age": [1, 2, 3], "city": ["Ulm", None, "Rome"], "wage": [1.0, None, 3], "paid": True})
    rows = FORM(frame)
    assert rows.levels[:, 0].tolist() == [FORM.place("city", "Ulm"), 3, 4]
    assert FORM.known("city") == ["Bonn", "Lyon", "Ulm"]
    assert np.isnan(rows.numbers[1, 1])
    assert len(spread(ROWS, 100)) == 100
    assert len(joined(ROWS, rows)) == 603


@pytest.mark.parametrize(
    "levels", [[3, 20, 1], [True, False], ["b", "a"], pd.Categorical(["x", "y"]), pd.array([2, None, 1], "Int64")]
)
def test_levels_of_any_type_are_put_in_order(levels):
    frame = pd.DataFrame({"level": pd.Series(levels), "number": range(len(levels))})
    codes = Form(frame, ["number"])(frame).levels[:, 0]
    there = frame["level"].notna().to_numpy()
    assert list(np.argsort(codes[there])) == list(np.argsort(np.array(frame["level"][there].tolist())))
    assert codes.max() < Form(frame, ["number"]).num_levels[0]


def test_shapes_are_complements_of_distances():
    made = people(300, seed=5).assign(age=lambda frame: frame["age"] + 4)
    shapes = column_shapes(ROWS, FORM(made))
    assert shapes[0] == pytest.approx(1 - ks_2samp(REAL["age"], made["age"]).statistic)
    assert shapes[1] == pytest.approx(
        1 - ks_2samp(REAL["wage"].fillna(1e9), made["wage"].fillna(1e9)).statistic  # Missing is one more value.
    )
    shares = [side["city"].value_counts(normalize=True) for side in (REAL, made)]
    assert shapes[2] == pytest.approx(1 - (shares[0] - shares[1]).abs().sum() / 2)
    assert column_shapes(ROWS, ROWS) == pytest.approx(np.ones(4))


def test_pairs_are_correlations_and_tables_of_counts():
    made = shuffled(people(400, seed=2))
    pairs = column_pairs(ROWS, FORM(made))
    real, fake = (side[["age", "wage"]].corr().iloc[0, 1] for side in (REAL, made))
    assert (pairs.real[0, 1], pairs.fake[0, 1]) == pytest.approx((real, fake))
    assert pairs.likeness[0, 1] == pytest.approx(1 - abs(real - fake) / 2)
    tables = [pd.crosstab(side["city"], side["paid"], normalize=True) for side in (REAL, made)]
    assert pairs.likeness[2, 3] == pytest.approx(1 - (tables[0] - tables[1]).abs().to_numpy().sum() / 2)
    assert pairs.real[2, 3] > 0.5 > 0.2 > pairs.fake[2, 3]
    for matrix in pairs[:3]:
        np.testing.assert_array_equal(matrix, matrix.T)
        assert np.isnan(np.diag(matrix)).all()


def test_trends_are_of_pairs_that_have_to_do_with_each_other():
    frame = REAL.assign(noise=np.random.default_rng(9).normal(size=len(REAL)))
    form = Form(frame, ["age", "wage", "noise"])
    pairs = column_pairs(form(frame), form(shuffled(frame)))
    names = [*form.numbers, *form.levels]
    counted = {(names[i], names[j]) for i, j in itertools.combinations(range(len(names)), 2) if pairs.counted[i, j]}
    assert ("age", "wage") in counted
    assert not any("noise" in pair for pair in counted)
    assert column_pairs(form(frame), form(frame)).trend == pytest.approx(1)
    assert pairs.trend < 0.8
    assert quality(np.array([1.0, 0.8]), 0.7) == pytest.approx(0.8)
    assert quality(np.array([1.0, 0.8]), float("nan")) == pytest.approx(0.9)  # No pair counts.


def test_columns_of_one_kind_or_one_value_can_be_compared():
    for frame, numbers in [
        (REAL[["age", "wage"]], ["age", "wage"]),
        (REAL[["city", "paid"]], []),
        (REAL[["age", "city"]].assign(age=1.0), ["age"]),
    ]:
        form = Form(frame, numbers)
        pairs = column_pairs(form(frame), form(frame))
        assert np.nanmin(pairs.likeness) == pytest.approx(1)
        assert len(column_shapes(form(frame), form(frame))) == frame.shape[1]
        assert share_nearer_to_training(form(frame), form(frame), form(frame)).value == 0.5


def test_the_area_under_the_curve_counts_ties_by_half():
    random = np.random.default_rng(0)
    scores, labels = random.integers(0, 9, 300), random.random(300) < 0.3
    assert area_under_curve(scores[~labels], scores[labels]) == pytest.approx(roc_auc_score(labels, scores))


def test_boosting_detects_shuffled_columns_and_not_real_rows():
    assert area_under_curve(*detection_scores(ROWS, HELD_OUT)) < 0.6
    assert area_under_curve(*detection_scores(ROWS, FORM(shuffled(REAL)))) > 0.75


def test_rows_that_were_moved_a_little_do_not_look_better_than_new_ones():
    moved = REAL.assign(age=REAL["age"] + 1e-6)
    assert area_under_curve(*detection_scores(ROWS, FORM(moved))) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("learner", LEARNERS)
def test_what_is_learnt_of_real_rows_is_worth_more_than_of_shuffled_ones(learner):
    for target in (PAID, Target(True, 0)):
        real, other = (learnt(rows, HELD_OUT, target, learner) for rows in (ROWS, FORM(shuffled(REAL))))
        assert real.low < real.value < real.high
        assert real.low > other.value + 0.1


def test_of_more_than_two_levels_the_mean_area_is_taken_and_a_level_that_is_not_made_counts():
    city = Target(False, FORM.levels.index("city"))
    assert learnt(ROWS, HELD_OUT, city, "forest").value > 0.6
    without = FORM(REAL[REAL["city"] != "Bonn"])
    assert learnt(without, HELD_OUT, city, "forest").value < learnt(ROWS, HELD_OUT, city, "forest").value
    assert learnt(FORM(REAL[REAL["city"] == "Bonn"]), HELD_OUT, city, "linear").value == 0.5


def test_copies_are_near_to_training_rows():
    other = FORM(people(seed=3))
    assert share_nearer_to_training(ROWS, HELD_OUT, ROWS).value > 0.9
    new = share_nearer_to_training(ROWS, HELD_OUT, other)
    assert new.low < 0.5 < new.high
    assert share_of_copies(ROWS, joined(ROWS[:30], other[:70])).value == pytest.approx(0.3)
    assert share_of_copies(ROWS, ROWS).value == 1.0  # Missing values among them.
