// Choosing rows (the page, a range with Shift, how many) and changing cells where they stand.
// Without it everything is there all the same: links, forms, and the page of the customer.
const boxes = () => [...document.querySelectorAll("#customers input[name=id]")];
let last = null;

const idOf = (row) => row.querySelector("[name=id]").value;

function tell() {
  const all = boxes();
  const chosen = all.filter((box) => box.checked).length;
  const number = document.querySelector("[data-chosen]");
  if (number) number.textContent = chosen;
  const head = document.querySelector("[data-check-all]");
  if (!head) return;
  head.hidden = false;
  head.checked = chosen > 0 && chosen === all.length;
  head.indeterminate = chosen > 0 && chosen < all.length;
}

// The links that lead to the forms of a row's cells, when somebody comes near.
function prepare(row) {
  if (!row || row.dataset.ready) return;
  row.dataset.ready = "1";
  const said = row.closest("table").dataset.change;
  const name = row.querySelector("[data-open]")?.textContent ?? ""; // its cell may be a form
  const heads = row.closest("table").tHead.rows[0].cells;
  for (const cell of row.querySelectorAll("[data-edit]")) {
    const link = document.createElement("a");
    link.className = "edit";
    link.dataset.hold = ""; // a live update would take it away
    link.href = `/customers/${idOf(row)}/cells/${cell.dataset.edit}`;
    link.setAttribute("aria-label", `${said}: ${heads[cell.cellIndex].innerText.trim()}, ${name}`);
    cell.append(link);
  }
}

function open(link) {
  const cell = link.closest("[data-edit]");
  cell.id ||= `cell-${idOf(cell.closest("[data-row]"))}-${cell.dataset.edit.replace(/\W/g, "-")}`;
  delete cell.closest("[data-row]").dataset.ready;
  window.htmx.ajax("GET", link.getAttribute("href"), { source: cell, target: cell, swap: "innerHTML" });
}

document.addEventListener("pointerover", (event) => prepare(event.target.closest?.("[data-row]")));
document.addEventListener("focusin", (event) => prepare(event.target.closest?.("#customers [data-row]")));

document.addEventListener("click", (event) => {
  const link = event.target.closest("#customers .edit");
  if (link && window.htmx && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    for (const other of link.closest("tr").querySelectorAll(".edit")) if (other !== link) other.remove();
    open(link);
    return;
  }
  const box = event.target.closest("#customers input[name=id]");
  if (!box) return;
  const all = boxes();
  if (event.shiftKey && last && all.includes(last)) {
    const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
    for (const each of all.slice(from, to + 1)) each.checked = box.checked;
  }
  last = box;
  tell();
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-check-all]")) {
    for (const box of boxes()) box.checked = event.target.checked;
  }
  if (event.target.closest("#customers")) tell();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") event.target.closest(".cell-form")?.querySelector("[data-cancel]")?.click();
});

document.addEventListener("htmx:after:swap", (event) => {
  tell();
  // A name that was changed gives its box its name again.
  for (const box of boxes()) {
    const link = box.closest("tr").querySelector("[data-open]");
    if (link && !link.id) link.id = box.getAttribute("aria-labelledby");
  }
  // only of the cell that was opened: other parts of the page come and go beside it
  event.detail.ctx?.target?.querySelector?.(".cell-form [autofocus]")?.focus();
});
tell();
