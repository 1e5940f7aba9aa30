"""Export: recipes, weights, tables, the command to run next, a link to this view."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from automl.recipes import Subject, beginning, no_recipe_text, recipe_text, subject_of
from automl.records import StudyRow, TrialRow
from automl.scores.words import production_text, trial_name
from automl.store import read
from automl.trainers.ultralytics.initial import Beginning
from automl.trainers.ultralytics.schema import is_packaged
from dashboards import context, frames, words
from dashboards.files import INITIAL, kept_file, packed


def _draw(row: StudyRow) -> None:
    progress = context.progress_of(row)
    st.title(f"{words.plain(row.name)}: export", anchor=False)
    winner = progress.winner
    if winner is None:
        st.info("No trial has a score yet. The first score comes with the first epoch of the defaults.")
        return
    subject = subject_of(
        context.engine(),
        row,
        context.linked_trial(row, winner.number),
        baseline=progress.baseline,
        evaluations=progress.evaluations,
        verdict=progress.verdict,
        production=progress.production,
    )
    trial, production = subject.trial, subject.production
    choice = "" if trial.number == winner.number else f", by your choice instead of {trial_name(winner.number)}"
    st.markdown(
        f"**Trial {trial.number}** ({words.plain(trial.origin)}){choice}. {words.plain(words.headline(progress))}"
    )
    _recipes(subject)
    if production is not None and production.repeats == trial.number:
        _weights(row, production, "Weights of the production training")
        st.caption(words.plain(production_text(production, row.spec.slots.device, progress.evaluations)))
    _weights(row, trial, "Weights")
    _tables(row)
    st.subheader(words.NEXT, anchor=False)
    st.code(words.next_command(progress, trial, context.database()), language="bash", wrap_lines=True)
    context.share()


def _recipes(subject: Subject) -> None:
    st.subheader("Recipe", anchor=False)
    row = subject.study
    if row.spec.trainer != "ultralytics":
        st.info(f"There is nothing to train from: {words.plain(no_recipe_text(row.spec.trainer))}")
        return
    start = beginning(row, subject.trial)
    initial = None if start is None else Path(INITIAL)
    text, recipe = (recipe_text(subject, Path("hyp.yaml"), kind, initial) for kind in ("ultralytics", "json"))
    left, right = st.columns(2)
    with left:
        if start is None:
            st.download_button(
                "hyp.yaml for Ultralytics", text, "hyp.yaml", "text/yaml", on_click="ignore", width="stretch"
            )
        else:
            _packed(row, subject.trial, start, text)
    right.download_button(
        "Recipe as JSON", recipe, "recipe.json", "application/json", on_click="ignore", width="stretch"
    )
    with st.expander("hyp.yaml"):
        if initial is not None:
            st.caption(f"It starts from {initial.name}, which lies beside it in the zip or the exported folder.")
        st.code(text, language="yaml")


def _packed(row: StudyRow, trial: TrialRow, start: Beginning, recipe: str) -> None:
    """Pack hyp.yaml and its initial weights at the first click; offer them for download at the second."""
    if not is_packaged(start.model):
        st.info(
            "This page builds no network from your own file, since that would run the file's code. Write hyp.yaml "
            "with its initial weights in a terminal:"
        )
        st.code(words.export_command(row, trial, context.database()), language="bash")
        return
    key = f"packed {row.name} {row.created_at} {trial.number}"
    if st.button("Pack hyp.yaml with its initial weights", width="stretch"):
        with st.spinner("Packing what `automl export` writes …"):
            st.session_state[key] = packed(recipe, start)
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
    files = {
        artifact.kind: file
        for artifact in artifacts
        if artifact.kind in ("best", "last") and (file := kept_file(artifact, row)) is not None
    }
    if not files:
        st.caption(
            "No weights of this trial are on this machine. A study keeps those of its best trials and of the defaults."
        )
    for kind, file in files.items():
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
    for column, (name, content) in zip(st.columns(2), tables.items(), strict=True):
        label, file = f"All {name} (CSV)", f"{row.name}-{name}.csv"
        column.download_button(label, content, file, "text/csv", on_click="ignore", width="stretch")


with context.page("Export"):
    _draw(context.linked_study())
