"""What scripts/deploy and scripts/undeploy do, with docker, sam and aws; in Python 3.9 alone."""
