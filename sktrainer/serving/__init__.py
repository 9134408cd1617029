"""Files of a fit for other tools, and the model as they load it."""
