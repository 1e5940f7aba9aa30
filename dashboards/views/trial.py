"""One trial: parameters, curves, cost, log."""

from __future__ import annotations

import streamlit as st

from automl.figures import score
from automl.files import folders
from automl.files.pictures import PICTURES
from automl.records import StudyRow, TrialRow
from automl.scores.words import score_definition, unseen_text
from automl.store import read
from dashboards import charts, context, frames, words
from dashboards.files import kept_file, pictures, tail


def _draw(row: StudyRow) -> None:
    seen = context.seen(row)
    if not seen.points:
        st.info("No trial has begun yet.")
        return
    fallback = seen.winner.number if seen.winner is not None else 0
    trial = context.chosen_trial(row, fallback)
    st.title(f"{words.plain(row.name)}, trial {trial.number}", anchor=False)
    asked = st.number_input("Trial", 0, max(point.number for point in seen.points), trial.number, width=200)
    if asked != trial.number:
        st.query_params["trial"] = str(asked)
        st.rerun()
    repeat = words.plain(words.repeated(trial))
    st.markdown(f"{words.plain(words.ended(trial))} {words.plain(words.proposed(trial))} {repeat}")
    columns = st.columns(4)
    told = f"one seed; {score_definition(trial.epochs)}"
    columns[0].metric("mAP50-95 on val", score(trial.score), border=True, help=told)
    columns[1].metric(
        "mAP50-95 at the best epoch", score(trial.best_map50_95), border=True, help="mAP50-95 on val; best.pt holds it"
    )
    columns[2].metric("Epochs", f"{trial.done_epochs}/{trial.epochs}", border=True)
    columns[3].metric("Cost", words.cost(trial.slot_s, row), border=True)
    for each in read.evaluations(context.engine(), row.name, trial.number):
        intervals = "" if each.low is None else "; 90 % intervals over the images"
        st.markdown(words.plain(f"Scored {unseen_text(each)} ({each.split}{intervals})."))
    _curves(row, trial)
    _pictures(row, trial)
    st.subheader("Parameters", anchor=False)
    st.dataframe(frames.params_frame(trial, seen.baseline), hide_index=True, alt="Parameters, changed ones first")
    if trial.error:
        st.subheader("Error", anchor=False)
        st.code(trial.error, language=None)
    _log(row, trial)
    st.caption("A diagnosis of this trial has not been made: automl cannot make one yet.")
    st.caption("What to run next")
    st.code(words.next_command(seen, trial, context.database()), language="bash", wrap_lines=True)
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
    found = pictures(row, trial.number)
    if not found:
        return
    st.subheader("Pictures", anchor=False)
    columns = st.columns(2)
    for index, (name, file) in enumerate(found.items()):
        columns[index % 2].image(str(file), caption=PICTURES[name], width="stretch")


def _log(row: StudyRow, trial: TrialRow) -> None:
    artifacts = read.artifacts(context.engine(), row.name, trial.number)
    found = next((each for each in artifacts if each.kind == "log"), None)
    file = kept_file(found, row) if found is not None else folders.trial(row.spec.directory, trial.number) / "log.txt"
    text = tail(file) if file is not None else ""
    with st.expander("Log", expanded=False):
        if text:
            st.code(text, language=None)
        else:
            st.caption("No log of this trial is on this machine.")


with context.page("Trial"):
    _draw(context.chosen_study())
