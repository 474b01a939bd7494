"""Person, team and company: the three grains, and sums that agree across them.

Put adding-up here. What is added is decided by the module that asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from sales import arrow as columns
from sales import money
from sales.arrow import Codes, Mask
from sales.money import Minor
from sales.vocabulary import GrainKind


@dataclass(frozen=True)
class Grain:
    """All ids of one grain, and the position in `ids` of each person."""

    name: str
    ids: pa.Array
    of_person: Codes

    def key(self, person: Codes) -> Codes:
        """Return the position in `ids` of each person code; -1 stays -1."""
        return np.where(person >= 0, self.of_person[person], -1) if len(self.of_person) else person

    def total(self, person: Codes, minor: Minor, where: Mask) -> Minor:
        """Return exact sums for every id of the grain over the rows where the mask is true; rows of nobody count for nobody."""
        key = self.key(person)
        kept = where & (key >= 0)
        return money.sum_by(key[kept], minor[kept], len(self.ids))

    def count(self, person: Codes, deal: Codes, where: Mask) -> Codes:
        """Return how many different deals every id of the grain has among the rows where the mask is true."""
        key = self.key(person)
        kept = where & (key >= 0)
        found = np.unique(np.stack([key[kept], deal[kept]]), axis=1)[0]
        return np.bincount(found, minlength=len(self.ids)).astype(np.int64)


@dataclass(frozen=True)
class Grains:
    """The people of a month, the teams they are in, and the company."""

    person_ids: pa.Array
    teams: pa.Array
    company: str

    def __iter__(self) -> Iterator[Grain]:
        """Yield person, team and company."""
        size = len(self.person_ids)
        team_ids = columns.distinct(self.teams)
        yield Grain(GrainKind.PERSON, self.person_ids, np.arange(size))
        yield Grain(GrainKind.TEAM, team_ids, columns.codes(self.teams, team_ids))
        yield Grain(GrainKind.COMPANY, columns.text([self.company]), np.zeros(size, np.int64))

    def person(self, owner_ids: pd.Series) -> Codes:
        """Return the code of each owner."""
        return columns.codes(owner_ids, self.person_ids)


def grains_of(company: str, *people: pd.DataFrame) -> Grains:
    """Return the grains of everyone who appears; each frame has `owner_id` and `team`, and the first team of a person counts."""
    owners, teams = list[pa.Array](), list[pa.Array]()
    for each in people:
        coded = columns.arrow(each["owner_id"]).dictionary_encode()
        # Where each person stands first: what is written last stays.
        row = np.zeros(len(coded.dictionary), np.int64)
        places = np.asarray(coded.indices)
        row[places[::-1]] = np.arange(len(places))[::-1]
        owners.append(coded.dictionary)
        teams.append(columns.arrow(each["team"]).take(pa.array(row)))
    everybody = columns.distinct(*owners)
    first = columns.codes(everybody, pa.concat_arrays(owners))
    return Grains(everybody, pa.concat_arrays(teams).take(pa.array(first)), company)
