"""Ensembles and soups of a study: members, gain, cost, Pareto front, classes, pictures."""

from __future__ import annotations

import streamlit as st

from automl.records import StudyRow
from automl.records.ensemble import EnsembleResult
from automl.scores.words import chance_text
from dashboards import context, results, results_charts, results_frames, words
from dashboards import results_words as names
from dashboards.files import ensemble_pictures

FORMATS = {
    "mAP50-95": st.column_config.NumberColumn(format="%.4f"),
    "mAP50": st.column_config.NumberColumn(format="%.4f"),
    "best member": st.column_config.NumberColumn(format="%.4f"),
    "alone": st.column_config.NumberColumn("mAP50-95 alone", format="%.4f"),
    "weight": st.column_config.NumberColumn(format="percent"),
    **{
        key: st.column_config.NumberColumn(format="%.1f")
        for key in ("median ms", "95 % within ms", "pre ms", "network ms", "post ms")
    },
    "memory MiB": st.column_config.NumberColumn(format="%.0f"),
}
CLASSES = {**FORMATS, "gain": st.column_config.NumberColumn(format="%+.4f")}


def _draw(row: StudyRow) -> None:
    st.title(f"{words.plain(row.name)}: ensembles", anchor=False)
    kept = results.combinations(row)
    if kept.unread:
        st.warning(f"{kept.unread} kept results were written by another version of automl and are not shown.")
    if not kept.records:
        _empty(row)
        return
    result = kept.records[0]
    if len(kept.records) > 1:
        places = list(range(len(kept.records)))
        chosen = st.selectbox(
            "Result",
            places,
            format_func=lambda place: names.result_name(kept.records[place], words.moment(kept.records[place].at)),
            key="result",
        )
        result = kept.records[chosen or 0]
    _answer(result)
    _members(result)
    _cost(result)
    _classes(result)
    _pictures(row, result)
    for note in result.notes:
        st.caption(words.plain(note))
    context.share()


def _empty(row: StudyRow) -> None:
    st.info(words.plain(names.none_yet(row)))
    if row.spec.trainer == "ultralytics":
        st.code(names.command_of("ensemble", row, context.database()), language="bash", wrap_lines=True)


def _answer(result: EnsembleResult) -> None:
    st.markdown(words.plain(names.outcome(result)))
    judged = names.judging(result.chosen)
    columns = st.columns(4)
    if judged is not None:
        what = f"{judged.images} images that did not choose the members; 90 % interval over them in the table"
        columns[0].metric(f"mAP50-95 on {judged.on}", f"{judged.map50_95:.3f}", border=True, help=what)
        gain = "–" if judged.gain is None else f"{judged.gain:+.3f}"
        chance = "" if judged.chance is None else f"{chance_text(judged.chance)} sure that it is above zero"
        columns[1].metric("Gain on its best member", gain, border=True, help=chance or None)
    latency = result.chosen.latency
    columns[2].metric("Latency", names.cost_words(latency, result.best_member.latency), border=True, help=LATENCY)
    memory = "–" if latency is None else f"{latency.memory_bytes / names.MIB:.0f} MiB"
    columns[3].metric("Memory", memory, border=True, help="high-water mark of the process, or of the GPU")


LATENCY = "median of one image, batch 1, warm, from pixels to boxes; in brackets the best member's times so many"


def _members(result: EnsembleResult) -> None:
    st.subheader("Members", anchor=False)
    frame = results_frames.members_frame(result)
    st.dataframe(frame, hide_index=True, alt="Members", column_config=FORMATS, placeholder="–")
    count = f"Chosen from {result.candidates} candidates. " if result.candidates else ""
    st.caption(f"{count}The score alone is on the {names.CHOOSING}, which makes it too good.")
    st.subheader("Figures", anchor=False)
    frame = results_frames.figures_frame(result)
    st.dataframe(frame, hide_index=True, alt="Figures", column_config=FORMATS, placeholder="–")


def _cost(result: EnsembleResult) -> None:
    st.subheader("Cost", anchor=False)
    costs = results_frames.cost_frame(result)
    if not len(costs):
        st.caption("Its latency was not measured.")
        return
    st.dataframe(costs, hide_index=True, alt="Cost of an image", column_config=FORMATS)
    front = results_frames.front_frame(result)
    if len(front) > 1:
        device = next(way.latency.device for way in (result.chosen, result.best_member) if way.latency is not None)
        st.altair_chart(results_charts.front_chart(front), alt="Pareto front of mAP50-95 against latency")
        judged = names.judging(result.chosen)
        on = f"mAP50-95 is on {judged.on}. " if judged is not None else ""
        st.caption(words.plain(f"{on}Each point was measured as a whole on {device}; none is added up."))


def _classes(result: EnsembleResult) -> None:
    splits = results_frames.splits_with_classes(result)
    if not splits:
        return
    st.subheader("Classes", anchor=False)
    on = splits[0]
    if len(splits) > 1:
        on = st.segmented_control("Images", splits, default=splits[0], required=True, key="images") or splits[0]
    frame = results_frames.classes_frame(result, on)
    st.dataframe(frame, hide_index=True, alt="Figures by class", column_config=CLASSES, placeholder="–")


def _pictures(row: StudyRow, result: EnsembleResult) -> None:
    files = ensemble_pictures(row, str(getattr(result, "name", "")), result.chosen.kind)
    if not files:
        return
    st.subheader("Right where its best member is wrong", anchor=False)
    columns = st.columns(2)
    for index, file in enumerate(files):
        columns[index % 2].image(str(file), width="stretch")


with context.page("Ensembles"):
    _draw(context.linked_study())
