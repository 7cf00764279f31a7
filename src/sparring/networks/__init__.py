"""Families of networks: one file each, generator and discriminator together.

A generator maps `[latents]` or `[latents, labels]` to images in [-1, 1]; a discriminator maps `[images]` or
`[images, labels]` to one logit. Labels are one-hot and are an input exactly when the DataSpec has classes. A
discriminator with `head="classifier"` reads images alone and answers `[logit, class logits]`.
"""
