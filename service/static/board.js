// Keeps the board up to date: polls every few seconds (htmx), announces new results, and shows when the service is away.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const announced = new Set(byId("live").dataset.arrivals.split(" ").filter(Boolean));
  const pause = byId("pause");
  let etag = null;
  let wanted = null;

  const isPoll = (event) => event.detail.ctx.sourceElement?.id === "board";
  const isOurs = (event) => ["board", "mix"].includes(event.detail.ctx.sourceElement?.id) || Boolean(event.detail.ctx.sourceElement?.closest?.("#live, #done"));

  const localize = () => {
    for (const time of document.querySelectorAll("time[data-local]")) {
      const at = new Date(time.dateTime);
      const today = at.toDateString() === new Date().toDateString();
      time.textContent = at.toLocaleString(undefined, today ? { timeStyle: "short" } : { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
    }
  };

  const fresh = (isFresh) => {
    byId("stale").hidden = isFresh;
    if (isFresh) byId("freshness").textContent = `as of ${new Date().toLocaleTimeString(undefined, { timeStyle: "medium" })}`;
  };

  // A screen reader reads a region out when its text changes, so the region is cleared first.
  const announce = (region, words) => {
    byId(region).textContent = "";
    setTimeout(() => { byId(region).textContent = words; }, 50);
  };

  const announceUrgent = () => {
    const here = byId("live").dataset.arrivals.split(" ").filter(Boolean);
    const arrived = here.filter((id) => !announced.has(id));
    for (const id of arrived) {
      announced.add(id);
      byId(`row-${id}`)?.classList.add("is-new");
    }
    if (arrived.length === 0) return;
    announce("announce-now", arrived.length === 1 ? "A new urgent result." : `${arrived.length} new urgent results.`);
  };

  const shownRows = () => [...document.querySelectorAll(".results > li")].map((row) => row.id);
  let rows = shownRows();
  const announceOthers = () => {
    const now = shownRows();
    const more = now.filter((id) => !rows.includes(id) && !byId(id).matches(".level-edge-urgent, .level-edge-dead")).length;
    rows = now;
    if (more > 0) announce("announce", more === 1 ? "A new result that is not urgent." : `${more} new results that are not urgent.`);
  };

  pause.hidden = byId("freshness").hidden = false;
  pause.addEventListener("click", () => {
    const paused = pause.getAttribute("aria-pressed") !== "true";
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Resume updates" : "Pause updates";
    if (paused) byId("freshness").textContent = "paused";
  });

  document.addEventListener("htmx:config:request", (event) => {
    const { ctx } = event.detail;
    if (isPoll(event) && pause.getAttribute("aria-pressed") === "true") return event.preventDefault();
    if (isPoll(event) && etag) ctx.request.headers["If-None-Match"] = etag;
    // The pressed button may disappear: the button that takes its place gets the focus.
    const row = ctx.sourceElement?.closest?.(".results > li");
    wanted = row && ctx.request.method === "POST" ? { index: [...row.parentElement.children].indexOf(row), id: row.id } : null;
  });

  document.addEventListener("htmx:before:response", (event) => {
    if (!isOurs(event)) return;
    const { raw, status } = event.detail.ctx.response;
    if (raw.redirected && new URL(raw.url).pathname !== location.pathname) {
      event.preventDefault(); // signed out in the meantime
      location.reload();
      return;
    }
    if (isPoll(event) && status === 200) etag = raw.headers.get("ETag");
    if (!isPoll(event)) etag = null;
    fresh(status < 400);
  });

  document.addEventListener("htmx:error", (event) => {
    if (event.detail.ctx && isOurs(event) && event.detail.error?.name !== "AbortError") fresh(false);
  });

  document.addEventListener("htmx:after:swap", () => {
    const live = byId("live");
    document.title = live.dataset.title;
    localize();
    announceUrgent();
    announceOthers();
    if (!wanted) return;
    if (!byId(wanted.id)) {
      const left = document.querySelectorAll(".results > li");
      const next = left[Math.min(wanted.index, left.length - 1)]?.querySelector("button") ?? byId("results-title");
      if (next.id === "results-title") next.tabIndex = -1;
      next.focus();
    }
    wanted = null;
  });

  localize();
  fresh(true);
})();
