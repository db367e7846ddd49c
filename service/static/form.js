// Script for forms: sends each step without leaving the page, keeps it in the history, and tries again what failed.
"use strict";
(() => {
  const PATIENCE = 20_000, SLOW = 1_000, RETRIES = [3_000, 5_000, 10_000, 20_000];
  const form = () => document.getElementById("form");
  const trouble = () => document.getElementById("trouble");
  const SENT = ["sent", "sent_print", "sent_as", "shown_as"];
  let busy = null, again, tries = 0;

  // --- what the browser keeps: each history entry holds its page's fields, so Back and reload show it as it was ---
  const fields = (button) => {
    const all = [...new FormData(form())].filter(([name]) => name !== "do");
    return [...all, ["do", button]];
  };
  const keep = () => form() && history.replaceState({ fields: fields("show") }, "");

  // What was sent stays sent, also on an earlier page. It holds ids, and no answers.
  let storage = null;
  try { storage = sessionStorage; } catch { /* A browser may forbid it in a frame: then an old page makes a report of its own. */ }
  const rememberSent = () => {
    const value = (name) => form().elements[name]?.value ?? "";
    if (form() && value("sent")) storage?.setItem(`sent ${value("id")}`, JSON.stringify(SENT.map((name) => [name, value(name)])));
  };
  const current = (kept) => {
    const sent = new Map(JSON.parse(storage?.getItem(`sent ${new Map(kept).get("id")}`) ?? "[]"));
    const csrf = form()?.elements.csrf?.value;
    return kept.map(([name, value]) => [name, name === "csrf" ? csrf ?? value : sent.get(name) ?? value]);
  };

  // --- sending ---
  const report = (text, retry) => {
    const box = trouble();
    if (!box) return;
    box.hidden = !text;
    const line = Object.assign(document.createElement("p"), { textContent: text ?? "" });
    const button = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: "Try again" });
    button.addEventListener("click", retry);
    box.replaceChildren(line, ...(retry ? [button] : []));
  };

  const fetchPage = async (body, stop) => {
    const answer = await fetch(form().action, {
      method: "POST", body: new URLSearchParams(body), headers: { Accept: "text/html" }, signal: stop,
    });
    if (answer.redirected) return { to: answer.url };
    return { page: new DOMParser().parseFromString(await answer.text(), "text/html"), status: answer.status };
  };

  const why = (status) => {
    if (!navigator.onLine) return "You are offline.";
    if (status >= 400 && status < 500) return "The service can’t take your answers from this page. Reload the page.";
    return "The service can’t be reached.";
  };

  // body: returns the fields to send, each time it is tried. then: shows the new page. quiet: the person does not wait for it.
  const send = async (body, then, quiet = false) => {
    if (busy && (quiet || !busy.quiet)) return;
    stop();
    const own = busy = Object.assign(new AbortController(), { quiet });
    const slow = quiet ? 0 : setTimeout(() => report("Please wait. Your answers are on their way."), SLOW);
    const late = setTimeout(() => own.abort(), PATIENCE);
    if (!quiet) form().setAttribute("aria-busy", "true");
    let got = {};
    try {
      got = await fetchPage(body(), own.signal);
    } catch {
      // Offline, away or too slow: got stays empty.
    }
    clearTimeout(slow);
    clearTimeout(late);
    if (busy !== own) return; // the person has gone on, or to another page of the history
    busy = null;
    form()?.removeAttribute("aria-busy");
    if (got.to) return location.assign(got.to);
    if (got.page?.getElementById("form")) {
      tries = 0;
      if (!quiet) report("");
      return then(got.page, got.status);
    }
    if (quiet) return begin();
    const retry = () => send(body, then);
    report(`${why(got.status)} Your answers are still on this page.`, retry);
    if (!(got.status >= 400 && got.status < 500)) again = setTimeout(retry, RETRIES[Math.min(tries++, RETRIES.length - 1)]);
  };
  const stop = () => {
    clearTimeout(again);
    busy?.abort();
    busy = null;
  };
  addEventListener("online", () => trouble()?.querySelector("button")?.click());

  const swap = (page) => {
    document.getElementById("screen").replaceWith(document.adoptNode(page.getElementById("screen")));
    document.title = page.title;
    begin();
    focus();
  };
  const goOn = (page, status) => {
    const at = (shown) => shown.querySelector('#form [name="at"]')?.value;
    if (status !== 422 || at(page) !== at(document)) history.pushState(null, ""); // the same page with its faults is no further step
    swap(page);
  };

  // A screen reader starts a new screen at its heading, or at its error.
  const focus = () => {
    const wanted = document.querySelector('.urgent-now[role="alert"] h2') ?? document.querySelector(".error-summary") ?? document.querySelector("#screen [autofocus]");
    if (!wanted) return;
    wanted.tabIndex = -1;
    wanted.focus({ preventScroll: true });
    scrollTo(0, 0);
  };

  document.addEventListener("submit", (event) => {
    if (event.target !== form()) return;
    event.preventDefault();
    const pressed = event.submitter?.value ?? "next";
    keep();
    if (pressed === "retry") retryUnsent();
    else send(() => fields(pressed), goOn);
  });
  addEventListener("popstate", (event) => {
    if (!form() || !event.state?.fields) return;
    stop();
    report("");
    send(() => current(event.state.fields), swap);
  });

  // --- what could not be sent: try again, and replace only the part about it ---
  let unsent;
  const retryUnsent = (auto) => {
    clearTimeout(unsent);
    const notice = document.querySelector("[data-retry]");
    if (notice) send(() => [...fields(notice.dataset.retry), ...(auto ? [["auto", "yes"]] : [])], (page) => {
      const part = document.getElementById("sending"), hadFocus = part.contains(document.activeElement);
      part.replaceWith(document.adoptNode(page.getElementById("sending")));
      begin();
      const wanted = hadFocus && document.querySelector("#sending button, #sending h2");
      if (wanted) Object.assign(wanted, wanted.matches("h2") ? { tabIndex: -1 } : {}).focus();
    }, auto);
  };

  const begin = () => {
    rememberSent();
    keep();
    for (const part of document.querySelectorAll("[data-by-script]")) part.hidden = false;
    clearTimeout(unsent);
    if (document.querySelector("[data-retry]")) unsent = setTimeout(() => busy ? begin() : retryUnsent(true), 5_000);
  };

  // --- fields that exclude each other ---
  const untick = (boxes) => boxes.forEach((box) => { box.checked = false; });
  document.addEventListener("input", (event) => {
    if (!event.target.matches?.('#form input[type="text"]')) return;
    const box = document.getElementById(`${event.target.id}-unknown`);
    if (box && event.target.value) box.checked = false;
  });
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (!box.matches?.('#form input[type="checkbox"]')) return;
    const list = box.closest("[data-checklist]");
    if (list && box.checked) {
      if (box.matches("[data-none]")) untick(list.querySelectorAll("[data-line]"));
      if (box.matches("[data-line]")) untick([list.querySelector("[data-none]"), document.getElementById(`${box.id}-unknown`)]);
      if (box.matches("[data-unsure]")) untick([document.getElementById(box.id.replace(/-unknown$/, ""))]);
    }
    const none = list?.querySelector("[data-none] + span");
    if (none) none.textContent = list.querySelector("[data-unsure]:checked") ? "None of the others" : "None of these";
    if (list) return;
    const field = document.getElementById(box.id.replace(/-unknown$/, ""));
    if (!field) return;
    if (box.checked) [field.dataset.was, field.value] = [field.value, ""];
    else field.value ||= field.dataset.was ?? "";
  });

  // --- the page with all questions: update the progress after each answer ---
  let running;
  const look = async () => {
    const shown = form();
    if (!shown?.hasAttribute("data-live") || busy) return;
    running?.abort();
    running = new AbortController();
    try {
      const answer = await fetch(shown.action, { method: "POST", body: new URLSearchParams(fields("check")), signal: running.signal, headers: { Accept: "text/html" } });
      if (answer.ok) document.getElementById("standing").innerHTML = await answer.text();
      const irrelevant = new Set(document.querySelector("[data-irrelevant]")?.dataset.irrelevant.split(" "));
      for (const note of document.querySelectorAll("[data-not-needed]")) note.hidden = !irrelevant.has(note.dataset.notNeeded);
    } catch {
      // A newer answer aborted this request, or the service is away: sending the form shows it.
    }
  };
  let waiting;
  for (const kind of ["input", "change"]) document.addEventListener(kind, (event) => {
    if (!event.target.closest?.("#form")) return;
    if (kind === "change") keep();
    clearTimeout(waiting);
    waiting = setTimeout(() => { if (!busy) keep(); look(); }, 350); // Safari allows 100 changes in 30 seconds
  });

  // A reload, or Back from a result: the entry holds the page that was here.
  const kept = history.state?.fields;
  if (form() && kept) send(() => current(kept), swap);
  else if (form()) begin();
})();
