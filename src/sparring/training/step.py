"""START HERE: one step of training, for any number of players, on either backend."""

from sparring.backend import forward, value_and_grad


def adversarial_step(game, batch):
    """Lets every player move `repeats` times, in order, and returns the logs of the step.

    First each player that has an `act` makes what the others will judge, once for all of them. Then they move, and a
    player sees what those before it have learnt: with the discriminator first this is the alternating update of
    Goodfellow et al. 2014 (arXiv:1406.2661, algorithm 1), the generator running once where two losses read its
    images. Who moves several times has a part of the batch for each move; who moves once, the last part. At the end
    the averaged networks follow.
    """
    parts = split(batch, game.turns)
    pulls = {player.name: show(game, player, parts) for player in game.players if player.act}
    logs: dict = {}
    for player in game.players:
        for part in parts[-player.repeats :]:
            found, gradients = learn(game, player, part, pulls.get(player.name))
            player.optimizer.apply(gradients, player.variables)
        logs |= found
    game.average.update()
    return logs


def split(batch, turns: int) -> list[dict]:
    """The batch in `turns` equal parts, every `turns`-th row to each: devices that share a batch share each part."""
    return [{name: rows[turn::turns] if turns > 1 else rows for name, rows in batch.items()} for turn in range(turns)]


def show(game, player, parts):
    """Adds what the player shows to every part; returns how to go back from the last part's to its variables."""
    for part in parts:
        shown, pull = forward(lambda part=part: player.act(game, part), player.variables, game.state)
        part |= shown
    return pull, tuple(shown)


def learn(game, player, part, act):
    """Logs and gradients of one move: of its own, and through what the player has shown, where it has."""
    if act is None:
        (loss, found), gradients = value_and_grad(lambda: player.loss(game, part), player.variables, game.state)
    else:
        pull, names = act
        (loss, found), (own, slopes) = value_and_grad(
            lambda shown: player.loss(game, part | shown), player.variables, game.state, {n: part[n] for n in names}
        )
        pairs = zip(own, pull(slopes), strict=True)
        gradients = [through if direct is None else direct + through for direct, through in pairs]
    return {f"{player.name}_loss": loss, **found}, gradients
