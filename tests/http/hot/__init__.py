"""Hot requests: as Radicale's way answers them, with as few statements as can be."""
