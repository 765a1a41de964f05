"use strict";
(() => {
  const QUESTIONS = {
    pause: "Pause the run? Requests in flight finish, and nothing more is sent until it is resumed.",
    resume: "Resume the run?",
    slower: "Send more slowly?",
    faster: "Send faster, within the limit?",
    stop: "Finish the requests in flight and stop the run? It can be resumed later with --resume.",
  };
  const at = (id) => document.getElementById(id);
  const text = (id, value) => { if (at(id).textContent !== value) at(id).textContent = value; };

  const cell = (value, kind = "td", style = "") => {
    const made = document.createElement(kind);
    if (style) made.className = style;
    if (kind === "th") made.scope = "row";
    const bdi = document.createElement("bdi");
    bdi.textContent = value;
    made.append(bdi);
    return made;
  };
  const line = (cells) => {
    const tr = document.createElement("tr");
    tr.append(...cells);
    return tr;
  };

  const statusLine = (own) => {
    const head = cell(own.word, "th");
    const key = document.createElement("i");
    key.className = `key ${own.key}`;
    head.prepend(key);
    const tr = line([head, cell(own.rows, "td", "number"), cell(own.share, "td", "number"), cell(own.meaning)]);
    tr.dataset.status = own.key;
    return tr;
  };
  const causeLine = (own) => line([
    cell(own.rows, "td", "number"), cell(own.words, "th"), cell(own.hint), cell(own.examples[0] || ""),
  ]);
  const fact = ([name, value]) => {
    const pair = document.createElement("div");
    const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
    dt.textContent = name;
    dd.textContent = value;
    pair.append(dt, dd);
    return pair;
  };

  const bars = (given) => {
    const most = Math.max(1, ...given.map(([calls]) => calls));
    const from = 60 - given.length;
    const shape = (of) => given.map((own, index) => {
      const [below, height] = of(own).map((number) => (100 * number) / most);
      return height > 0 ? `M${from + index} ${100 - below}h.9v-${height}h-.9z` : "";
    }).join("");
    const [fine, limited] = at("bars").children;
    fine.setAttribute("d", shape(([calls, refused]) => [0, calls - refused]));
    limited.setAttribute("d", shape(([calls, refused]) => [calls - refused, refused]));
    text("most", String(most));
  };

  let failures = [];
  const list = () => {
    const words = at("search").value.trim().toLowerCase();
    const found = failures.filter((own) => own.join("\n").toLowerCase().includes(words));
    text("count", words ? `${found.length} of the latest ${failures.length}` : "");
    at("latest").replaceChildren(...found.map((own) => line(
      own.map((value, index) => cell(value, "td", index === 0 ? "number" : "")))));
  };

  const show = (now) => {
    text("name", now.name);
    document.title = `${now.headline} · ${now.name}`;
    text("headline", now.headline);
    at("headline").className = `headline ${now.tone}`;
    at("simulated").hidden = !now.simulated;
    if (now.permille === null) at("progress").removeAttribute("value");
    else at("progress").value = now.permille;
    text("position", now.position);
    at("facts").replaceChildren(...now.facts.map(fact));
    at("limit").hidden = now.limitPermille === null;
    at("limit-name").hidden = now.limitPermille === null;
    if (now.limitPermille !== null) at("limit").value = now.limitPermille;
    bars(now.bars);
    at("statuses").replaceChildren(...now.statuses.map(statusLine));
    text("total", now.total);
    at("why").hidden = now.causes.length === 0;
    at("causes").replaceChildren(...now.causes.map(causeLine));
    text("failed", now.failed);
    if (JSON.stringify(now.latest) !== JSON.stringify(failures)) {
      failures = now.latest;
      list();
    }
    at("steered").hidden = now.interventions.length === 0;
    at("interventions").replaceChildren(...now.interventions.map(([when, what]) => {
      const item = document.createElement("li");
      item.textContent = `${when}: ${what}`;
      return item;
    }));
    for (const button of document.querySelectorAll("[data-do]")) {
      button.disabled = !now.can.includes(button.dataset.do);
    }
    at("report").hidden = now.hasEnded;
  };

  const lost = (why) => {
    at("lost").hidden = !why;
    text("lost", why);
  };

  const listen = () => {
    const events = new EventSource("events");
    let ended = false;
    events.addEventListener("message", (event) => {
      const now = JSON.parse(event.data);
      lost("");
      show(now);
      if (now.hasEnded) {
        ended = true;
        events.close();
        lost("The run has ended, and this page gets no more news.");
      }
    });
    events.addEventListener("error", () => {
      if (ended) return;
      lost("The connection to the run is lost. The page tries again; if the run has ended, so has its page.");
      document.querySelectorAll("[data-do]").forEach((button) => { button.disabled = true; });
    });
  };

  const ask = (action) => new Promise((answered) => {
    text("question", QUESTIONS[action]);
    const dialog = at("ask");
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => answered(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
    at("yes").focus();
  });

  const steer = async (action) => {
    if (!await ask(action)) return;
    try {
      const answer = await fetch(action, { method: "POST" });
      if (!answer.ok) lost(await answer.text());
    } catch {
      lost("The run could not be reached.");
    }
  };

  document.querySelectorAll("[data-do]").forEach((button) => {
    button.addEventListener("click", () => steer(button.dataset.do));
  });
  at("search").addEventListener("input", list);
  document.querySelector("form.filters").addEventListener("submit", (event) => event.preventDefault());
  listen();
})();
