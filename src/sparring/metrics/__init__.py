"""How good samples are: functions of arrays."""
