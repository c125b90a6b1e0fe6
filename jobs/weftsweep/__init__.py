"""The sweep driver behind jobs/sweep.sh: a grid, its points, and Slurm or xargs to run them."""
