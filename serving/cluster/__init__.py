"""The skin that makes Ray Serve deployments of the stages and the gateway. Ray appears here and nowhere else."""
