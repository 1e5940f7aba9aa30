"""Take home: recipes, weights, tables, the command to run next, a link to this view."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from automl.recipes import Subject, beginning, recipe_text
from automl.records import Purpose, StudyRow, TrialRow
from automl.reports.watch import StudyProgress
from automl.store import read
from automl.trainers.ultralytics.schema import is_packaged
from dashboards import context, frames, words
from dashboards.files import INITIAL, kept_file, packed


def _draw(row: StudyRow) -> None:
    seen = context.seen(row)
    st.title(f"{words.plain(row.name)}: take home", anchor=False)
    if seen.winner is None:
        st.info("No trial has a score yet. The first appears with the first epoch of the defaults.")
        return
    trial = context.chosen_trial(row, seen.winner.number)
    if trial.purpose is Purpose.PRODUCTION and trial.repeats is not None:  # its recipe is that of the trial
        trial = read.trial(context.engine(), row.name, trial.repeats)
    chosen = "" if trial.number == seen.winner.number else f", by your choice instead of trial {seen.winner.number}"
    st.markdown(f"**Trial {trial.number}** ({words.plain(trial.origin)}){chosen}. {words.plain(words.headline(seen))}")
    _recipes(row, seen, trial)
    made = seen.production
    if made is not None and made.repeats == trial.number:
        _weights(row, made, "Weights of the production training")
        st.caption(words.plain(words.produced(seen)))
    _weights(row, trial, "Weights")
    _tables(row)
    st.subheader("Run next", anchor=False)
    st.code(words.next_command(seen, trial, context.database()), language="bash", wrap_lines=True)
    context.share()


def _recipes(row: StudyRow, seen: StudyProgress, trial: TrialRow) -> None:
    st.subheader("Recipe", anchor=False)
    if row.spec.trainer != "ultralytics":
        st.info(f"Trials of the trainer '{words.plain(row.spec.trainer)}' have no recipe: nothing was trained.")
        return
    initial = None if row.spec.weights is None else Path(INITIAL)
    subject = Subject(
        study=row,
        trial=trial,
        baseline=seen.baseline,
        evaluations=seen.evaluations,
        verdict=seen.verdict,
        production=seen.production,
    )
    text, recipe = (recipe_text(subject, Path("hyp.yaml"), kind, initial) for kind in ("ultralytics", "json"))
    left, right = st.columns(2)
    with left:
        if initial is None:
            st.download_button(
                "hyp.yaml for Ultralytics", text, "hyp.yaml", "text/yaml", on_click="ignore", width="stretch"
            )
        else:
            _packed(row, trial, text)
    right.download_button(
        "Recipe as JSON", recipe, "recipe.json", "application/json", on_click="ignore", width="stretch"
    )
    with st.expander("hyp.yaml"):
        if initial is not None:
            st.caption(f"It begins from {initial.name}, which lies beside it where it is packed or exported.")
        st.code(text, language="yaml")


def _packed(row: StudyRow, trial: TrialRow, recipe: str) -> None:
    """hyp.yaml and its initial weights: packed at the first click, handed out at the second."""
    began = beginning(row, trial)
    if not is_packaged(began.model):
        st.info(
            "This page builds no network from a file of yours, since building one runs what the file says. Write "
            "hyp.yaml with its initial weights in a terminal:"
        )
        st.code(words.export_command(row, trial, context.database()), language="bash")
        return
    key = f"packed {row.name} {row.created_at} {trial.number}"
    if st.button("Pack hyp.yaml with its initial weights", width="stretch"):
        with st.spinner("Packing what `automl export` writes …"):
            st.session_state[key] = packed(recipe, began)
    if key in st.session_state:
        st.download_button(
            "hyp.yaml and weights (zip)",
            st.session_state[key],
            f"{row.name}-{trial.number}.zip",
            "application/zip",
            on_click="ignore",
            width="stretch",
        )


def _weights(row: StudyRow, trial: TrialRow, title: str) -> None:
    st.subheader(title, anchor=False)
    artifacts = read.artifacts(context.engine(), row.name, trial.number)
    files = {each.kind: kept_file(each, row) for each in artifacts if each.kind in ("best", "last")}
    found = {kind: file for kind, file in files.items() if file is not None}
    if not found:
        st.caption(
            "No weights of this trial are on this machine. A study keeps those of its best trials and of the defaults."
        )
    for kind, file in found.items():
        size = f"{file.stat().st_size / 1e6:.1f} MB"
        st.download_button(
            f"{kind}.pt ({size})",
            file.read_bytes,
            f"{row.name}-{trial.number}-{kind}.pt",
            "application/octet-stream",
            on_click="ignore",
            key=f"weights {trial.number} {kind}",
        )


def _tables(row: StudyRow) -> None:
    st.subheader("Tables", anchor=False)
    engine = context.engine()
    tables: dict[str, Callable[[], bytes]] = {
        "trials": lambda: frames.trials_csv(read.trials(engine, row.name)),
        "epochs": lambda: frames.epochs_csv(read.epochs_by_trial(engine, row.name)),
    }
    for column, (name, made) in zip(st.columns(2), tables.items(), strict=True):
        label, file = f"All {name} (CSV)", f"{row.name}-{name}.csv"
        column.download_button(label, made, file, "text/csv", on_click="ignore", width="stretch")


with context.page("Take home"):
    _draw(context.chosen_study())
