"""Diagnoses: what a training shows, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from automl.records.diagnosis import Diagnosis
from dashboards import results_words as names
from dashboards import words


def draw(diagnoses: Sequence[Diagnosis], *, trials: bool = False) -> None:
    """Draw the symptoms with their remedies, the surest first; nothing without any.

    trials  True to name the trial of each
    """
    if not diagnoses:
        return
    st.subheader("Diagnosis", anchor=False)
    for diagnosis in names.worst(diagnoses, len(diagnoses)):
        trial = f"Trial {diagnosis.trial}: " if trials else ""
        st.markdown(f"**{words.plain(trial + names.diagnosis_title(diagnosis))}.** {words.plain(diagnosis.sentence)}")
        st.caption(f"Next: {words.plain(diagnosis.remedy)}")
