"""Size, instructions and page faults of the shipped binary stay within a tenth of the recorded values."""

import json

import pytest

from cost import RECORD, cost_of


@pytest.fixture(scope="module")
def measured(binary):
    return cost_of(binary)


@pytest.mark.parametrize("measure", ["bytes", "instructions", "page faults"])
def test_the_cost_has_not_grown_by_a_tenth(measured, measure):
    recorded = json.loads(RECORD.read_text(encoding="utf-8"))[measure]
    assert measured[measure] <= recorded * 1.1, f"'make record-cost' if the growth is wanted: {measured}"
