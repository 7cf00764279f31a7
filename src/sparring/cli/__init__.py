"""The command line: one file per verb, Keras only where a verb needs it."""
