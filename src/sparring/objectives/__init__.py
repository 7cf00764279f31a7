"""What each player wants: losses of logits, penalties of gradients, and the two sides of a game put together."""
