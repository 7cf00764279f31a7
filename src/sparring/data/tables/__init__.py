"""Tables: their columns, what must hold in their rows, and rows as arrays."""
