# Runs in an environment of its own, because pyctcdecode wants a NumPy older than the course's: it is given an alphabet
# with the blank first and a file of log-probabilities, and answers every line of JSON with the string that it reads.
# What a line holds goes to the decoder: its width and how it prunes.
import json
import logging
import sys

import numpy as np

logging.disable(logging.WARNING)  # it would say at each start that it lacks a language model, and a space

from pyctcdecode import build_ctcdecoder  # noqa: E402

alphabet, path = sys.argv[1:]
scores = np.load(path)
decoder = build_ctcdecoder(["", *alphabet[1:]])
for line in sys.stdin:
    print(decoder.decode(scores, **json.loads(line)), flush=True)
