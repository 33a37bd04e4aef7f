"use strict";
// Tables sort by the button in each heading; without this script they are plain tables in the order of the report.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => row.cells[column].dataset.key;
      const numbers = [...body.rows].every((row) => key(row) === "" || !Number.isNaN(Number(key(row))));
      const compare = (a, b) => numbers ? Number(key(a)) - Number(key(b)) : key(a).localeCompare(key(b));
      const rows = [...body.rows].sort((a, b) => {
        if (key(a) === "" || key(b) === "") return (key(a) === "") - (key(b) === "");
        return up ? compare(a, b) : compare(b, a);
      });
      body.append(...rows);
    });
  });
}
// Printed pages show every table.
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
