"""Fit one model of Surprise and predict: run by ``rating_peers.py``, maybe by another interpreter.

Arguments: a folder with ``in.npz``, the name of the algorithm, its settings as JSON. Writes
``out.npz``. Needs numpy, pandas and surprise only.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import surprise

folder, algorithm, settings = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
data = np.load(folder / "in.npz")
model = getattr(surprise, algorithm)(**settings)
start = time.perf_counter()
table = pd.DataFrame({name: data[name] for name in "uir"})
reader = surprise.Reader(rating_scale=(table["r"].min(), table["r"].max()))
model.fit(surprise.Dataset.load_from_df(table, reader).build_full_trainset())
fitted = time.perf_counter()
asked = zip(data["test_u"].tolist(), data["test_i"].tolist(), np.zeros(len(data["test_u"])))
ratings = np.array([prediction.est for prediction in model.test(asked)])
np.savez(
    folder / "out.npz",
    ratings=ratings,
    fit_s=fitted - start,
    predict_s=time.perf_counter() - fitted,
)
