"use strict";
// Sorting, filtering and folding. Without it the page shows everything, in the order of the ranking.

const rows = [...document.querySelectorAll("tbody")];
const marks = [...document.querySelectorAll(".mark")];

function valueOf(body, column, kind) {
  const text = body.rows[0].cells[column].dataset.value;
  return kind === "number" ? (text === "" ? null : Number(text)) : text;
}

function compare(one, other, descending) {
  if (one === null || other === null) return (one === null) - (other === null); // what is missing stays last
  const order = typeof one === "number" ? one - other : one.localeCompare(other, undefined, { numeric: true });
  return descending ? -order : order;
}

function sort(header) {
  const before = header.getAttribute("aria-sort");
  const opposite = { ascending: "descending", descending: "ascending" };
  const direction = before ? opposite[before] : header.dataset.first;
  const table = header.closest("table");
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", direction);
  const sorted = [...table.tBodies].sort((one, other) => compare(
    valueOf(one, header.cellIndex, header.dataset.kind),
    valueOf(other, header.cellIndex, header.dataset.kind),
    direction === "descending",
  ));
  table.append(...sorted);
}

function fold(button) {
  const open = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!open));
  document.getElementById(button.getAttribute("aria-controls")).hidden = open;
}

function filter(text) {
  const wanted = text.trim().toLowerCase();
  for (const row of rows) row.hidden = !row.dataset.model.includes(wanted);
  for (const mark of marks) mark.classList.toggle("dim", !mark.dataset.model.includes(wanted));
  const left = rows.filter((row) => !row.hidden).length;
  document.getElementById("shown").value = wanted ? `${left} of ${rows.length} models` : "";
}

function light(row) {
  for (const thing of [...rows, ...marks]) thing.classList.toggle("lit", thing.dataset.row === row);
}

for (const header of document.querySelectorAll("thead th")) {
  header.querySelector("button").addEventListener("click", () => sort(header));
}
for (const button of document.querySelectorAll(".more")) {
  fold(button);
  button.addEventListener("click", () => fold(button));
}
for (const thing of [...rows, ...marks]) {
  thing.addEventListener("pointerenter", () => light(thing.dataset.row));
  thing.addEventListener("pointerleave", () => light(null));
}
document.getElementById("filter")?.addEventListener("input", (event) => filter(event.target.value));
