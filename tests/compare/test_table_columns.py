"""What is read from a CSV file: fields, and columns of numbers, dates and text."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest

from compare.tables.columns import convert, read, recognise

Write = Callable[..., Path]


def values(path: Path) -> pd.DataFrame:
    fields, separator, _ = read(path)
    return convert(path, fields, recognise(fields, separator))


# Fields


@pytest.mark.parametrize(
    "content",
    [
        "a,b,c\n1,2,é\n4,?,6\n",
        "a;b;c\n1;2;é\n4;NA;6\n",
        "a\tb\tc\r\n1\t2\té\r\n4\t\t6\r\n",
        "a|b|c\r1|2|é\r4|-|6",
        '"a","b","c"\n"1","2","é"\n4,nan,6\n',
        "\ufeffa,b,c\n1,2,é\n4,None,6\n",
        " a , b , c \n\n1, 2, é \n\n4,,6\n\n",
        "a;b;c\n1;2;é\n4;n/a;6\n;;\n",
        "a;b;c\n1;2;é\n4;null;6\n".encode("cp1252"),
        "a;b;c\n1;2;é\n4;;6\n".encode("utf-16"),
    ],
)
def test_a_table_is_read_however_it_is_written(content: str | bytes, write_csv: Write):
    fields, *_ = read(write_csv(content))
    assert list(fields) == ["a", "b", "c"]
    assert fields.fillna("missing").to_numpy().tolist() == [
        ["1", "2", "é"],
        ["4", "missing", "6"],
    ]


def test_how_a_file_was_read_is_told(write_csv: Write):
    assert read(write_csv("a;b\n1;2\n"))[1:] == (";", "UTF-8")
    path = write_csv("ä|b\n1|2\n".encode("cp1252"))
    assert read(path)[1:] == ("|", "Windows-1252")


def test_quoted_fields_may_hold_separators_quotes_and_line_breaks(write_csv: Write):
    fields, *_ = read(write_csv('"x, m";"y\n(m)"\n"say ""hi""; so";2\n3;4\n'))
    assert list(fields) == ["x, m", "y\n(m)"]
    assert fields.to_numpy().tolist() == [['say "hi"; so', "2"], ["3", "4"]]


def test_fields_that_a_short_row_lacks_are_missing(write_csv: Write):
    fields, *_ = read(write_csv("a;b;c\n1;2;3\n4;5\n"))
    assert fields.loc[3].isna().tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("content", "facts"),
    [
        ("", ["not a table"]),
        ("\n\n", ["no rows of data"]),
        ("a;b\n;\n", ["no rows of data"]),
        ("a,b\n1,2,3\n", ["line 2", "more fields"]),
        ("a,b\n1,2\n1,2,3\n", ["line 3", "2 fields", "3"]),
        ('a,b\n1,"2\n', ["unexpected end of data"]),
        (b"a,b\n1,\x00\n", ["not a text file"]),
    ],
)
def test_a_file_that_is_not_a_table_is_refused(
    content: str | bytes, facts: list[str], write_csv: Write
):
    with pytest.raises(ValueError, match=r"own\.csv") as caught:
        read(write_csv(content))
    assert all(fact in str(caught.value) for fact in facts)


# Columns


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["1.5", "-2", ".5", "1e3"], [1.5, -2, 0.5, 1000]),
        (["1,5", "-2", "+,5"], [1.5, -2, 0.5]),
        (["1.234,5", "12.345.678"], [1234.5, 12345678]),
        (["1,234.5", "12,345,678"], [1234.5, 12345678]),
        (["1'234.5", "2 000.5"], [1234.5, 2000.5]),
        (["0.123", "12.345"], [0.123, 12.345]),
        (["0,123", "12,345"], [0.123, 12.345]),
        (["12,5 %", "7%"], [12.5, 7]),
        (["1.200,50 €", "€ 3,20"], [1200.5, 3.2]),
        (["01.02.2024", "03.02.2024", "01.03.2024"], [19754, 19756, 19783]),
        (["2024-02-01", "2024-02-03", "2024-03-01"], [19754, 19756, 19783]),
        (["1970-01-02 06:00", "1970-01-03"], [1.25, 2]),
        (["2/13/2024", "2/15/2024"], [19766, 19768]),
    ],
)
@pytest.mark.parametrize("other", ["0.5", "0,5"])
def test_numbers_and_dates_are_recognised(
    texts: Sequence[str], numbers: list[float], other: str, write_csv: Write
):
    path = write_csv("x;y\n" + "".join(f"{text};{other}\n" for text in texts))
    assert values(path)["x"].tolist() == numbers


@pytest.mark.parametrize(("decimals", "number"), [("0.5", 1100), ("0,5", 1.1)])
def test_a_doubtful_comma_is_read_as_the_rest_of_the_table(
    decimals: str, number: float, write_csv: Write
):
    path = write_csv(f"x;y;z\n1,100;{decimals};{decimals}\n1,100;1;2\n")
    assert values(path)["x"].tolist() == [number, number]


@pytest.mark.parametrize(
    "texts", [["yes", "no"], ["True", "False"], ["1.2.3", "2.3.1"], ["A1", "B2", "-2"]]
)
def test_all_else_is_text(texts: list[str], write_csv: Write):
    path = write_csv("x,y\n" + "".join(f"{text},1\n" for text in texts * 2))
    assert values(path)["x"].tolist() == texts * 2
