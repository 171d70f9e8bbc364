"use strict";
// Sorting, filtering, folding and choosing columns; all of it stands in the address, so that a view can be shared.
// Without this script the page shows everything, in the order of the ranking.

const rows = [...document.querySelectorAll("tbody")];
const marks = [...document.querySelectorAll(".mark")];
const tables = [...document.querySelectorAll("section[id] table")];
const field = document.getElementById("filter");
const errors = document.getElementById("errors");

function valueOf(body, column, kind) {
  const text = body.rows[0].cells[column].dataset.value;
  return kind === "number" ? (text === "" ? null : Number(text)) : text;
}

function compare(one, other, descending) {
  if (one === null || other === null) return (one === null) - (other === null); // what is missing stays last
  const order = typeof one === "number" ? one - other : one.localeCompare(other, undefined, { numeric: true });
  return descending ? -order : order;
}

function sort(header, direction) {
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

function pressed(header) {
  const opposite = { ascending: "descending", descending: "ascending" };
  sort(header, opposite[header.getAttribute("aria-sort")] ?? header.dataset.first);
  remember();
}

function fold(button, open) {
  button.setAttribute("aria-expanded", String(open));
  document.getElementById(button.getAttribute("aria-controls")).hidden = !open;
}

function isOpen(button) {
  return button.getAttribute("aria-expanded") === "true";
}

function filter() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (row) => words.every((word) => row.dataset.words.includes(word));
  const left = new Set(rows.filter(fits).map((row) => row.dataset.row));
  for (const row of rows) row.hidden = !left.has(row.dataset.row);
  for (const mark of marks) mark.classList.toggle("dim", !left.has(mark.dataset.row));
  const shown = rows.filter((row) => !row.hidden).length;
  document.getElementById("shown").value = words.length ? `${shown} of ${rows.length} models` : "";
}

function light(row) {
  for (const thing of [...rows, ...marks]) thing.classList.toggle("lit", thing.dataset.row === row);
}

function idOf(table) {
  return table.closest("section").id.replace("table-", "");
}

function showColumn(table, index, shown) {
  for (const body of [...table.tBodies, table.tHead]) body.rows[0].cells[index].hidden = !shown;
}

function offerColumns(table) {
  const headers = [...table.tHead.rows[0].cells].slice(2);
  const menu = document.createElement("details");
  const boxes = document.createElement("div");
  menu.append(Object.assign(document.createElement("summary"), { textContent: "Columns" }), boxes);
  for (const header of headers) {
    const label = Object.assign(document.createElement("label"), { className: "switch" });
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: true });
    box.dataset.column = header.cellIndex;
    box.addEventListener("change", () => { showColumn(table, Number(box.dataset.column), box.checked); remember(); });
    label.append(box, header.querySelector(".label").textContent);
    boxes.append(label);
  }
  const place = table.closest("section").querySelector(".columns");
  place.append(menu);
  place.hidden = false;
}

function boxesOf(table) {
  return [...table.closest("section").querySelectorAll(".columns input")];
}

function remember() {
  const said = new URLSearchParams();
  if (field?.value.trim()) said.set("filter", field.value.trim());
  if (errors && !errors.checked) said.set("errors", "0");
  for (const table of tables) {
    const by = table.querySelector("[aria-sort]");
    if (by) said.append("sort", [idOf(table), by.cellIndex, by.getAttribute("aria-sort")].join("."));
    const hidden = boxesOf(table).filter((box) => !box.checked).map((box) => box.dataset.column);
    if (hidden.length) said.append("hide", [idOf(table), ...hidden].join("."));
  }
  for (const button of document.querySelectorAll(".more")) {
    if (isOpen(button)) said.append("open", button.getAttribute("aria-controls"));
  }
  history.replaceState(null, "", `#${said}`);
}

function recall() {
  const said = new URLSearchParams(location.hash.slice(1));
  if (field) field.value = said.get("filter") ?? "";
  if (errors) errors.checked = said.get("errors") !== "0";
  const byId = new Map(tables.map((table) => [idOf(table), table]));
  for (const [id, column, direction] of said.getAll("sort").map((text) => text.split("."))) {
    const header = byId.get(id)?.tHead.rows[0].cells[column];
    if (header && ["ascending", "descending"].includes(direction)) sort(header, direction);
  }
  for (const [id, ...columns] of said.getAll("hide").map((text) => text.split("."))) {
    for (const box of byId.has(id) ? boxesOf(byId.get(id)) : []) {
      box.checked = !columns.includes(box.dataset.column);
      showColumn(byId.get(id), Number(box.dataset.column), box.checked);
    }
  }
  const open = said.getAll("open");
  for (const button of document.querySelectorAll(".more")) {
    fold(button, open.includes(button.getAttribute("aria-controls")));
  }
  document.getElementById(open[0])?.closest("tbody").scrollIntoView({ block: "center" });
}

for (const header of document.querySelectorAll("thead th")) {
  header.querySelector("button").addEventListener("click", () => pressed(header));
}
for (const button of document.querySelectorAll(".more")) {
  button.addEventListener("click", () => { fold(button, !isOpen(button)); remember(); });
}
for (const thing of [...rows, ...marks]) {
  thing.addEventListener("pointerenter", () => light(thing.dataset.row));
  thing.addEventListener("pointerleave", () => light(null));
}
tables.forEach(offerColumns);
recall();
if (field) {
  const showErrors = () => document.body.classList.toggle("no-errors", !errors.checked);
  field.addEventListener("input", () => { filter(); remember(); });
  errors.addEventListener("change", () => { showErrors(); remember(); });
  filter();
  showErrors();
}
