// The viewer without it is links and a drawing. With it: rows are filtered while one types; the graph is searched,
// moved and zoomed, and what a box rests on and leads to is shown when it is chosen.
"use strict";
(() => {
  const filter = document.querySelector("[data-filter]");
  if (filter) {
    const field = filter.querySelector("input");
    const rows = [...document.querySelectorAll(".part tbody tr")].map((row) => [row, row.textContent.toLowerCase()]);
    const told = filter.querySelector("[data-told]");
    const show = () => {
      const wanted = field.value.trim().toLowerCase();
      let shown = 0;
      for (const [row, text] of rows) {
        row.hidden = !text.includes(wanted);
        shown += !row.hidden;
      }
      told.textContent = wanted ? `${shown} of ${rows.length} rows` : "";
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
    const told = frame.querySelector("[data-told]");
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
    for (const one of document.querySelectorAll(".script-only")) one.hidden = false;

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
      one: () => resize(1),
    };
    frame.addEventListener("click", (event) => ways[event.target.closest("[data-zoom]")?.dataset.zoom]?.());
    view.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const at = view.getBoundingClientRect();
      resize(zoom * Math.exp(-event.deltaY / 300), event.clientX - at.left, event.clientY - at.top);
    }, { passive: false });

    // --- moving; fingers do it by themselves ---
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
    const reached = (key, along, found = new Set()) => {
      const waiting = [key];
      while (waiting.length) {
        const one = waiting.pop();
        if (found.has(one)) continue;
        found.add(one);
        waiting.push(...(along.get(one) ?? []));
      }
      return found;
    };
    const choose = (node) => {
      chosen = node;
      svg.classList.toggle("chosen", node !== null);
      panel.hidden = node === null;
      if (!node) return;
      const down = reached(node.id, before), up = reached(node.id, after);
      for (const one of nodes) one.classList.toggle("near", down.has(one.id) || up.has(one.id));
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
      text.append(name, ` · rests on ${down.size - 1}, leads to ${up.size - 1} · `, open);
      panel.replaceChildren(text);
      told.textContent = "";
      rove(node);
    };
    const rove = (node) => {
      for (const one of nodes) one.setAttribute("tabindex", one === node ? "0" : "-1");
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
      .sort((one, other) => Math.abs(at(one, "y") - at(node, "y")) - Math.abs(at(other, "y") - at(node, "y")))[0];
    const beside = (node, step) => {
      const column = nodes.filter((one) => at(one, "x") === at(node, "x"));
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

    // --- looking for something ---
    const field = frame.querySelector("[data-find]");
    let found = [], next = 0;
    field.addEventListener("input", () => {
      const wanted = field.value.trim().toLowerCase();
      found = wanted ? nodes.filter((node) => `${node.id} ${node.getAttribute("aria-label")}`.toLowerCase().includes(wanted)) : [];
      next = 0;
      svg.classList.toggle("searched", wanted !== "");
      for (const node of nodes) node.classList.toggle("found", found.includes(node));
      told.textContent = wanted ? `${found.length} found${found.length ? "; Enter goes there" : ""}` : "";
      if (found.length) bring(found[0]);
    });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        field.value = "";
        field.dispatchEvent(new Event("input"));
      }
      if (event.key !== "Enter" || !found.length) return;
      event.preventDefault();
      const node = found[next++ % found.length];
      choose(node);
      bring(node);
      told.textContent = `${((next - 1) % found.length) + 1} of ${found.length}`;
    });

    const begun = svg.querySelector(".here") ?? svg.querySelector(".disposition.established");
    if (nodes.length) rove(begun ?? nodes[0]);
    if (view.clientWidth > 700 && width > view.clientWidth && width < view.clientWidth * 1.7) ways.fit();
    if (begun && zoom === 1) bring(begun);
  }
})();
