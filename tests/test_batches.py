"""The stream of batches: pure in (seed, k), complete in every pass, enterable anywhere."""

import numpy as np
import pytest

from sparring.data.batches import Batches


def stream(count: int = 10, batch_size: int = 4, seed: int = 0, draws=None, start: int = 0) -> Batches:
    rows = np.arange(count, dtype=np.int32)
    return Batches({"image": np.repeat(rows, 3).reshape(count, 3), "label": rows}, batch_size, seed, draws, start)


def assert_same(one: dict, other: dict):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])


def test_batch_is_a_pure_function_of_seed_and_number():
    ahead, backward = stream(draws={"latents": (5,)}), stream(draws={"latents": (5,)})
    forward = [ahead[k] for k in range(9)]
    for k in reversed(range(9)):
        assert_same(backward[k], forward[k])


@pytest.mark.parametrize("start", [0, 1, 2, 3, 7, 1000])
def test_stream_can_be_entered_anywhere(start):
    draws = {"latents": (2,)}
    whole, entered = stream(draws=draws), stream().starting_at(start, draws)
    for k in range(4):
        assert_same(entered[k], whole[start + k])


def test_first_batches_are_those_of_the_stream_without_draws():
    plain, drawn = stream(), stream().starting_at(0, {"latents": (2,)})
    for k in range(5):
        np.testing.assert_array_equal(plain[k]["label"], drawn[k]["label"])
    assert "latents" not in plain[0]


@pytest.mark.parametrize(("count", "batch_size"), [(12, 4), (10, 4), (7, 5), (3, 8), (1, 4), (5, 5)])
def test_every_pass_holds_every_example_once(count, batch_size):
    batches = stream(count, batch_size)
    passes = 6
    seen = np.concatenate([batches[k]["label"] for k in range(-(-passes * count // batch_size))])
    for number in range(passes):
        assert sorted(seen[number * count : (number + 1) * count]) == list(range(count))


def test_a_pass_also_shows_rows_again_by_their_chances():
    chances = np.arange(10) / 45
    batches = stream(batch_size=4).starting_at(0, {}, lambda examples: chances[examples["label"]])
    passes, shown = 400, {False: np.zeros(10), True: np.zeros(10)}
    for batch in (batches[k] for k in range(passes * 20 // 4)):
        np.testing.assert_array_equal(batch["image"][:, 0], batch["label"])
        for label, again in zip(batch["label"], batch["again"] == 1, strict=True):
            shown[again][label] += 1
    np.testing.assert_array_equal(shown[False], passes)
    np.testing.assert_allclose(shown[True] / passes, 10 * chances, atol=0.2)

    entered = stream().starting_at(7, {}, lambda examples: chances)
    for k in range(4):
        assert_same(entered[k], batches[7 + k])


def test_batch_larger_than_the_data():
    batch = stream(count=3, batch_size=8, draws={"latents": (2,)})[0]
    assert batch["image"].shape == (8, 3)
    assert batch["latents"].shape == (8, 2)


def test_rows_of_all_arrays_belong_together():
    batch = stream()[3]
    np.testing.assert_array_equal(batch["image"][:, 0], batch["label"])


def test_passes_are_shuffled_differently():
    batches = stream(count=50, batch_size=50)
    orders = {tuple(batches[k]["label"]) for k in range(5)}
    assert len(orders) == 5


def test_seeds_differ_in_order_and_noise():
    one, other = (stream(50, 50, seed, {"latents": (4,)})[0] for seed in (1, 2))
    assert not np.array_equal(one["label"], other["label"])
    assert not np.isin(one["latents"], other["latents"]).any()


def test_draws_differ_per_step_row_and_name_and_are_standard_normal():
    batches = stream(10, 500, draws={"latents": (8,), "noise": (4, 4, 1)})
    first, second = batches[0], batches[1]
    assert first["latents"].shape == (500, 8)
    assert first["noise"].shape == (500, 4, 4, 1)
    assert first["latents"].dtype == np.float32
    values = [first["latents"], second["latents"], first["noise"].reshape(500, 16)]
    rows = np.concatenate([value[:, :8] for value in values])
    assert len(np.unique(rows, axis=0)) == 1500
    assert abs(rows.mean()) < 0.05
    assert abs(rows.std() - 1) < 0.05


def test_the_noise_is_not_the_order():
    """Order and draws of one seed come from streams of their own."""
    small, large = stream(10, 4, draws={"latents": (2,)}), stream(100, 4, draws={"latents": (2,)})
    np.testing.assert_array_equal(small[5]["latents"], large[5]["latents"])


def test_stream_has_no_end():
    assert stream().num_batches is None
    assert stream()[10**6]["label"].shape == (4,)


@pytest.mark.parametrize("start", [0, 5])
def test_arrays_that_are_not_aligned_have_orders_and_passes_of_their_own(start):
    examples = {"few": np.arange(6), "many": np.arange(100, 150)}
    apart = Batches(examples, 4, seed=3, aligned=False).starting_at(start, {"latents": (2,)})
    again = Batches(examples, 4, seed=3, aligned=False)
    for k in range(4):
        np.testing.assert_array_equal(apart[k]["many"], again[start + k]["many"])
        np.testing.assert_array_equal(apart[k]["few"], again[start + k]["few"])
    few, many = (np.concatenate([again[k][name] for k in range(25)]) for name in examples)
    assert sorted(few[:6]) == sorted(few[6:12]) == list(range(6))
    assert sorted(many[:50]) == list(range(100, 150))
    same = Batches({"one": np.arange(50), "other": np.arange(50)}, 50, aligned=False)[0]
    assert not np.array_equal(same["one"], same["other"])
