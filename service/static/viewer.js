// Script for the viewer, which works without it as links and a drawing: filters rows as you type; searches, moves and
// zooms the graph; highlights the boxes that a selected box depends on and leads to.
"use strict";
(() => {
  const filter = document.querySelector("[data-filter]");
  if (filter) {
    const field = filter.querySelector("input");
    const rows = [...document.querySelectorAll(".part tbody tr")].map((row) => [row, row.textContent.toLowerCase()]);
    const status = filter.querySelector("[data-status]");
    const show = () => {
      const wanted = field.value.trim().toLowerCase();
      let shown = 0;
      for (const [row, text] of rows) {
        row.hidden = !text.includes(wanted);
        shown += !row.hidden;
      }
      status.textContent = wanted ? `${shown} of ${rows.length} rows` : "";
    };
    filter.querySelector("button").hidden = true;
    filter.addEventListener("submit", (event) => event.preventDefault());
    field.addEventListener("input", show);
    if (field.value) show();
    window.addEventListener("hashchange", () => {
      const target = document.getElementById(location.hash.slice(1));
      if (target?.hidden) {
        field.value = "";
        show();
        target.scrollIntoView();
      }
    });
  }
  for (const frame of document.querySelectorAll("[data-graph]")) begin(frame);

  function begin(frame) {
    const svg = frame.querySelector("svg");
    const view = frame.querySelector(".graph-view");
    const panel = frame.querySelector("[data-chosen]");
    const status = frame.querySelector("[data-status]");
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    const nodes = [...svg.querySelectorAll(".node")];
    const edges = [...svg.querySelectorAll(".edge")];
    const before = new Map(), after = new Map();
    for (const edge of edges) {
      const { a, b } = edge.dataset;
      (after.get(a) ?? after.set(a, []).get(a)).push(b);
      (before.get(b) ?? before.set(b, []).get(b)).push(a);
    }
    let zoom = 1, chosen = null;
    frame.querySelector("[data-graph-bar]").hidden = false;
    for (const element of document.querySelectorAll(".script-only")) element.hidden = false;

    // --- size ---
    const resize = (to, x = view.clientWidth / 2, y = view.clientHeight / 2) => {
      to = Math.min(3, Math.max(0.1, to));
      const left = (view.scrollLeft + x) / zoom, top = (view.scrollTop + y) / zoom;
      zoom = to;
      svg.setAttribute("width", Math.round(width * zoom));
      svg.setAttribute("height", Math.round(height * zoom));
      view.scrollTo(left * zoom - x, top * zoom - y);
    };
    const ways = {
      in: () => resize(zoom * 1.3),
      out: () => resize(zoom / 1.3),
      fit: () => resize(Math.min(1, view.clientWidth / width)),
      actual: () => resize(1),
    };
    frame.addEventListener("click", (event) => ways[event.target.closest("[data-zoom]")?.dataset.zoom]?.());
    view.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const at = view.getBoundingClientRect();
      resize(zoom * Math.exp(-event.deltaY / 300), event.clientX - at.left, event.clientY - at.top);
    }, { passive: false });

    // --- moving; touch screens scroll without help ---
    let drag = null, moved = false;
    view.addEventListener("pointerdown", (event) => {
      if (event.pointerType !== "mouse" || event.button) return;
      drag = [event.clientX + view.scrollLeft, event.clientY + view.scrollTop];
      moved = false;
    });
    window.addEventListener("pointermove", (event) => {
      if (!drag) return;
      const [x, y] = [drag[0] - event.clientX, drag[1] - event.clientY];
      if (!moved && Math.hypot(x - view.scrollLeft, y - view.scrollTop) < 5) return;
      moved = true;
      view.classList.add("dragged");
      view.scrollTo(x, y);
    });
    window.addEventListener("pointerup", () => {
      drag = null;
      view.classList.remove("dragged");
    });
    svg.addEventListener("dragstart", (event) => event.preventDefault());

    // --- choosing ---
    const reachable = (start, neighbours) => {
      const reached = new Set();
      const waiting = [start];
      while (waiting.length) {
        const key = waiting.pop();
        if (reached.has(key)) continue;
        reached.add(key);
        waiting.push(...(neighbours.get(key) ?? []));
      }
      return reached;
    };
    const choose = (node) => {
      chosen = node;
      svg.classList.toggle("chosen", node !== null);
      panel.hidden = node === null;
      if (!node) return;
      const down = reachable(node.id, before), up = reachable(node.id, after);
      for (const other of nodes) other.classList.toggle("near", down.has(other.id) || up.has(other.id));
      for (const edge of edges) {
        const { a, b } = edge.dataset;
        edge.classList.toggle("near", (down.has(a) && down.has(b)) || (up.has(a) && up.has(b)));
      }
      const text = document.createElement("p");
      const name = document.createElement("strong");
      name.textContent = node.getAttribute("aria-label");
      const open = document.createElement("a");
      open.href = node.getAttribute("href");
      open.textContent = "Open";
      text.append(name, ` · depends on ${down.size - 1}, leads to ${up.size - 1} · `, open);
      panel.replaceChildren(text);
      status.textContent = "";
      rove(node);
    };
    const rove = (node) => {
      for (const other of nodes) other.setAttribute("tabindex", other === node ? "0" : "-1");
    };
    svg.addEventListener("click", (event) => {
      const node = event.target.closest(".node");
      if (moved || !node) {
        event.preventDefault();
        if (!moved) choose(null);
        moved = false;
        return;
      }
      if (event.ctrlKey || event.metaKey || event.shiftKey || node === chosen) return;
      event.preventDefault();
      choose(node);
    });

    // --- keys ---
    const box = (node) => node.querySelector("rect");
    const at = (node, name) => Number(box(node).getAttribute(name));
    const byId = new Map(nodes.map((node) => [node.id, node]));
    const nearest = (node, keys) => (keys ?? []).map((key) => byId.get(key)).filter(Boolean)
      .sort((first, second) => Math.abs(at(first, "y") - at(node, "y")) - Math.abs(at(second, "y") - at(node, "y")))[0];
    const beside = (node, step) => {
      const column = nodes.filter((other) => at(other, "x") === at(node, "x"));
      return column[column.indexOf(node) + step];
    };
    const keys = {
      ArrowLeft: (node) => nearest(node, before.get(node.id)),
      ArrowRight: (node) => nearest(node, after.get(node.id)),
      ArrowUp: (node) => beside(node, -1),
      ArrowDown: (node) => beside(node, 1),
    };
    svg.addEventListener("keydown", (event) => {
      const node = event.target.closest(".node");
      if (event.key === "Escape") choose(null);
      if (!node || !(event.key in keys)) return;
      event.preventDefault();
      const to = keys[event.key](node);
      if (!to) return;
      rove(to);
      to.focus({ preventScroll: true });
      bring(to);
    });
    const bring = (node) => {
      const x = at(node, "x") * zoom, y = at(node, "y") * zoom, wide = at(node, "width") * zoom;
      if (x < view.scrollLeft || x + wide > view.scrollLeft + view.clientWidth) view.scrollLeft = x - (view.clientWidth - wide) / 2;
      if (y < view.scrollTop || y + 60 > view.scrollTop + view.clientHeight) view.scrollTop = y - view.clientHeight / 2;
    };

    // --- searching ---
    const field = frame.querySelector("[data-find]");
    let matches = [], next = 0;
    field.addEventListener("input", () => {
      const wanted = field.value.trim().toLowerCase();
      matches = wanted ? nodes.filter((node) => `${node.id} ${node.getAttribute("aria-label")}`.toLowerCase().includes(wanted)) : [];
      next = 0;
      svg.classList.toggle("searched", wanted !== "");
      for (const node of nodes) node.classList.toggle("match", matches.includes(node));
      status.textContent = wanted ? `${matches.length} ${matches.length === 1 ? "match" : "matches"}${matches.length ? "; press Enter to go there" : ""}` : "";
      if (matches.length) bring(matches[0]);
    });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        field.value = "";
        field.dispatchEvent(new Event("input"));
      }
      if (event.key !== "Enter" || !matches.length) return;
      event.preventDefault();
      const node = matches[next++ % matches.length];
      choose(node);
      bring(node);
      status.textContent = `${((next - 1) % matches.length) + 1} of ${matches.length}`;
    });

    const begun = svg.querySelector(".here") ?? svg.querySelector(".disposition.established");
    if (nodes.length) rove(begun ?? nodes[0]);
    if (view.clientWidth > 700 && width > view.clientWidth && width < view.clientWidth * 1.7) ways.fit();
    if (begun && zoom === 1) bring(begun);
  }
})();
