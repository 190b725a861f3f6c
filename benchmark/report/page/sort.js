// A click on a column's name sorts the rows by it, another one turns them round. What is no number stands last.
for (const table of document.querySelectorAll(".wide table")) {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  table.style.setProperty("--first", heads[0].offsetWidth + "px");
  const text = (row, column) => row.cells[column].textContent.replace("\u2212", "-").trim();
  const value = (row, column) => parseFloat(text(row, column).replace(/^\[/, ""));
  heads.forEach((head, column) => head.firstElementChild.addEventListener("click", () => {
    const numbers = head.classList.contains("number");
    const before = head.getAttribute("aria-sort");
    const upward = before ? before === "descending" : !numbers;
    const sign = upward ? 1 : -1;
    const order = (a, b) => {
      if (!numbers) return sign * text(a, column).localeCompare(text(b, column), "en", {numeric: true});
      const x = value(a, column), y = value(b, column);
      return isNaN(x) || isNaN(y) ? isNaN(x) - isNaN(y) : sign * (x - y);
    };
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", upward ? "ascending" : "descending");
    body.append(...[...body.rows].sort(order));
  }));
}
