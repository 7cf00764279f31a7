"""Contenders on PyTorch: the same networks and losses, by its tutorial, as fast as they go, and compiled."""

import itertools
import time
from functools import partial

from sparring.data.spec import squared_distance
from sparring.environment import keep_freed_memory

import numpy as np
import torch
from pytorch_adversaries import Adversaries
from pytorch_translation import Translator
from torch import nn
from torch.nn.functional import softplus
from workload import PEAK_PRODUCTS, PEAK_SIDE, TRANSLATIONS, factors, load_images, settings

TRIAL_SECONDS, TRIALS = 0.7, 3


def matrix_peak() -> float:
    """GFLOP for each processor second of a product of matrices."""
    a, b = map(torch.from_numpy, factors())
    torch.mm(a, b)
    began = time.process_time()
    for _ in range(PEAK_PRODUCTS):
        torch.mm(a, b)
    return PEAK_PRODUCTS * 2 * PEAK_SIDE**3 / (time.process_time() - began) / 1e9


def mlp(latent_dim: int, width: int) -> tuple[nn.Module, nn.Module]:
    generator = nn.Sequential(
        nn.Linear(latent_dim, width), nn.ReLU(), nn.Linear(width, 784), nn.Tanh(), nn.Unflatten(1, (1, 28, 28))
    )
    return generator, nn.Sequential(nn.Flatten(), nn.Linear(784, width), nn.ReLU(), nn.Linear(width, 1))


def dcgan(latent_dim: int, width: int) -> tuple[nn.Module, nn.Module]:
    generator = nn.Sequential(
        nn.Linear(latent_dim, 49 * 2 * width, bias=False),
        nn.Unflatten(1, (2 * width, 7, 7)),
        nn.BatchNorm2d(2 * width),
        nn.ReLU(),
        nn.ConvTranspose2d(2 * width, width, 5, 2, padding=2, output_padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.ConvTranspose2d(width, 1, 5, 2, padding=2, output_padding=1),
        nn.Tanh(),
    )
    discriminator = nn.Sequential(
        nn.Conv2d(1, width, 5, 2, padding=2),
        nn.LeakyReLU(0.2),
        nn.Conv2d(width, 2 * width, 5, 2, padding=2, bias=False),
        nn.BatchNorm2d(2 * width),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(49 * 2 * width, 1),
    )
    return generator, discriminator


class Basis(nn.Module):
    def __init__(self, latent_dim: int, channels: int):
        super().__init__()
        self.basis = nn.Parameter(torch.randn(1, channels, 7, 7))
        self.kernel = nn.Linear(latent_dim, channels, bias=False)

    def forward(self, x):
        return self.basis * self.kernel(x)[:, :, None, None]


class Block(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.slope = nn.LeakyReLU(0.2)
        nn.init.zeros_(self.second.weight)

    def forward(self, x):
        return x + self.second(self.slope(self.first(self.slope(x))))


def residual(latent_dim: int, width: int) -> tuple[nn.Module, nn.Module]:
    generator = nn.Sequential(
        Basis(latent_dim, 2 * width),
        Block(2 * width),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.Conv2d(2 * width, width, 1),
        Block(width),
        nn.LeakyReLU(0.2),
        nn.ConvTranspose2d(width, 1, 4, 2, padding=1),
    )
    discriminator = nn.Sequential(
        nn.Conv2d(1, width, 4, 2, padding=1),
        Block(width),
        nn.AvgPool2d(2),
        nn.Conv2d(width, 2 * width, 1),
        Block(2 * width),
        nn.LeakyReLU(0.2),
        nn.Conv2d(2 * width, 2 * width, 7, groups=2 * width, bias=False),
        nn.Flatten(),
        nn.Linear(2 * width, 1, bias=False),
    )
    return generator, discriminator


NETWORKS = {"article": mlp, "dcgan": dcgan, "r3gan": residual}
BETAS = {"article": (0.5, 0.999), "dcgan": (0.5, 0.999), "r3gan": (0.0, 0.99)}


class Trainer(Adversaries):
    """PyTorch's own DCGAN tutorial: one generator pass, the discriminator's step, the generator's step.

    Better than the tutorial where that costs PyTorch nothing but time: the generator's step takes no gradient by the
    discriminator's weights. It keeps an average of the generator, as ours does.

    Args:
        recipe: Whose networks, loss and options.
        compiled: Whether the networks go through `torch.compile`; it refuses second derivatives, so where R1 and R2
            take them the discriminator's own step runs it as it is.
        channels_last: The layout of images in memory.
        optimizer: "fused" or "foreach", two ways PyTorch runs the same Adam; None leaves it the choice.
    """

    def __init__(self, recipe: str, compiled: bool, channels_last: bool, optimizer: str | None):
        torch.manual_seed(0)
        options, images = settings(recipe), torch.from_numpy(load_images())
        self.latent_dim = options["latent_dim"]
        networks = NETWORKS[recipe](self.latent_dim, options["width"])
        super().__init__(recipe, networks, BETAS[recipe], images, channels_last, optimizer)
        self.gamma = 0.0
        if recipe == "r3gan":
            self.gamma = 1e-2 * squared_distance(images.numpy())
            steps, last = options["images"] // self.batch_size, options["final_learning_rate"]
            self.schedules = [torch.optim.lr_scheduler.CosineAnnealingLR(o, steps, last) for o in self.optimizers]
        self.generate = torch.compile(self.generator) if compiled else self.generator
        self.judge = torch.compile(self.discriminator) if compiled else self.discriminator

    def _losses(self, real):
        fake = self.generate(torch.randn(self.batch_size, self.latent_dim))
        return (self._penalised_losses if self.gamma else self._plain_losses)(real, fake)

    def _plain_losses(self, real, fake):
        yield softplus(-self.judge(real)).mean() + softplus(self.judge(fake.detach())).mean()
        yield softplus(-self.judge(fake)).mean()

    def _penalised_losses(self, real, fake):
        scores, penalties = zip(*map(self._judged, (real, fake.detach())), strict=True)
        yield softplus(scores[1] - scores[0]).mean() + self.gamma / 2 * (penalties[0] + penalties[1])
        with torch.no_grad():
            real_scores = self.judge(real)
        yield softplus(real_scores - self.judge(fake)).mean()

    def _judged(self, images):
        """Scores, and the mean squared norm of their gradient by the images."""
        images = images.detach().requires_grad_()
        scores = self.discriminator(images)
        (gradient,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
        return scores, gradient.square().sum((1, 2, 3)).mean()


class Tutorial(Trainer):
    """The tutorial to the letter, where it is right: Adam and layout as they come, and a look at every figure.

    Two backward passes for the discriminator, and in the generator's step one through all of its weights too, whose
    gradients are thrown away.
    """

    def __init__(self, recipe: str):
        super().__init__(recipe, compiled=False, channels_last=False, optimizer=None)

    def step(self):
        of_discriminator, of_generator = self.optimizers
        self.discriminator.zero_grad()
        scores = self.discriminator(self._next_images())
        real_loss = softplus(-scores).mean()
        real_loss.backward()
        figures = [scores.mean().item()]
        fake = self.generator(torch.randn(self.batch_size, self.latent_dim))
        scores = self.discriminator(fake.detach())
        fake_loss = softplus(scores).mean()
        fake_loss.backward()
        figures.append(scores.mean().item())
        of_discriminator.step()
        self.generator.zero_grad()
        scores = self.discriminator(fake)
        loss = softplus(-scores).mean()
        loss.backward()
        of_generator.step()
        self.last = [*figures, scores.mean().item(), (real_loss + fake_loss).item(), loss.item()]
        self._follow()


def fastest(recipe: str, compiled: bool, threads: int) -> tuple[Adversaries, str]:
    """A trainer in the layout and with the Adam that ran fastest here, and a word on which that was.

    It keeps the memory that a step frees, as ours does: PyTorch too allocates by the system's `malloc`.
    """
    keep_freed_memory()
    torch.set_num_threads(threads)
    make = partial(Translator if recipe in TRANSLATIONS else Trainer, recipe)
    layouts = (False,) if recipe == "article" else (False, True)
    trials = {}
    for channels_last, optimizer in itertools.product(layouts, ("fused", "foreach")):
        trainer = make(False, channels_last, optimizer)
        trainer.run(TRIAL_SECONDS)
        runs = [trainer.run(TRIAL_SECONDS) for _ in range(TRIALS)]
        trials[channels_last, optimizer] = max(images / processor for images, _, processor in runs)
    channels_last, optimizer = max(trials, key=trials.get)
    layout = "channels last" if channels_last else "channels first"
    return make(compiled, channels_last, optimizer), f"torch {torch.__version__}, {layout}, {optimizer} Adam"


def by_the_tutorial(recipe: str, threads: int) -> tuple[Trainer, str]:
    """The tutorial, and a word on how."""
    torch.set_num_threads(threads)
    return Tutorial(recipe), f"torch {torch.__version__}, channels first, Adam as it comes"


def introduce(trainer: Adversaries, note: str) -> dict:
    """What the parent wants to know of it."""
    networks = trainer.generator, trainer.discriminator
    return {"parameters": [sum(int(np.prod(p.shape)) for p in n.parameters()) for n in networks], "note": note}
