"""How much of what one image shows another shows too."""

from keras import ops


def distance(images, others):
    """Mean absolute difference, the L1 of arXiv:1611.07004, equation 3, over the number of values."""
    return ops.mean(ops.abs(ops.cast(images, "float32") - others))


def patch_loss(queries, keys, temperature: float):
    """Cross-entropy of finding each query's own key among those of the same image (arXiv:2007.15651, equation 3).

    Args:
        queries: Vectors of length 1, (N, patches, width).
        keys: The same; the key of a query stands at its place.
        temperature: What similarities are divided by.
    """
    queries, keys = ops.cast(queries, "float32"), ops.cast(keys, "float32")
    logits = ops.matmul(queries, ops.transpose(keys, (0, 2, 1))) / temperature
    own = ops.sum(queries * keys, axis=-1) / temperature
    return ops.mean(ops.logsumexp(logits, axis=-1) - own)
