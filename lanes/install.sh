#!/usr/bin/env bash
# Install the project, and what its tests need, beside a runtime's own packages: install.sh LANE [PYTHON].
# A lane and the docker image install in this way; pyspark, numpy, pandas, pyarrow and awsglue stay the runtime's.
set -euo pipefail
lane=lanes/$1
python=${2:-python3}
"$python" -m pip install --disable-pip-version-check --no-deps --require-hashes \
  --constraint "$lane/constraints.txt" --requirement "$lane/project.txt"
"$python" -m pip install --disable-pip-version-check --no-deps --editable .
