"""Families of networks: one file each, generator and discriminator together.

Of images, a generator maps `[latents]` or `[latents, labels]` to [-1, 1]; a discriminator maps `[images]` or
`[images, labels]` to one logit. Labels are one-hot and are an input exactly when the DataSpec has classes. A
discriminator with `head="classifier"` reads images alone and answers `[logit, class logits]`.

Of clips, a motion network and a generator of single frames share the work; see `video`.

Of tables, encoded rows take the place of images, and a condition that of labels: the slots that are told, and which.
"""
