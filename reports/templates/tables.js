"use strict";
// Lists of deals can be sorted by a click on a head, and filtered by words. Without this they are read as they stand.
for (const table of document.querySelectorAll("table.listing")) {
  const rows = [...table.tBodies[0].rows];
  const heads = [...table.tHead.rows[0].cells];
  const box = document.createElement("input");
  box.type = "search";
  box.placeholder = table.dataset.filter;
  box.setAttribute("aria-label", table.dataset.filter);
  box.addEventListener("input", () => {
    const words = box.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = row.textContent.toLocaleLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
  table.parentElement.before(box);
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const falls = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", falls ? "descending" : "ascending");
      const key = (row) => row.cells[column].dataset.key ?? row.cells[column].textContent.trim();
      const isNumber = rows.every((row) => !Number.isNaN(Number(key(row))));
      const compare = isNumber ? (a, b) => a - b : (a, b) => a.localeCompare(b, document.documentElement.lang);
      // Rows that say nothing here come last, whichever way the others go.
      const order = (a, b) => !key(a) - !key(b) || compare(key(a), key(b)) * (falls ? -1 : 1);
      table.tBodies[0].append(...[...rows].sort(order));
    });
  });
}
