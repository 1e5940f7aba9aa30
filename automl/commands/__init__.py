"""Commands of the command line: parse, call one function of `service`, print. Heavy libraries load inside them."""
