"""The code of the README runs as it stands."""

import re
from pathlib import Path

import numpy as np

README = Path(__file__).parents[1] / "README.md"


def test_python_blocks_run_in_order(capsys):
    blocks = re.findall(r"(?ms)^```python\n(.*?)^```", README.read_text("utf-8"))
    assert len(blocks) >= 3
    quickstart = [line for line in blocks[0].splitlines() if line.strip()]
    assert len(quickstart) <= 15
    names = {}
    exec(compile(blocks[0], f"{README}, first block", "exec"), names)
    assert names["items"].shape == (3, 5)
    seen = names["X"][:3].toarray() > 0
    assert not seen[np.arange(3)[:, None], names["items"]].any()
    reasons = names["reasons"]
    np.testing.assert_allclose(reasons.contributions.sum(axis=1), names["scores"][0], rtol=1e-4)
    assert names["leaderboard"].index[0] in names["models"]
    for number, block in enumerate(blocks[1:], start=2):
        exec(compile(block, f"{README}, block {number}", "exec"), names)
    assert set(names["search"].best_params_) == {"n_heads", "temperature"}
    printed = capsys.readouterr().out
    assert "ndcg@10" in printed
    assert "rank" in printed
