import os

# real data are tested only where they are: SKATTNREC_DATA is a folder that holds raw/ml-100k
# and raw/ml-latest-small
collect_ignore = [] if os.environ.get("SKATTNREC_DATA") else ["test_movielens_real.py"]
