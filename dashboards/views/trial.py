"""One trial: parameters, curves, cost, log."""

from __future__ import annotations

import streamlit as st

from automl.figures import score
from automl.files import folders
from automl.files.pictures import PICTURES
from automl.records import StudyRow, TrialRow, TrialState
from automl.scores.words import score_definition, unseen_text
from automl.store import read
from dashboards import charts, context, frames, results, words
from dashboards import results_words as names
from dashboards.files import kept_file, pictures, tail
from dashboards.tabs import diagnosed


def _draw(row: StudyRow) -> None:
    progress = context.progress_of(row)
    if not progress.points:
        st.info(words.NO_TRIAL)
        return
    fallback = progress.winner.number if progress.winner is not None else 0
    trial = context.linked_trial(row, fallback)
    st.title(f"{words.plain(row.name)}, trial {trial.number}", anchor=False)
    number = st.number_input("Trial", 0, max(point.number for point in progress.points), trial.number, width=200)
    if number != trial.number:
        st.query_params["trial"] = str(number)
        st.rerun()
    repeat = words.plain(words.repeat_of(trial))
    st.markdown(f"{words.plain(words.end_of(trial))} {words.plain(words.source_of(trial))} {repeat}")
    columns = st.columns(4)
    definition = f"one seed; {score_definition(trial.epochs)}"
    columns[0].metric("mAP50-95 on val", score(trial.score), border=True, help=definition)
    columns[1].metric(
        "mAP50-95 at the best epoch", score(trial.best_map50_95), border=True, help="mAP50-95 on val; best.pt holds it"
    )
    columns[2].metric("Epochs", f"{trial.done_epochs}/{trial.epochs}", border=True)
    columns[3].metric("Cost", words.cost(trial.slot_s, row), border=True)
    for evaluation in read.evaluations(context.engine(), row.name, trial.number):
        intervals = "" if evaluation.low is None else "; 90 % intervals over the images"
        st.markdown(words.plain(f"Scored {unseen_text(evaluation)} ({evaluation.split}{intervals})."))
    _curves(row, trial)
    if trial.state is not TrialState.RUNNING:
        diagnosed.draw(results.diagnoses(row, trial.number))
        if row.spec.trainer == "ultralytics" and trial.done_epochs:
            st.caption("Symptoms that its predictions show, such as confused classes and missed objects, come with:")
            command = names.command_of("diagnose", row, context.database(), "--trial", str(trial.number))
            st.code(command, language="bash", wrap_lines=True)
    _pictures(row, trial)
    st.subheader("Parameters", anchor=False)
    st.dataframe(frames.params_frame(trial, progress.baseline), hide_index=True, alt="Parameters, changed ones first")
    if trial.error:
        st.subheader("Error", anchor=False)
        st.code(trial.error, language=None)
    _log(row, trial)
    st.caption(words.NEXT)
    st.code(words.next_command(progress, trial, context.database()), language="bash", wrap_lines=True)
    context.share()


def _curves(row: StudyRow, trial: TrialRow) -> None:
    epochs = read.epochs(context.engine(), row.name, trial.number)
    if not epochs:
        st.info("This trial has not finished an epoch.")
        return
    left, right = st.columns(2)
    frame = frames.curves_frame(epochs)
    left.altair_chart(charts.metrics_chart(frame), alt="Metrics by epoch")
    losses = frames.losses_frame(epochs)
    if len(losses):
        right.altair_chart(charts.losses_chart(losses), alt="Losses by epoch")
    else:
        right.info("The trainer reported no losses.")


def _pictures(row: StudyRow, trial: TrialRow) -> None:
    files = pictures(row, trial.number)
    if not files:
        return
    st.subheader("Pictures", anchor=False)
    columns = st.columns(2)
    for index, (name, file) in enumerate(files.items()):
        columns[index % 2].image(str(file), caption=PICTURES[name], width="stretch")


def _log(row: StudyRow, trial: TrialRow) -> None:
    artifacts = read.artifacts(context.engine(), row.name, trial.number)
    log = next((artifact for artifact in artifacts if artifact.kind == "log"), None)
    file = kept_file(log, row) if log is not None else folders.trial(row.spec.directory, trial.number) / "log.txt"
    text = tail(file) if file is not None else ""
    with st.expander("Log", expanded=False):
        if text:
            st.code(text, language=None)
        else:
            st.caption("No log of this trial is on this machine.")


with context.page("Trial"):
    _draw(context.linked_study())
