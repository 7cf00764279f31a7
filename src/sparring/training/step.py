"""START HERE: one step of training, for any number of players, on either backend."""

from sparring.backend import value_and_grad


def adversarial_step(game, batch):
    """Lets every player move `repeats` times, in order, and returns the logs of the step.

    A player sees what those before it have done: with the discriminator first this is the alternating update of
    Goodfellow et al. 2014 (arXiv:1406.2661, algorithm 1). At the end the averaged networks follow.
    """
    logs: dict = {}
    for player in game.players:
        for _ in range(player.repeats):
            (loss, found), gradients = value_and_grad(
                lambda player=player: player.loss(game, batch), player.variables, game.state
            )
            player.optimizer.apply(gradients, player.variables)
        logs |= {f"{player.name}_loss": loss, **found}
    game.average.update()
    return logs
