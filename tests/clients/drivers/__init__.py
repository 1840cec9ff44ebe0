"""Programs that drive a client from inside, in the language or with the interpreter that it wants."""
