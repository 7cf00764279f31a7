"""Sources of examples: what one looks like, where they lie, and the stream of batches they become."""
