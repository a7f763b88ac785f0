"""A year, an article or other titles that stand in a title."""

from __future__ import annotations

import pytest

from retrieval.title_forms import take_apart

ALL = ("year", "article", "alternative")


@pytest.mark.parametrize(
    ("written", "plain", "others"),
    [
        ("Heat (1995)", "Heat", ()),
        ("Postino, Il (1994)", "Il Postino", ()),
        ("Game, The (1997)", "The Game", ()),
        ("Avventura, L' (1960)", "L'Avventura", ()),
        ("Seven (a.k.a. Se7en) (1995)", "Seven", ("Se7en",)),
        (
            "City of Lost Children, The (Cité des enfants perdus, La) (1995)",
            "The City of Lost Children",
            ("La Cité des enfants perdus",),
        ),
        ("Land Before Time III: The Great Giving (1995) (V)", "Land Before Time III: The Great Giving", ()),
        ("Fawlty Towers (1975-1979)", "Fawlty Towers", ()),
        ("Death Note (2006–2007)", "Death Note", ()),
        ("2001: A Space Odyssey (1968)", "2001: A Space Odyssey", ()),
        ("1984", "1984", ()),
        ("(1995)", "(1995)", ()),
        ("M (1931)", "M", ()),
        ("Good, the Bad and the Ugly, The (Buono, il brutto, il cattivo, Il) (1966)", "The Good, the Bad and the Ugly",
         ("Il Buono, il brutto, il cattivo",)),
        ("Me, Myself & Irene (2000)", "Me, Myself & Irene", ()),
    ],
)  # fmt: skip
def test_titles(written, plain, others):
    assert take_apart(written, ALL)[:2] == (plain, others)


def test_only_the_forms_that_are_asked_for():
    assert take_apart("Game, The (1997)", ()) == ("Game, The (1997)", (), ())
    assert take_apart("Game, The (1997)", ("year",)) == ("Game, The", (), ("title_year",))
    assert take_apart("The Game", ALL) == ("The Game", (), ())
