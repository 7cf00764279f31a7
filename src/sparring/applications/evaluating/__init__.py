"""How good runs are: the verb `evaluate`, its judges and its pages."""
