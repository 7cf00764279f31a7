"""What makes features of images, one file each; `choice` gives the one that is asked for."""
