"""The main job on real input, against the running stack: `python -m sandbox.demo`."""
