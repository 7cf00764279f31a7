"""What a discriminator sees: the same random changes to real and to generated images, so that few images go further."""
