"""Penalties of the discriminator's gradient."""

from keras import ops


def squared_norm(gradient):
    """Mean over the batch of the squared Euclidean norm of `gradient`, of shape `(N, ...)`.

    Times gamma / 2 and taken on real images it is R1 (Mescheder et al. 2018, arXiv:1801.04406, equation 9),
    on generated ones R2.
    """
    return ops.mean(ops.sum(ops.square(gradient), axis=tuple(range(1, len(gradient.shape)))))
