"""Structure and effective properties of films and labelled images."""
