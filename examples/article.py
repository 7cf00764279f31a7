"""The article's simple GAN for MNIST, working: its five steps on one page.

python examples/article.py            # MNIST
python examples/article.py digits 30  # no network needed; 30 epochs
"""

import sys
from functools import partial

import sparring  # Before Keras: it chooses the backend that is installed.
from sparring.networks.mlp import mlp_discriminator, mlp_generator
from sparring.objectives.adversarial import Adversarial
from sparring.objectives.losses import non_saturating
from sparring.training.pace import Pace

import keras

source = sys.argv[1] if len(sys.argv) > 1 else "mnist"
epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 10

# Step 1: libraries and data
data = sparring.open_source(source)
keras.utils.set_random_seed(0)

# Step 2: normalise and one-hot encode
# Both happen inside the game, on the device: pixels become [-1, 1], the range of tanh, and the label of an image
# becomes a one-hot vector that both networks read, so that one can ask the generator for a digit.
spec = data.spec
print(f"{spec.num_examples} images of {spec.shape}, {spec.num_classes} classes")

# Step 3: the generator and the discriminator
generator = mlp_generator(spec.shape, spec.num_classes, latent_dim=100, width=256)  # 100 -> 256 relu -> 784 tanh
discriminator = mlp_discriminator(spec.shape, spec.num_classes, width=256)  # 784 -> 256 relu -> 1 logit

# Step 4: compile, with Adam and binary cross-entropy
adam = partial(keras.optimizers.Adam, 1e-3, beta_1=0.5)
sides = Adversarial(generator, discriminator, non_saturating)
game = sparring.Game(
    spec,
    [
        sparring.Player("discriminator", [discriminator], adam, sides.discriminator_loss, sides.discriminator_logs),
        sparring.Player("generator", [generator], adam, sides.generator_loss, act=sides.act),
    ],
    averaged={"generator": generator},
    draws={"latents": (100,)},
    pace=Pace(images=epochs * spec.num_examples, batch_size=100, tick_images=spec.num_examples, unit="Epoch"),
)
game.compile()

# Step 5: train, a line after every epoch
lines = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(game.report_line(epoch + 1, logs)))
game.fit(data.batches(100), callbacks=[lines], verbose=0)
