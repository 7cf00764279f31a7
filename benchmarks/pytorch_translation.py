"""Translation between two domains on PyTorch: the networks and losses of pix2pix, cyclegan and fastcut."""

import itertools
import math

import torch
from pytorch_adversaries import Adversaries
from torch import nn
from torch.nn.functional import cross_entropy, l1_loss, normalize, softplus
from workload import DOMAIN_SHAPE, load_domains, settings

SIDE, CHANNELS = DOMAIN_SHAPE[2:]
WIDEST = 8  # Times the first width.
PROJECTED = 256


def convolution(*sizes: int, stride: int = 1, use_bias: bool = False) -> nn.Conv2d:
    """Padded to the same size: channels in, channels out and the side of the kernel."""
    return nn.Conv2d(*sizes, stride, padding=(sizes[2] - 1) // 2, bias=use_bias)


def normalised(into: int, out: int, slope: nn.Module, kernel: int = 3) -> list[nn.Module]:
    return [convolution(into, out, kernel), nn.InstanceNorm2d(out, affine=True), slope]


def upsampled() -> nn.Module:
    return nn.Upsample(scale_factor=2, mode="bilinear")


class UNet(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        widths = [width * min(2**step, WIDEST) for step in range(int(math.log2(SIDE)) - 2)]
        self.begin = nn.Sequential(convolution(CHANNELS, width, 4, stride=2, use_bias=True), nn.LeakyReLU(0.2))
        self.down = nn.ModuleList(
            nn.Sequential(nn.AvgPool2d(2), *normalised(into, out, nn.LeakyReLU(0.2)))
            for into, out in itertools.pairwise(widths)
        )
        # What comes up has as many channels as what it is joined with below, but at the lowest place.
        self.up = nn.ModuleList(
            nn.Sequential(*normalised(below + beside, beside, nn.ReLU()))
            for beside, below in itertools.pairwise(widths)
        )
        self.end = nn.Sequential(
            convolution(width + CHANNELS, width // 2, 3, use_bias=True),
            nn.ReLU(),
            convolution(width // 2, CHANNELS, 3, use_bias=True),
            nn.Tanh(),
        )
        self.twice = upsampled()

    def forward(self, images):
        x, passed = self.begin(images), []
        for step in self.down:
            passed.append(x)
            x = step(x)
        for step in reversed(self.up):
            x = step(torch.cat([self.twice(x), passed.pop()], 1))
        return self.end(torch.cat([self.twice(x), images], 1))


class Block(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.change = nn.Sequential(*normalised(width, width, nn.ReLU()), *normalised(width, width, nn.Identity()))

    def forward(self, x):
        return x + self.change(x)


class Residual(nn.Module):
    def __init__(self, width: int, blocks: int):
        super().__init__()
        self.begin = nn.Sequential(*normalised(CHANNELS, width, nn.ReLU(), 7))
        self.down = nn.ModuleList(
            nn.Sequential(nn.AvgPool2d(2), *normalised(width * scale, 2 * width * scale, nn.ReLU())) for scale in (1, 2)
        )
        self.blocks = nn.ModuleList(Block(4 * width) for _ in range(blocks))
        self.up = nn.Sequential(
            *(upsampled(), *normalised(4 * width, 2 * width, nn.ReLU())),
            *(upsampled(), *normalised(2 * width, width, nn.ReLU())),
        )
        self.end = nn.Sequential(convolution(width + CHANNELS, CHANNELS, 7, use_bias=True), nn.Tanh())

    def encoded(self, images) -> list[torch.Tensor]:
        """The features that fastcut compares: pixels, both halvings, the first block and one in the middle."""
        found = [images]
        x = self.begin(images)
        for step in self.down:
            x = step(x)
            found.append(x)
        for place, block in enumerate(self.blocks):
            x = block(x)
            if place in (0, len(self.blocks) // 2):
                found.append(x)
            if place == len(self.blocks) // 2:
                break
        return found

    def forward(self, images):
        x = self.begin(images)
        for step in (*self.down, *self.blocks):
            x = step(x)
        return self.end(torch.cat([self.up(x), images], 1))


def patch_judge(channels: int, width: int) -> nn.Module:
    """Each logit sees 30 pixels of a side."""
    return nn.Sequential(
        *(convolution(channels, width, 4, stride=2, use_bias=True), nn.LeakyReLU(0.2)),
        *(*normalised(width, 2 * width, nn.LeakyReLU(0.2)), nn.AvgPool2d(2)),
        *normalised(2 * width, 4 * width, nn.LeakyReLU(0.2)),
        convolution(4 * width, 1, 3, use_bias=True),
    )


class Projector(nn.ModuleList):
    def __init__(self, width: int):
        channels = (CHANNELS, 2 * width, 4 * width, 4 * width, 4 * width)
        dense = (nn.Sequential(nn.Linear(c, PROJECTED), nn.ReLU(), nn.Linear(PROJECTED, PROJECTED)) for c in channels)
        super().__init__(dense)

    def forward(self, features, places):
        """Vectors of length 1 at a share of the places of each image, (N, patches)."""
        found = []
        for dense, x in zip(self, features, strict=True):
            rows = x.flatten(2).transpose(1, 2)
            place = (places * rows.shape[1]).long()[:, :, None].expand(-1, -1, rows.shape[2])
            found.append(normalize(dense(rows.gather(1, place)), dim=2))
        return found


def networks_of(recipe: str, options: dict) -> tuple[nn.Module, nn.Module]:
    width, judged = options["width"], options["discriminator_width"]
    if recipe == "pix2pix":
        return UNet(width), patch_judge(2 * CHANNELS, judged)
    ways = [Residual(width, options["blocks"]) for _ in range(2 if recipe == "cyclegan" else 1)]
    if recipe == "fastcut":
        return nn.ModuleList([*ways, Projector(width)]), patch_judge(CHANNELS, judged)
    return nn.ModuleList(ways), nn.ModuleList(patch_judge(CHANNELS, judged) for _ in ways)


class Translator(Adversaries):
    """The recipe's step, with one pass of a generator for both players, images neither moved nor mirrored.

    Args:
        recipe: One of `workload.TRANSLATIONS`.
        compiled: Whether the networks go through `torch.compile`.
        channels_last: As of `Adversaries`.
        optimizer: As of `Adversaries`.
    """

    def __init__(self, recipe: str, compiled: bool, channels_last: bool, optimizer: str | None):
        torch.manual_seed(0)
        self.options = options = settings(recipe)
        images = torch.cat(list(torch.from_numpy(load_domains())), -1)
        networks = networks_of(recipe, options)
        super().__init__(recipe, networks, (options["beta1"], 0.999), images, channels_last, optimizer)
        self.compiled = compiled
        self._play = {"pix2pix": self._paired, "cyclegan": self._cycle, "fastcut": self._contrastive}[recipe]
        self._ready = (
            [self._made(part) for part in self.generator] if recipe != "pix2pix" else self._made(self.generator)
        )
        judges = self.discriminator
        self._judges = [self._made(part) for part in judges] if recipe == "cyclegan" else self._made(judges)

    def _made(self, network: nn.Module):
        return torch.compile(network) if self.compiled else network

    def _losses(self, real):
        return self._play(*(x.contiguous(memory_format=self.layout) for x in real.split(CHANNELS, 1)))

    def _paired(self, shown, target):
        made = self._ready(shown)
        fake = torch.cat([shown, made], 1)
        yield (
            softplus(-self._judges(torch.cat([shown, target], 1))).mean() + softplus(self._judges(fake.detach())).mean()
        )
        yield softplus(-self._judges(fake)).mean() + self.options["closeness"] * l1_loss(made, target)

    def _cycle(self, *real):
        there, back = self._ready
        fake = back(real[1]), there(real[0])
        yield sum(told_apart(judge, *pair) for judge, *pair in zip(self._judges, real, fake, strict=True))
        total = sum(passed(judge, one) for judge, one in zip(self._judges, fake, strict=True))
        undone = l1_loss(back(fake[1]), real[0]) + l1_loss(there(fake[0]), real[1])
        kept = l1_loss(there(real[1]), real[1]) + l1_loss(back(real[0]), real[0])
        yield total + self.options["cycle"] * (undone + self.options["identity"] * kept)

    def _contrastive(self, shown, target):
        generate, project = self._ready
        fake = generate(shown)
        yield told_apart(self._judges, target, fake)
        places = torch.rand(len(shown), self.options["num_patches"])
        with torch.no_grad():
            keys = project(self.generator[0].encoded(shown), places)
        queries = project(self.generator[0].encoded(fake), places)
        contrasts = [self._contrast(*pair) for pair in zip(queries, keys, strict=True)]
        yield passed(self._judges, fake) + self.options["closeness"] * sum(contrasts) / len(contrasts)

    def _contrast(self, queries, keys):
        """Each query is to find its own key among those of its image."""
        logits = queries @ keys.transpose(1, 2) / self.options["temperature"]
        return cross_entropy(logits.flatten(0, 1), torch.arange(logits.shape[1]).repeat(len(logits)))


def told_apart(judge, real, fake):
    return ((judge(real) - 1).square().mean() + judge(fake.detach()).square().mean()) / 2


def passed(judge, fake):
    return (judge(fake) - 1).square().mean() / 2
