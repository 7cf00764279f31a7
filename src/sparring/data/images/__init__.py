"""Images: from folders, zips and arrays, alone or by domain."""
