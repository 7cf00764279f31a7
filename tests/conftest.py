"""What several tests start from."""

import atexit
import gc
import os
import shutil
import tempfile

# The processes that share out the tests have a core each: threads of scikit-learn would wait for those of the others.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import sparring  # noqa: F401  Before Keras, as it settles by what TensorFlow computes.

# What JAX compiles for one test it need not compile again for another, in this process or one that it starts.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    os.environ["JAX_COMPILATION_CACHE_DIR"] = compiled = tempfile.mkdtemp()
    os.environ |= {
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    atexit.register(shutil.rmtree, compiled, ignore_errors=True)

import keras
import numpy as np
import pandas as pd
import pytest

from sparring.bundle.kinds import make_bundle
from sparring.bundle.record import Record
from sparring.data.examples import Source
from sparring.data.images.domains import domain_source
from sparring.data.source import image_source
from sparring.data.spec import VideoSpec, squared_distance
from sparring.data.tables.table import table_source
from sparring.recipes.catalog import find_recipe

if keras.config.backend() == "tensorflow":
    import tensorflow as tf

    # What runs for a moment need not be optimised, as with XLA on JAX: tracing is what takes the time of most tests.
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})

# Tracing makes millions of objects that stay, and looking through them again and again took a twentieth of the time.
gc.set_threshold(50_000, 20, 20)

ONCE = pytest.mark.skipif(keras.config.backend() == "jax", reason="the pass on TensorFlow shows it; once is enough")


@pytest.fixture(scope="session")
def stripes():
    """48 grey images of 8x8 in two classes, bars across and bars upright: something small that can be learned."""
    return make_stripes(8, 8, 1)


def make_stripes(height, width, channels, count=48):
    random = np.random.default_rng(0)
    labels = np.arange(count, dtype=np.int32) % 2
    images = random.integers(0, 40, (count, height, width, channels), dtype=np.uint8)
    for image, label, place in zip(images, labels, random.integers(0, min(height, width), count), strict=True):
        (image if label else image.swapaxes(0, 1))[place] += 200
    return image_source("stripes", images, labels, ("across", "upright"))


def make_clips(frames, height, width, channels, count=24):
    """Bars that move on by one place a frame: down or, in the other class, to the right."""
    random = np.random.default_rng(0)
    labels = np.arange(count, dtype=np.int32) % 2
    clips = random.integers(0, 40, (count, frames, height, width, channels), dtype=np.uint8)
    side = min(height, width)
    for clip, label, place in zip(clips, labels, random.integers(0, side, count), strict=True):
        for time, frame in enumerate(clip):
            (frame.swapaxes(0, 1) if label else frame)[(place + time) % side] += 200
    spec = VideoSpec(
        shape=clips.shape[1:],
        classes=("down", "right"),
        num_examples=count,
        squared_distance=squared_distance(clips),
        frame_rate=8,
    )
    return Source("bars", spec, {"clip": clips, "label": labels}, {})


def make_domains(height, width, channels, *, paired, count=24):
    """Stripes, and the same in negative: images of two domains, `count` of each where they are pairs."""
    images = make_stripes(height, width, channels, count).examples["image"]
    others = 255 - (images if paired else images[: count // 2])
    return domain_source("stripes", {"dark": images, "light": others}, paired=paired)


def store_untrained(name, options, source, folder):
    """Stores the bundle of a recipe as it is before any training in `folder`, and returns that."""
    keras.utils.set_random_seed(0)
    recipe = find_recipe(name)
    options = recipe.check(options)
    record = Record(
        recipe=name,
        options=options,
        spec=source.spec,
        seed=0,
        source=source.name,
        fingerprint=source.fingerprint,
        version="0",
    )
    make_bundle(record, recipe.build(source.spec, **options).average.copies).save(folder, card="")
    return folder


def make_frame(count=240):
    """Rows in which the levels say much about the number, and every kind of column stands."""
    random = np.random.default_rng(0)
    sex, paid = random.choice(["female", "male"], count), random.random(count) < 0.3
    hours = np.round(random.normal(30 + 20 * paid, 3), 1)
    return pd.DataFrame(
        {
            "sex": sex,
            "hours": np.where(random.random(count) < 0.05, np.nan, hours),
            "gain": np.where(paid & (random.random(count) < 0.5), random.integers(1, 10**4, count), 0),
            "stars": random.integers(1, 6, count),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 300, count), unit="D"),
            "key": np.arange(count),
            "paid": paid,
        }
    )


def make_rows(count=240):
    """A source of these rows, whose target is whether somebody is paid."""
    return table_source("rows", make_frame(count), "paid")
