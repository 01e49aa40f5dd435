"""Numbers with grouped digits, signs of currency and percent, and the negatives of accounting; see ``typed_cases``."""

from decimal import Decimal
from typing import Final

import pytest

from transforms.csv.typed_column import TypedColumn

D: Final = Decimal

WRITTEN_CASES: Final = [
    pytest.param(
        TypedColumn("v", "long", thousands_separator=","),
        {
            "1,234": 1234,
            "-1,234,567": -1234567,
            "+12,345": 12345,
            "1234": 1234,
            " 1,234\t": 1234,
            "007": 7,
            "1,23": "!type",
            "1234,567": "!type",
            "1,2345": "!type",
            ",123": "!type",
            "1,234,": "!type",
            "1,,234": "!type",
            "0,123": "!type",
            "1.234": "!type",
            "9,223,372,036,854,775,807": 2**63 - 1,
            "9,223,372,036,854,775,808": "!range",
            "1" + ",234" * 20_000: "!range",
            " " * 20_000 + "x": "!type",
            "1," * 20_000: "!type",
            "1\ufffd": "!encoding",
            "": "!type",
            "-": "!type",
            None: None,
        },
        id="thousands-are-groups-of-three-or-not-grouped",
    ),
    pytest.param(
        TypedColumn("v", "decimal(12,2)", thousands_separator=","),
        {
            "12,34,567.50": D("1234567.50"),
            "1,23,456": D("123456.00"),
            "123,45,678": "!type",
            "1,23,45": "!type",
            "1,23,456,789": "!type",
            "1,234.50": D("1234.50"),
            "1,234.505": "!range",
            "1,234.5,0": "!type",
            ".5": D("0.50"),
            "1e3": "!type",
        },
        id="lakhs-and-crores",
    ),
    pytest.param(
        TypedColumn("v", "decimal(12,2)", decimal_separator=",", thousands_separator="."),
        {"1.234,50": D("1234.50"), "1.234": D("1234.00"), "1,234.50": "!type", "1.23": "!type", "1234,5": D("1234.50")},
        id="thousands-with-a-decimal-comma",
    ),
    pytest.param(
        TypedColumn("v", "int", thousands_separator="."), {"1.234": 1234, "1.23": "!type"}, id="whole-thousands"
    ),
    pytest.param(
        TypedColumn("v", "double", thousands_separator=" ", decimal_separator=","),
        {
            "1 234,5": 1234.5,
            "1\u00a0234\u202f567": 1234567.0,
            "\u00a01\u202f234\u00a0": 1234.0,
            "1 2": "!type",
            "12 34": "!type",
            "- 1 234": -1234.0,
            "1 234e3": 1234000.0,
            "1e400": "!range",
        },
        id="thousands-with-spaces-of-any-width",
    ),
    pytest.param(
        TypedColumn("v", "long", thousands_separator="'"),
        {"1'234": 1234, "1\u2019234'567": 1234567, "1`234": "!type"},
        id="thousands-with-apostrophes",
    ),
    pytest.param(
        TypedColumn("v", "decimal(9,2)", currency=("€", "$", "US$", "Rs.")),
        {
            "€45": D("45.00"),
            "45 €": D("45.00"),
            "45\u00a0€": D("45.00"),
            "US$ 1.5": D("1.50"),
            "$1.5": D("1.50"),
            "-$45": D("-45.00"),
            "$-45": D("-45.00"),
            "$ - 45": D("-45.00"),
            "45": D("45.00"),
            "Rs.500": D("500.00"),
            "Rs500": "!type",
            "$.5": "!type",
            "$45€": "!type",
            "$$45": "!type",
            "£45": "!type",
            "$": "!type",
            "$4 5": "!type",
            "45-$": "!type",
            "€12345678": "!range",
            "€" + " " * 20_000: "!type",
            "1" + " " * 20_000 + "-x": "!type",
        },
        id="currency-before-or-after-a-number",
    ),
    pytest.param(
        TypedColumn("v", "decimal(9,2)", currency=("Rs",)),
        {"Rs 500": D("500.00"), "Rs.500": "!type", ".500": "!type"},
        id="a-dot-after-a-currency-is-no-decimal-point",
    ),
    pytest.param(
        TypedColumn("v", "double", percent=True),
        {"12.5%": 12.5, "12.5 %": 12.5, "-3%": -3.0, "3": 3.0, "%3": "!type", "3%%": "!type", "%": "!type"},
        id="percent-signs-are-dropped",
    ),
    pytest.param(TypedColumn("v", "int", percent=True), {"45%": 45, "4.5%": "!type"}, id="whole-percents"),
    pytest.param(
        TypedColumn("v", "decimal(9,2)", thousands_separator=",", currency=("$",), negative=("minus", "parentheses")),
        {
            "(45)": D("-45.00"),
            "( 45 )": D("-45.00"),
            "($1,234.50)": D("-1234.50"),
            "$(45)": D("-45.00"),
            "(45)$": D("-45.00"),
            "(45 $)": D("-45.00"),
            "-45": D("-45.00"),
            "(0)": D("0.00"),
            "(-45)": "!type",
            "(+45)": "!type",
            "-(45)": "!type",
            "(45": "!type",
            "45)": "!type",
            "((45))": "!type",
            "()": "!type",
            "45-": "!type",
        },
        id="parentheses-are-negative",
    ),
    pytest.param(
        TypedColumn("v", "long", negative=("trailing_minus",)),
        {
            "45-": -45,
            "45 -": -45,
            "45": 45,
            "+45": 45,
            "-45": "!type",
            "-45-": "!type",
            "45--": "!type",
            "45+": "!type",
        },
        id="only-the-declared-negatives",
    ),
    pytest.param(
        TypedColumn("v", "double", negative=("minus", "trailing_minus", "parentheses")),
        {"1e-5": 1e-5, "1e-5-": -1e-5, "(1e-5)": -1e-5, "-1e-5": -1e-5, "1e-": "!type", "0-": -0.0, "1e400-": "!range"},
        id="the-minus-of-an-exponent",
    ),
    pytest.param(
        TypedColumn("v", "decimal(9,2)", currency=("kr", "kr.", "E"), null_text=("-", "$ -")),
        {"5.kr.": D("5.00"), "5 kr": D("5.00"), "kr. 5": D("5.00"), "5E": D("5.00"), "-": None, "$ -": None},
        id="currencies-of-letters-and-null-texts",
    ),
]
