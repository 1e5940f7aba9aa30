"""Export: recipes, weights, tables, the command to run next, a link to this view."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from automl.recipes import Subject, beginning, defaults_beside, no_recipe_text, recipe_text, subject_of
from automl.records import StudyRow, TrialRow
from automl.reports.card import lines_of_recipe
from automl.reports.overview import Overview
from automl.scores.words import origin_text, production_text, trial_name
from automl.store import read
from automl.trainers.ultralytics.initial import Beginning
from automl.trainers.ultralytics.schema import is_packaged
from dashboards import context, frames, words
from dashboards.files import initial_of, kept_file, packed

RECIPE = "hyp.yaml"  # as in the commands of this page


def _draw(row: StudyRow) -> None:
    progress = context.progress_of(row)
    st.title(f"{words.plain(row.name)}: export", anchor=False)
    winner = progress.winner
    if winner is None:
        st.info("No trial has a score yet. The first score comes with the first epoch of the defaults.")
        return
    trial = context.linked_trial(row, winner.number)
    subject = _subject(progress, trial)
    trial, production = subject.trial, subject.production
    choice = "" if trial.number == winner.number else f", by your choice instead of {trial_name(winner.number)}"
    said = words.outcome(progress) or words.no_outcome(progress)
    source = words.plain(origin_text(trial.origin, trial.repeats))
    st.markdown(f"**Trial {trial.number}** ({source}){choice}. {words.plain(said)}")
    _recipes(progress, subject)
    if production is not None and production.repeats == trial.number:
        _weights(row, production, "Weights of the production training")
        st.caption(words.plain(production_text(production, row.spec.slots.device, progress.evaluations)))
    _weights(row, trial, "Weights")
    _tables(row)
    st.subheader(words.NEXT, anchor=False)
    st.code(words.next_command(progress, trial, context.database()), language="bash", wrap_lines=True)
    context.share()


def _subject(overview: Overview, trial: TrialRow) -> Subject:
    """The trial with the facts that `automl export` writes into its recipe."""
    return subject_of(context.engine(), overview, trial, answer=lines_of_recipe(overview))


def _recipes(overview: Overview, subject: Subject) -> None:
    """Offer hyp.yaml, beside it that of the defaults, and the same as JSON."""
    st.subheader("Recipe", anchor=False)
    row = subject.study
    if row.spec.trainer != "ultralytics":
        st.info(f"There is nothing to train from: {words.plain(no_recipe_text(row.spec.trainer))}")
        return
    st.caption(words.plain(words.length_of(subject)))
    defaults = overview.baseline if overview.answer is None else overview.answer.defaults.trial
    offers = {RECIPE: subject}
    if defaults is not None and defaults.number != subject.trial.number:
        offers[defaults_beside(Path(RECIPE)).name] = _subject(overview, defaults)
    names = {"hyp.yaml": "Recipe as JSON", "hyp-defaults.yaml": "The defaults' recipe as JSON"}
    for name, offer in offers.items():
        left, right = st.columns(2)
        start = beginning(row, offer.trial)
        initial = None if start is None else initial_of(name)
        text, recipe = (recipe_text(offer, Path(name), kind, initial) for kind in ("ultralytics", "json"))
        with left:
            if start is None:
                label = f"{name} for Ultralytics"
                st.download_button(label, text, name, "text/yaml", on_click="ignore", width="stretch")
            else:
                _packed(row, offer.trial, start, name, text)
        file = "recipe.json" if name == RECIPE else "recipe-defaults.json"
        right.download_button(names[name], recipe, file, "application/json", on_click="ignore", width="stretch")
        with st.expander(name):
            if initial is not None:
                st.caption(f"It starts from {initial}, which lies beside it in the zip or the exported folder.")
            st.code(text, language="yaml")


def _packed(row: StudyRow, trial: TrialRow, start: Beginning, name: str, recipe: str) -> None:
    """Pack a recipe and its initial weights at the first click; offer them for download at the second."""
    if not is_packaged(start.model):
        if name != RECIPE:
            st.caption(f"`automl export` in a terminal writes {name} too.")
            return
        st.info(
            "This page builds no network from your own file, since that would run the file's code. Write hyp.yaml "
            "with its initial weights in a terminal:"
        )
        st.code(words.export_command(row, trial, context.database()), language="bash")
        return
    key = f"packed {row.name} {row.created_at} {name} {trial.number}"
    if st.button(f"Pack {name} with its initial weights", width="stretch"):
        with st.spinner("Packing what `automl export` writes …"):
            st.session_state[key] = packed(name, recipe, start)
    if key in st.session_state:
        st.download_button(
            f"{name} and weights (zip)",
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
