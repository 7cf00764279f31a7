"""What makes adversarial training fail, told from figures of the data, each with what to do about it."""

import dataclasses
from collections.abc import Iterator, Mapping

from sparring.data.images.pixels import Size
from sparring.errors import few

FEW, VERY_FEW = 1000, 100  # Images; below the first a discriminator soon knows its examples by heart.
FEW_OF_A_CLASS = 20
IMBALANCE = 10  # Times as many images in the largest class as in the smallest.
WIDE = 2.0  # Times as wide (or high) as what is trained on: the crop at the centre loses half.
SMALL, LARGE = 0.5, 8.0  # Shorter side of an image over that of what is trained on.
SLOW_SIDE = 128  # Pixels; above it training takes days without an accelerator.


@dataclasses.dataclass(frozen=True)
class Facts:
    """What advice depends on.

    Attributes:
        num_training: Readable images that are not held out.
        sizes: How many images there are of each (height, width).
        wanted: Height and width asked for, or None.
        classes: How many images of each class are trained on.
        num_copies: Images whose pixels are those of another.
        num_near: Images that look like another.
        num_leaked: Held-out images that are also trained on.
        num_unreadable: Files that cannot be read.
    """

    num_training: int
    sizes: Mapping[Size, int]
    wanted: Size | None
    classes: Mapping[str, int]
    num_copies: int
    num_near: int
    num_leaked: int
    num_unreadable: int


def warn(facts: Facts) -> Iterator[str]:
    """Warnings, the worst first: what is the matter, what comes of it, what to do."""
    yield from _about_number(facts)
    yield from _about_sizes(facts)
    yield from _about_classes(facts)
    yield from _about_copies(facts)


def _about_number(facts: Facts) -> Iterator[str]:
    if facts.num_unreadable:
        yield f"{_images(facts.num_unreadable)} cannot be read. Repair or remove them, or pass --skip-unreadable."
    if facts.num_training < VERY_FEW:
        yield (
            f"{_images(facts.num_training)} to train on: under {VERY_FEW} a generator can do little but repeat them. "
            f"Collect more, at best {FEW:,} or more."
        )
    elif facts.num_training < FEW:
        yield (
            f"{_images(facts.num_training)} to train on: under {FEW:,} the discriminator soon knows them by heart, and "
            "the samples get worse again. Collect more, train at a smaller size, and watch the samples to stop in time."
        )


def _about_sizes(facts: Facts) -> Iterator[str]:
    if not facts.sizes:
        return
    total = sum(facts.sizes.values())
    if facts.wanted is None and len(facts.sizes) > 1:
        yield f"The images have {len(facts.sizes):,} sizes. Pass --size 64, say, to crop and resize them to one."
    height, width = facts.wanted or (1, 1)
    wide = [size for size in facts.sizes if not 1 / WIDE < size[1] / size[0] * height / width < WIDE]
    if wide:
        count = sum(facts.sizes[size] for size in wide)
        shape = f"{height}x{width}" if facts.wanted else "a square"
        yield (
            f"{count:,} of {total:,} images are at least {WIDE:g} times as wide or as high as {shape} would be: a crop "
            "to it loses half of each or more. Pass a --size HEIGHTxWIDTH of their own shape, or cut them first "
            "(if each shows two pictures side by side, --recipe pix2pix learns to make one of the other)."
        )
    if facts.wanted is None:
        if len(facts.sizes) == 1 and max(next(iter(facts.sizes))) > SLOW_SIDE:
            yield f"Sides over {SLOW_SIDE} pixels take very long to train. Start with --size 64."
        return
    scales = {size: min(size[0] / height, size[1] / width) for size in facts.sizes}
    small = sum(count for size, count in facts.sizes.items() if scales[size] <= SMALL)
    large = sum(count for size, count in facts.sizes.items() if scales[size] >= LARGE)
    asked = f"{height}x{width}"
    if small:
        yield (
            f"{small:,} of {total:,} images have half the side of {asked} or less: enlarged, they are blurred, and so "
            "will be the samples. Pass a smaller --size or leave these out."
        )
    if large:
        yield (
            f"{large:,} of {total:,} images have {LARGE:g} times the side of {asked} or more: little of what they show "
            "may be left. Cut out what matters first, or pass a larger --size."
        )


def _about_classes(facts: Facts) -> Iterator[str]:
    counts = facts.classes
    if len(counts) == 1:
        yield "There is one class only, so there are none to choose from. Leave the labels out, or add another class."
        return
    small = {name: count for name, count in counts.items() if count < FEW_OF_A_CLASS}
    if small:
        shown = few(f"{name} ({count})" for name, count in small.items())
        yield (
            f"{len(small)} of {len(counts)} classes have under {FEW_OF_A_CLASS} images: {shown}. Their samples will "
            "repeat these. Add images, or join or remove these classes."
        )
    if counts and max(counts.values()) > IMBALANCE * min(counts.values()):
        most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
        yield (
            f"{most} has {counts[most]:,} images and {least} {counts[least]:,}, more than {IMBALANCE} times as many: "
            "small classes turn out worst. Add images to them, or remove some of the large ones."
        )


def _about_copies(facts: Facts) -> Iterator[str]:
    if facts.num_leaked:
        yield (
            f"{_images(facts.num_leaked, 'is', 'are')} held out and also among those to train on: figures of quality "
            "will flatter. Remove them from one part."
        )
    if facts.num_copies:
        yield (
            f"{_images(facts.num_copies, 'has', 'have')} the same pixels as another: what is there twice is learned "
            "twice as much. Remove the copies."
        )
    if facts.num_near:
        yield (
            f"{_images(facts.num_near, 'is', 'are')} hardly different from another: frames of one video, or one "
            "picture stored twice? Keep one of each group."
        )


def _images(count: int, one: str = "", many: str = "") -> str:
    """The number of images, with a verb where one is given."""
    return f"{count:,} {'image' if count == 1 else 'images'} {one if count == 1 else many}".rstrip()
