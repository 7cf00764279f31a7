"""Content and motion apart, a generator of single frames, and discriminators of what moves (MoCoGAN, arXiv:1707.04993).

A motion network maps `[noise]` or `[noise, labels]` of any number of frames to angles for each of them, and a generator
`[latents, angles]` or `[latents, angles, labels]` to one frame, drawn as a whole or of objects that move. Who judges
single frames is a discriminator of images; a motion discriminator maps `[frames]` or `[frames, condition]`, frames
`(N, T, H, W, C)`, to one logit.
"""

import math

import keras
from keras import layers, ops

from sparring.layers.activation import LeakyReLU
from sparring.layers.frames import FramesAsChannels, JoinToFrames, RunningSum
from sparring.layers.objects import Placed
from sparring.layers.scaled import ScaledDense
from sparring.networks.dcgan import dcgan_image
from sparring.networks.heads import judged
from sparring.networks.inputs import doubled, joined
from sparring.networks.residual import GAIN, residual_discriminator
from sparring.ops.frames import fold, unfold
from sparring.ops.geometry import canvas

# Radians a frame, of states of variance 1: a step of training must not turn the end of a path, a sum of all, by much.
SPEED = 0.25
MAPPING_LAYERS, MAPPED = 2, 8  # From content, and from angles, to what a frame is made of; of eight times its width.
OBJECT_SIDE, FINENESS = 0.5, 2  # Of an object, as shares of the frame's; and its pixels for one of the frame.
DARK = 3  # The power of a background's brightness, so that it begins at an eighth.


def motion_network(num_classes: int, *, motion_dim: int, units: int) -> keras.Model:
    """A path of angles that a recurrent network turns, made of noise (after MoCoGAN, arXiv:1707.04993, section 3.1).

    A gated recurrent unit reads new noise at every frame, as in the paper, and beside it that of the first frame, which
    it would else forget: what moves keeps its way as long as it likes. The paper's code is the state of the unit; here
    the state says how fast each angle turns. An angle goes on for ever and never leaves what the generator knows,
    however long a clip is, and a loop is an angle that comes round. The network never sees the content: any motion goes
    with any content.

    Args:
        num_classes: 0 takes no labels; a label is read at every frame, for actions are motions.
        motion_dim: Size of the noise of a frame, and number of angles in radians, both `(N, T, motion_dim)`. Fewer than
            numbers of the content: what could be in either should be found in the content.
        units: Size of the state.
    """
    noise = keras.Input((None, motion_dim), name="motion")
    labels = [keras.Input((num_classes,), name="labels")] if num_classes else []
    first = noise[:, 0]
    lasting = joined([first, *labels])
    # Not cuDNN's: XLA compiles the step on an accelerator, and the numbers are those of a CPU.
    recurrent = layers.GRU(units, return_sequences=True, use_cudnn=False)
    # From a state of zeros every clip would have to get under way.
    x = recurrent(JoinToFrames()([noise, lasting]), initial_state=layers.Dense(units, activation="tanh")(lasting))
    # An angle begins anywhere: a normal number of standard deviation pi goes round as a uniform one does, nearly.
    anywhere = keras.initializers.VarianceScaling(math.pi**2, "fan_in", "untruncated_normal")
    start = layers.Dense(motion_dim, use_bias=False, kernel_initializer=anywhere)(first)
    angles = RunningSum()([start, ScaledDense(motion_dim, SPEED)(x)])
    return keras.Model([noise, *labels], angles, name="motion")


def frame_generator(
    shape: tuple[int, int, int],
    num_classes: int,
    *,
    latent_dim: int,
    motion_dim: int,
    width: int,
    synchronized: bool,
) -> keras.Model:
    """One frame: the angles of its moment say where things are, the content what they are; DCGAN's generator draws.

    Angles make the small map that the generator doubles, the content scales and shifts its channels at every size; one
    vector of both takes longer to draw anything. All frames of all clips go through it as one large batch of images
    (arXiv:1707.04993, appendix A, has DCGAN's too).

    Args:
        shape: Height, width and channels of a frame.
        num_classes: 0 takes no labels.
        latent_dim: Size of the content.
        motion_dim: Number of angles, read by their sines and cosines.
        width: Channels at half of the size, doubled with every halving.
        synchronized: As in `dcgan_generator`.
    """
    latents, angles, *labels = inputs = _frame_inputs(latent_dim, motion_dim, num_classes)
    place = _mapped(joined([ops.cos(angles), ops.sin(angles), *labels]), width)
    content = _mapped(joined([latents, *labels]), width)
    frame = dcgan_image(place, shape, width=width, synchronized=synchronized, style=content)
    return keras.Model(inputs, frame, name="generator")


def object_generator(
    shape: tuple[int, int, int],
    num_classes: int,
    *,
    objects: int,
    latent_dim: int,
    motion_dim: int,
    width: int,
    synchronized: bool,
) -> keras.Model:
    """One frame of objects that keep their look and change their place, in front of a background that stands still.

    The content draws the objects and the background, and the angles say where each object is: nothing can become
    something else, for what a thing looks like knows nothing of the moment (layers of sprites, Jojic and Frey 2001,
    doi:10.1109/CVPR.2001.990476). One network draws all objects, half as high and wide as the frame, each of its own
    share of the latents, DCGAN's as the background's is. They are finer than the frame, so that they do not flicker
    between two pixels.

    Args:
        shape: Height, width and channels of a frame.
        num_classes: 0 takes no labels.
        objects: How many there are.
        latent_dim: Size of the content, at least `objects`.
        motion_dim: Number of angles, read by their sines and cosines.
        width: Channels at half of the size, doubled with every halving; of the background a quarter.
        synchronized: As in `dcgan_generator`.
    """
    latents, angles, *labels = inputs = _frame_inputs(latent_dim, motion_dim, num_classes)
    height, side, channels = shape
    background = dcgan_image(joined([latents, *labels]), shape, width=max(1, width // 4), synchronized=synchronized)
    # Before one that begins grey, objects learn first to be dark, and then are what hides all that is not to be seen.
    background = 2 * ((background + 1) / 2) ** DARK - 1
    own = latent_dim // objects
    codes = ops.reshape(latents[:, : objects * own], (-1, objects, own))
    codes = JoinToFrames()([codes, *labels]) if labels else codes
    finer = (FINENESS * math.ceil(OBJECT_SIDE * height), FINENESS * math.ceil(OBJECT_SIDE * side), channels + 1)
    pictures = dcgan_image(fold(codes), finer, width=width, synchronized=synchronized)
    place = _mapped(joined([ops.cos(angles), ops.sin(angles), *labels]), width)
    places = ops.reshape(ops.tanh(ScaledDense(2 * objects)(place)), (-1, objects, 2))
    frame = Placed(FINENESS, dtype="float32")([background, unfold(pictures, objects), places])
    return keras.Model(inputs, frame, name="generator")


def _frame_inputs(latent_dim: int, motion_dim: int, num_classes: int) -> list:
    labels = [keras.Input((num_classes,), name="labels")] if num_classes else []
    return [keras.Input((latent_dim,), name="latents"), keras.Input((motion_dim,), name="angles"), *labels]


def _mapped(x, width: int):
    for _ in range(MAPPING_LAYERS):
        x = LeakyReLU()(ScaledDense(MAPPED * width, GAIN)(x))
    return x


def stacked_discriminator(
    shape: tuple[int, int, int], num_classes: int, *, frames: int, width: int, blocks: int, patch: int
) -> keras.Model:
    """Two or three frames side by side in the channels, with the times between them; 2-D convolutions alone.

    Two frames are DIGAN's motion discriminator (Yu et al. 2022, arXiv:2202.10571, section 3.2), three what StyleGAN-V
    found to suffice for a whole clip (Skorokhodov et al. 2021, arXiv:2112.14683, section 3.2). What of a clip is looked
    at is chosen outside: the condition of shape `(N, frames - 1 + num_classes)` says the times between frames, as
    shares of a clip, and then the label.

    Args:
        shape: Height, width and channels of a frame.
        num_classes: 0 where there are no labels.
        frames: How many are seen together.
        width: As in `residual_discriminator`.
        blocks: As in `residual_discriminator`.
        patch: As in `residual_discriminator`.
    """
    height, side, channels = shape
    seen = keras.Input((frames, *shape), name="frames")
    condition = keras.Input((frames - 1 + num_classes,), name="condition")
    stacked = (height, side, frames * channels + frames - 1)
    judge = residual_discriminator(stacked, condition.shape[-1], width=width, blocks=blocks, patch=patch)
    logits = judge([FramesAsChannels()([seen, condition]), condition])
    return keras.Model([seen, condition], logits, name="motion_discriminator")


def volume_discriminator(
    shape: tuple[int, int, int], num_classes: int, *, frames: int, width: int, use_bias: bool = True
) -> keras.Model:
    """All frames of a clip under 3-D convolutions, as MoCoGAN judges motion (arXiv:1707.04993, appendix A).

    It halves time as it halves the sides, where the paper's shortens it by three frames a layer, and has no batch
    normalisation, under which a clip has no slope of its own.

    Args:
        shape: Height, width and channels of a frame.
        num_classes: 0 where there are no labels.
        frames: Of a clip.
        width: Channels at half of the size, doubled with every halving.
        use_bias: Whether the logit has one.
    """
    inputs = [keras.Input((frames, *shape), name="frames")]
    inputs += [keras.Input((num_classes,), name="labels")] if num_classes else []
    x = inputs[0]
    for step in range(max(1, canvas(*shape[:2]).doublings)):
        weights = keras.initializers.HeNormal()
        strides = (2 if step and x.shape[1] > 1 else 1, 2, 2)
        x = layers.Conv3D(doubled(width, step), 4, strides=strides, padding="same", kernel_initializer=weights)(x)
        x = LeakyReLU()(x)
    logits = judged(layers.Flatten()(x), inputs, num_classes, "projection", use_bias=use_bias)
    return keras.Model(inputs, logits, name="motion_discriminator")
