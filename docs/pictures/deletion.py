"""What scores and lists lose when histories lose what an explanation names."""

from skattnrec import AttentionRecommender
from skattnrec.datasets import make_interactions
from skattnrec.inspection import FaithfulnessDisplay

X = make_interactions(600, 200, n_interactions=24_000, random_state=0).X
model = AttentionRecommender(regularization=50).fit(X[:500])
FaithfulnessDisplay.from_estimator(model, X[500:540], measures=["del", "ins", "pos@10"])
