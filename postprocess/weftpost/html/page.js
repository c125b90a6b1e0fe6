"use strict";
// Everything here is an addition: without it tables are plain, pictures fit the page, and details open by themselves.

const said = document.createElement("p");
said.className = "said";
said.setAttribute("role", "status");
document.body.append(said);

function key(row, column, numeric) {
  const cell = row.cells[column];
  if (!numeric) return cell.dataset.key ?? cell.textContent.trim();
  return cell.dataset.key === undefined ? NaN : Number(cell.dataset.key);
}

function compare(a, b, numeric) {
  return numeric ? a - b : a.localeCompare(b, "en", { numeric: true });
}

// What is not known stays last, whichever way the rest goes.
function sort(table, head, order) {
  const column = head.cellIndex;
  const numeric = head.dataset.kind === "number";
  const sign = order === "ascending" ? 1 : -1;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows, (row) => [key(row, column, numeric), row]);
  const unknown = (value) => value === "" || Number.isNaN(value);
  rows.sort(([a], [b]) => unknown(a) - unknown(b) || (unknown(a) ? 0 : sign * compare(a, b, numeric)));
  body.append(...rows.map(([, row]) => row));
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", order);
  said.textContent = `Sorted by ${head.textContent.trim()}, ${order}`;
}

function next(head) {
  const order = head.getAttribute("aria-sort");
  if (!order) return head.dataset.first;
  return order === "ascending" ? "descending" : "ascending";
}

function makeSortable(table) {
  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(table, head, next(head)));
  }
}

// Of the sections that it is in, the outermost first.
function titles(element) {
  const found = [];
  for (let each = element.closest("section"); each; each = each.parentElement.closest("section")) {
    found.unshift(each.firstElementChild.textContent);
  }
  return found.join(", ");
}

// A picture that is wider than its place can be shown pixel by pixel; its frame scrolls, by keyboard too.
function makeEnlargeable(frame) {
  const image = frame.querySelector("img");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "enlarge";
  button.textContent = "Full size";
  const name = `Full size: ${titles(frame)}`;
  button.setAttribute("aria-label", name);
  button.setAttribute("aria-pressed", "false");
  frame.after(button);
  button.addEventListener("click", () => {
    const full = frame.classList.toggle("full");
    button.setAttribute("aria-pressed", String(full));
    mark(frame, full ? name : null);
  });
  const show = () => {
    const smaller = image.clientWidth < Number(image.getAttribute("width"));
    button.hidden = !smaller && !frame.classList.contains("full");
  };
  show();
  window.addEventListener("resize", show);
}

// What scrolls is a region that the keyboard reaches; what fits is no stop on the way.
function mark(frame, name) {
  for (const [key, value] of [["tabindex", "0"], ["role", "region"], ["aria-label", name]]) {
    if (name) frame.setAttribute(key, value);
    else frame.removeAttribute(key);
  }
}

function markScrolling() {
  for (const frame of document.querySelectorAll(".scroll")) {
    if (!frame.clientWidth) continue; // in closed details
    const scrolls = frame.scrollWidth > frame.clientWidth;
    mark(frame, scrolls ? frame.querySelector("caption").textContent : null);
  }
}

document.querySelectorAll("table[data-sortable]").forEach(makeSortable);
document.querySelectorAll(".picture").forEach(makeEnlargeable);

markScrolling();
window.addEventListener("resize", markScrolling);
document.querySelectorAll("details").forEach((each) => each.addEventListener("toggle", markScrolling));

// Printed, every table is open.
let opened = [];
window.addEventListener("beforeprint", () => {
  opened = Array.from(document.querySelectorAll("details:not([open])"));
  for (const each of opened) each.open = true;
});
window.addEventListener("afterprint", () => {
  for (const each of opened) each.open = false;
});
