"""What every contender on PyTorch trains with: two networks in turn, each with its Adam, and an average of one."""

import copy
import time

import torch
from torch import nn
from workload import now, settings, since

CHECK_STEPS = 50  # As often the tutorial asks for a number.


class Adversaries:
    """Two networks with an Adam each, batches for them, and an average of the one that generates.

    Args:
        recipe: Whose options.
        networks: The generator and the discriminator.
        betas: Of Adam.
        images: uint8, (N, height, width, channels).
        channels_last: The layout of images in memory.
        optimizer: "fused" or "foreach", two ways PyTorch runs the same Adam; None leaves it the choice.
    """

    def __init__(
        self,
        recipe: str,
        networks: tuple[nn.Module, nn.Module],
        betas: tuple[float, float],
        images: torch.Tensor,
        channels_last: bool,
        optimizer: str | None,
    ):
        options = settings(recipe)
        self.batch_size, self.halflife = options["batch_size"], options.get("ema_halflife_images", 10_000)
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        self.generator, self.discriminator = (network.to(memory_format=self.layout) for network in networks)
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.optimizers = [
            torch.optim.Adam(
                network.parameters(),
                options["learning_rate"],
                betas,
                eps=1e-7,
                **({optimizer: True} if optimizer else {}),
            )
            for network in (self.discriminator, self.generator)
        ]
        self.schedules: list[torch.optim.lr_scheduler.LRScheduler] = []
        self.images, self.steps = images.permute(0, 3, 1, 2), 0
        self.rows = self._rows()

    def _rows(self):
        """Rows of the batches, shuffled anew in every pass."""
        while True:
            order = torch.randperm(len(self.images))
            yield from order[: len(order) - len(order) % self.batch_size].split(self.batch_size)

    def _next_images(self):
        return self.images[next(self.rows)].float().div_(127.5).sub_(1.0).contiguous(memory_format=self.layout)

    def step(self):
        losses = self._losses(self._next_images())
        for loss, optimizer, network in zip(losses, self.optimizers, (self.discriminator, self.generator), strict=True):
            optimizer.zero_grad()
            loss.backward(inputs=list(network.parameters()))
            optimizer.step()
        for schedule in self.schedules:
            schedule.step()
        self._follow()
        if self.steps % CHECK_STEPS == 0:
            self.last = loss.item()

    def _losses(self, real):
        """The discriminator's loss and, once it has moved, the generator's."""
        raise NotImplementedError

    @torch.no_grad()
    def _follow(self):
        self.steps += 1
        halflife = min(self.halflife, 0.05 * self.steps * self.batch_size)
        share = 1 - 0.5 ** (self.batch_size / halflife)
        torch._foreach_lerp_(list(self.average.parameters()), list(self.generator.parameters()), share)
        if buffers := list(self.average.buffers()):
            torch._foreach_copy_(buffers, list(self.generator.buffers()))

    def run(self, seconds: float) -> tuple[int, float, float]:
        """Trains for so long; returns images, seconds and processor seconds."""
        steps, began = 0, now()
        while time.perf_counter() - began[0] < seconds:
            self.step()
            steps += 1
        return steps * self.batch_size, *since(began)
