"""A worker process whose memory has grown makes room for a new one, and no trial suffers."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.costs.budget import Ledger, limits_of
from automl.drivers.session import Session
from automl.policy import Search
from automl.sampler import open_sampler
from automl.space import SearchSpace
from tests.builders.factories import make_spec
from tests.unit.drivers.test_session import Notes


@pytest.mark.ray
def test_a_grown_worker_is_renewed_between_trials(tmp_path: Path) -> None:
    from automl.drivers.cluster import cluster
    from automl.drivers.ray_tune import RayTuneDriver

    spec = make_spec(directory=str(tmp_path), budgets=("4trials",))
    search = Search(
        spec,
        open_sampler(spec.sampler, SearchSpace.from_document(spec.space), spec.seed),
        Ledger(limits_of(spec)),
    )
    notes = Notes()
    with cluster(spec.slots):
        session = Session(search, notes, posix_offset_s=0.0)
        assert not RayTuneDriver(session, spec.trainer, spec.slots, growth=0.0).run()
    processes = {values["pid"] for values in notes.all("trial_started") if values["pid"] is not None}
    outcomes = [values for kind, values in notes.said if kind == "trial_closed"]
    assert len(outcomes) == search.trials == 4
    assert len(processes) == 4
    assert search.failure is None
    assert all(search.runs[number].best is not None for number in range(4))
