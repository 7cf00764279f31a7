"""The bundle that suits what a record is about."""

from collections.abc import Mapping

import keras

from sparring.bundle.bundle import Bundle, Snapshot
from sparring.bundle.images import ImageBundle
from sparring.bundle.record import Record
from sparring.bundle.styles import STYLES, StyleBundle
from sparring.bundle.tables import TableBundle
from sparring.bundle.translation import TranslationBundle
from sparring.bundle.video import VideoBundle

KINDS = {"image": ImageBundle, "domains": TranslationBundle, "video": VideoBundle, "table": TableBundle}


def make_bundle(
    record: Record, networks: Mapping[str, keras.Model], images_seen: int = 0, snapshot: Snapshot | None = None
) -> Bundle:
    """An `ImageBundle`, a `TranslationBundle`, a `VideoBundle` or a `TableBundle`, by the kind of data.

    A `StyleBundle` where the networks of a translation are those of styles.
    """
    if record.spec.kind == "domains" and set(networks) == STYLES:
        return StyleBundle(record, networks, images_seen, snapshot)
    return KINDS[record.spec.kind](record, networks, images_seen, snapshot)
