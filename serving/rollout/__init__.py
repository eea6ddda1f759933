"""Which versions answer: a policy, the file that says so, and the way from one to the next."""
