"""The subcommands of `lyrics`, a file each, and the options that several share."""
