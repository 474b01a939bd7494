"""The commands of `onpace`, a module a subject; what they do is elsewhere."""
