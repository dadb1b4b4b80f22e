"""Files, whichever service answers: what a command may ask, and which services there are."""
