"use strict";
(() => {
  const SIZE = 100; // rows of a page
  const [ROW, FILE, LINE, STATUS, OPERATION, CAUSE, USER, MESSAGE] = [0, 1, 2, 3, 4, 5, 6, 7];

  const number = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ",");

  const table = (section) => {
    const data = JSON.parse(section.querySelector("script[type='application/json']").textContent);
    const form = section.querySelector("form");
    const count = section.querySelector(".count");
    const body = section.querySelector("tbody");
    const pages = section.querySelector(".pages");
    const heads = [...section.querySelectorAll("thead th")];
    const said = (row) => {
      if (row.length <= MESSAGE) return data.causes[row[CAUSE]];
      // The cause names the first row's message; this row has its own.
      return data.kinds[row[CAUSE]] + ": " + row[MESSAGE];
    };
    // Of each column: what is shown, and what it is sorted by.
    const columns = [
      (row) => row[ROW],
      (row) => data.statuses[row[STATUS]],
      (row) => row[USER],
      said,
      (row) => data.operations[row[OPERATION]],
      (row) => data.files[row[FILE]],
      (row) => row[LINE],
    ];
    const text = (row) => columns.map((of) => of(row)).join("\n").toLowerCase();
    let texts = null; // made with the first search
    let order = data.rows.map((_, index) => index);
    let shown = order;
    let page = 0;
    let sorted = { column: 0, up: true };

    const cell = (value, column) => {
      const td = document.createElement("td");
      const bdi = document.createElement("bdi");
      if (column === 0 || column === columns.length - 1) td.className = "number";
      bdi.textContent = value;
      td.append(bdi);
      return td;
    };

    const draw = () => {
      const last = Math.max(0, Math.ceil(shown.length / SIZE) - 1);
      page = Math.min(Math.max(page, 0), last);
      const rows = shown.slice(page * SIZE, (page + 1) * SIZE).map((index) => {
        const tr = document.createElement("tr");
        tr.append(...columns.map((of, column) => cell(of(data.rows[index]), column)));
        return tr;
      });
      body.replaceChildren(...rows);
      pages.hidden = last === 0;
      pages.querySelector(".page").textContent = `page ${number(page + 1)} of ${number(last + 1)}`;
      for (const button of pages.querySelectorAll("button")) {
        const back = button.dataset.to === "first" || button.dataset.to === "back";
        button.disabled = back ? page === 0 : page === last;
      }
    };

    const tell = () => {
      count.textContent = `${number(shown.length)} of ${number(data.rows.length)} rows`;
    };

    const filter = () => {
      const words = form.elements.search.value.trim().toLowerCase();
      const status = form.elements.status.value;
      const cause = form.elements.cause.value;
      if (words && !texts) texts = data.rows.map(text);
      shown = order.filter((index) => {
        const row = data.rows[index];
        return (status === "" || row[STATUS] === Number(status))
          && (cause === "" || row[CAUSE] === Number(cause))
          && (!words || texts[index].includes(words));
      });
      page = 0;
      tell();
      draw();
    };

    const sort = (column) => {
      sorted = { column, up: sorted.column === column ? !sorted.up : true };
      const keys = data.rows.map(columns[column]);
      const sign = sorted.up ? 1 : -1;
      order.sort((a, b) => {
        const differs = keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : 0;
        return differs * sign || a - b;
      });
      mark();
      filter();
    };

    const mark = () => heads.forEach((head, column) => {
      const own = sorted.up ? "ascending" : "descending";
      head.setAttribute("aria-sort", column === sorted.column ? own : "none");
    });

    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.addEventListener("click", () => sort(column));
      head.replaceChildren(button);
    });
    const moves = { first: () => 0, back: () => page - 1, on: () => page + 1, last: () => Infinity };
    pages.addEventListener("click", (event) => {
      const to = event.target.dataset && event.target.dataset.to;
      if (!to) return;
      page = moves[to]();
      draw();
    });
    let later = 0;
    form.addEventListener("input", () => {
      clearTimeout(later);
      later = setTimeout(filter, 120);
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
    mark();
    tell();
    draw();
  };

  document.querySelectorAll("section.failed").forEach(table);
})();
