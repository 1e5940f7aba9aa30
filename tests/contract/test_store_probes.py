"""What the store promises of measured prices, on SQLite and on Postgres."""

from __future__ import annotations

from sqlalchemy import Engine

from automl.store.probes import KeptProbe, keep_probe, kept_probe
from tests.builders.factories import make_prepared


def test_a_price_comes_back_as_it_was_with_the_time_of_its_measuring(engine: Engine) -> None:
    prepared = make_prepared(switch_epochs=50, elsewhere={"lr0": 0.1}, horizon=30)
    keep_probe(engine, "key", prepared, at=1_790_000_000.25)
    keep_probe(engine, "other", make_prepared(), at=3.0)
    assert kept_probe(engine, "key") == KeptProbe(prepared=prepared, at=1_790_000_000.25)


def test_a_new_price_replaces_the_old_one(engine: Engine) -> None:
    assert kept_probe(engine, "key") is None
    keep_probe(engine, "key", make_prepared(train_s=1.0), at=1.0)
    keep_probe(engine, "key", make_prepared(train_s=2.0), at=2.0)
    assert kept_probe(engine, "key") == KeptProbe(prepared=make_prepared(train_s=2.0), at=2.0)
