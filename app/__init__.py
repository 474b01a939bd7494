"""Where people and machines enter: the command line, the server, the demo."""
