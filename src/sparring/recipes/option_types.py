"""What the options of several recipes mean: a type with its limits, and the words that describe it.

An option whose type stands here needs no line of its own in the docstring of a recipe.
"""

from typing import Annotated, Literal

from pydantic import Field

Count = Annotated[int, Field(ge=1, le=4096)]
Strength = Annotated[float, Field(ge=0)]

Images = Annotated[int, Field(ge=1, description="Images to train on in all; schedules reach their end there.")]
TickImages = Annotated[
    int | None,
    Field(ge=1, description="Images between two looks; None takes the number there are, between 2,000 and 10,000."),
]
BatchSize = Annotated[int, Field(ge=1, le=4096, description="Images in one update of a network, over all devices.")]
LatentDim = Annotated[int, Field(ge=1, le=4096, description="Size of the noise vector.")]
LearningRate = Annotated[float, Field(gt=0, le=1, description="Of both Adams, at the beginning.")]
FinalLearningRate = Annotated[
    float | None, Field(gt=0, le=1, description="At the end, after a cosine; None leaves it as it is.")
]
Halflife = Annotated[float, Field(ge=0, description="Half-life of the averaged generator, in images.")]
LossName = Annotated[
    Literal["minimax", "non_saturating", "least_squares", "hinge", "wasserstein", "relativistic"],
    Field(description="What the players want of the logits."),
]
Penalties = Annotated[
    str,
    Field(
        description="What holds the discriminator back, of r1, r2, wgan_gp, consistency and lecam, separated by "
        "commas, or none; `wgan_gp:5` gives one its strength."
    ),
]
Gamma = Annotated[
    float | None,
    Field(
        ge=0,
        description="Strength of r1 and r2; None takes it from the data, 0.01 times the mean squared distance of two "
        "examples.",
    ),
]
FinalGamma = Annotated[float | None, Field(ge=0, description="At the end, after a cosine; None leaves it as it is.")]
PenaltyEvery = Annotated[
    int, Field(ge=1, le=1024, description="Slopes are penalised in every so many steps, as many times as strong.")
]
FiniteDifferences = Annotated[
    bool,
    Field(
        description="Whether slopes are finite differences: no second derivatives, but noise, and no faster on a CPU."
    ),
]
Packing = Annotated[
    int, Field(ge=1, le=16, description="Images that the discriminator judges together (PacGAN, arXiv:1712.04086).")
]
Head = Annotated[
    Literal["projection", "classifier"],
    Field(
        description="How the discriminator knows of classes: told the label (arXiv:1802.05637), or asked for it "
        "(arXiv:1610.09585)."
    ),
]
Augment = Annotated[
    Literal["auto", "none", "diffaugment", "adaptive"],
    Field(
        description="Changes all the discriminator sees: always, with a probability that adapts itself, or not at "
        "all; auto takes diffaugment for fewer than 10,000 images of 16 pixels a side or more."
    ),
]
AugmentPolicy = Annotated[
    str, Field(description="What is changed, of color, translation, cutout and flip, separated by commas.")
]
Accumulate = Annotated[
    int, Field(ge=1, le=1024, description="Batches whose gradients make one update: large batches in little memory.")
]
To = Annotated[
    str | None, Field(description="Name of the domain that images become images of; None takes the second there is.")
]
Mirror = Annotated[
    bool, Field(description="Whether images may be mirrored left to right; not where they show letters or digits.")
]
Patch = Annotated[
    Literal[12, 30, 66] | None,
    Field(
        description="Pixels of a side that a judgement of the discriminator is about: small ones leave shapes to be, "
        "large ones change them; None takes what fits into half of the image."
    ),
]
JitterShare = Annotated[
    float, Field(ge=0, le=0.5, description="Images move by up to this share of a side while they are trained on.")
]
ConstantShare = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        description="Share of the training after which the learning rate falls to 0 on a straight line; 1 leaves it.",
    ),
]
Momentum = Annotated[float, Field(ge=0, lt=1, description="Adam's beta1.")]
PairBatch = Annotated[int, Field(ge=1, le=4096, description="Images of each domain in one step, over all devices.")]
DomainImages = Annotated[int, Field(ge=1, description="Images of each domain to train on in all, repeats counted.")]
Precision = Annotated[
    Literal["float32", "bfloat16"],
    Field(description="Of what the networks compute; bfloat16 is for accelerators. Weights stay float32."),
]
