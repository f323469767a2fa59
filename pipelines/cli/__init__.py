"""The command line: one thin module a noun; `main` puts them together."""
