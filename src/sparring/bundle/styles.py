"""A finished translator among domains that takes its style from a reference, or draws one."""

from collections.abc import Sequence

import keras
import numpy as np

from sparring.bundle.latents import normal_latents
from sparring.bundle.translation import TranslationBundle, in_parts
from sparring.data.images.pixels import resize_images
from sparring.errors import UsageError
from sparring.ops.color import from_uint8

STYLES = {"generator", "encoder", "mapping"}
AT_ONCE = 256  # Images whose styles are read together.


class StyleBundle(TranslationBundle):
    """A translator from any of its domains to any, in a style of that domain.

    Its networks: `generator`, `[images, styles]` of any height and width to images; `encoder`, `[images, labels]` of
    the trained size to the styles (n, style_dim) that images have in domains, one-hot; and `mapping`,
    `[latents, labels]` to styles.
    """

    @property
    def latent_dim(self) -> int:
        return self.networks["mapping"].inputs[0].shape[-1]

    @property
    def ways(self) -> dict[str, str]:
        """By each domain the one before it, as an example of what becomes images of it."""
        domains = self.spec.domains
        return {domains[place]: domains[place - 1] for place in (*range(1, len(domains)), 0)}

    def translate(
        self,
        images: np.ndarray,
        to: str | None = None,
        *,
        style: np.ndarray | None = None,
        strength: float = 1.0,
        seed: int = 0,
    ) -> np.ndarray:
        """`images` as if they were of another domain.

        Args:
            images: uint8 (n, height, width, channels), of any height and width from an eighth of those on that the
                bundle was trained at.
            to: Name of the domain; the second by default, or that of the reference.
            style: A reference, uint8 (height, width, channels) of the trained size, or one for each image, or styles
                as `styles` and `drawn` give them, float32 (style_dim,) or (n, style_dim). None draws one style for
                all images.
            strength: From 0, the style that an image has itself, to 1, that of the reference; between them the
                styles are mixed.
            seed: Of the style that is drawn.

        Returns:
            uint8, of the same shape.

        Raises:
            UsageError: There is no such domain, or an argument is of another shape, type or size.
        """
        images = self.checked(images)
        if not 0 <= strength <= 1:
            raise UsageError(f"`strength` must be from 0 to 1. Received: strength={strength}")
        if style is None:
            codes = self.drawn(1, self.target(to), seed)
        elif np.asarray(style).dtype == np.uint8:
            references = np.asarray(style)
            references = references[None] if references.ndim == 3 else references
            codes = self.styles(references, to)
        else:
            codes = np.atleast_2d(np.asarray(style, np.float32))
        width = self.networks["generator"].inputs[1].shape[-1]
        if codes.ndim != 2 or len(codes) not in (1, len(images)) or codes.shape[1] != width:
            raise UsageError(
                f"`style` must be one reference, or one for each of the {len(images)} images. Received: {len(codes)}"
            )
        codes = np.broadcast_to(codes, (len(images), width))
        if strength < 1 and len(images):
            own = self.styles(resize_images(images, self.spec.shape[:2]))
            codes = own + np.float32(strength) * (codes - own)
        network = self.networks["generator"]
        return in_parts(
            lambda part, code: network([from_uint8(part), keras.ops.convert_to_tensor(code)], training=False),
            images,
            codes,
        )

    def _looked(self, images: np.ndarray, target: str, seed: int) -> np.ndarray:
        """Each image in a style of its own."""
        return self.translate(images, target, style=self.drawn(len(images), target, seed))

    def styles(self, images: np.ndarray, domain: str | None = None) -> np.ndarray:
        """The style of each image as one of `domain`, or of the domain it seems to be of; float32 (n, style_dim).

        Args:
            images: uint8 (n, height, width, channels) of the trained size.
            domain: Name of the domain.
        """
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.shape[1:] != self.spec.shape:
            raise UsageError(
                f"References must be uint8 of shape (n, {', '.join(map(str, self.spec.shape))}). Received: "
                f"{images.dtype}, {images.shape}"
            )
        places = self._places(images) if domain is None else np.full(len(images), self.spec.place(domain))
        return self._encoded(images, places)

    def drawn(self, n: int, domain: str, seed: int = 0) -> np.ndarray:
        """`n` styles of `domain`, float32 (n, style_dim); the first are those of a smaller `n`."""
        labels = self._labels(np.full(n, self.spec.place(domain)))
        return _array(self.networks["mapping"]([normal_latents(n, self.latent_dim, seed), labels], training=False))

    def guess(self, images: np.ndarray) -> list[str]:
        """The domain that each image of the trained size seems to be of.

        That in which it says most about itself: made anew from itself with the style that it has there, it changes
        least.
        """
        return [self.spec.domains[place] for place in self._places(images)]

    def _places(self, images: np.ndarray) -> np.ndarray:
        changes = []
        for place in range(len(self.spec.domains)):
            codes = self._encoded(images, np.full(len(images), place))
            again = self.translate(images, style=codes)
            changes.append(np.abs(again.astype(np.float32) - images).mean(axis=(1, 2, 3)))
        return np.argmin(changes, axis=0)

    def _encoded(self, images: np.ndarray, places: np.ndarray) -> np.ndarray:
        labels, found = self._labels(places), []
        for start in range(0, len(images), AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            found.append(
                _array(
                    self.networks["encoder"](
                        [from_uint8(images[rows]), keras.ops.convert_to_tensor(labels[rows])], training=False
                    )
                )
            )
        return np.concatenate(found)

    def _labels(self, places: np.ndarray) -> np.ndarray:
        return np.eye(len(self.spec.domains), dtype=np.float32)[places]


def style_matrix(
    bundle: StyleBundle, contents: np.ndarray, references: np.ndarray, domains: Sequence[str], strength: float = 1.0
) -> np.ndarray:
    """Every content in the style of every reference: cells of a grid of one more column than there are references.

    References stand along the top, contents down the side, white in the corner.

    Args:
        bundle: What translates.
        contents: uint8 (rows, height, width, channels), of the trained size.
        references: uint8 (columns, height, width, channels), likewise.
        domains: Of each reference.
        strength: As in `StyleBundle.translate`.
    """
    columns = [np.concatenate([np.full_like(contents[:1], 255), contents])]
    for reference, domain in zip(references, domains, strict=True):
        made = bundle.translate(contents, domain, style=reference, strength=strength)
        columns.append(np.concatenate([reference[None], made]))
    return np.stack(columns, axis=1).reshape(-1, *contents.shape[1:])


def _array(x) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(x, "float32")))
