// What scripts add to a form: where the focus goes, going back by the browser's button, the standing while all is filled in.
"use strict";
(() => {
  const form = () => document.getElementById("form");

  const press = (what) => {
    const button = form()?.querySelector(`button[name="do"][value="${what}"]:not(.hidden)`);
    if (button) button.click();
    return Boolean(button);
  };

  // a question that was swapped in is read from its heading on, or from its error
  const focus = () => {
    const wanted = document.querySelector('.urgent-now[role="alert"] h2') ?? document.querySelector(".error-summary") ?? document.querySelector("#main [autofocus]");
    if (!wanted) return;
    wanted.tabIndex = -1;
    wanted.focus();
    window.scrollTo(0, 0);
  };

  // a number that is written is known, after all; and a box ticked by mistake gives the number back
  document.addEventListener("input", (event) => {
    if (!event.target.matches?.('#form input[type="text"]')) return;
    const box = document.getElementById(`${event.target.id}-unknown`);
    if (box && event.target.value) box.checked = false;
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches?.('#form input[type="checkbox"]')) return;
    const field = document.getElementById(event.target.id.replace(/-unknown$/, ""));
    if (!field) return;
    if (event.target.checked) [field.dataset.was, field.value] = [field.value, ""];
    else field.value ||= field.dataset.was ?? "";
  });

  // one entry of the history for each question, so that the browser's own button leads to the one before
  let depth = 0;
  document.addEventListener("htmx:after:swap", () => {
    if (!form() || form().hasAttribute("data-live")) return;
    depth += 1;
    history.pushState({ depth }, "");
    focus();
  });
  document.addEventListener("htmx:before:history:restore", (event) => {
    if (form()) event.preventDefault(); // it would ask for the page anew, and lose what was answered
  });
  window.addEventListener("popstate", (event) => {
    const to = event.state?.depth ?? 0;
    if (to < depth && form()) {
      depth = to - 1; // the swap that follows counts one up
      press("back");
    }
  });

  // all on one page: how things stand, each time something was answered
  let running;
  const look = async () => {
    const shown = form();
    if (!shown?.hasAttribute("data-live")) return;
    running?.abort();
    running = new AbortController();
    const body = new URLSearchParams(new FormData(shown));
    body.set("do", "check");
    try {
      const answer = await fetch(shown.action, { method: "POST", body, signal: running.signal, headers: { Accept: "text/html" } });
      if (answer.ok) document.getElementById("standing").innerHTML = await answer.text();
    } catch {
      // another answer came meanwhile, or the service is away: sending will tell
    }
  };
  let waiting;
  document.addEventListener("change", (event) => {
    if (!event.target.closest?.("#form")) return;
    clearTimeout(waiting);
    waiting = setTimeout(look, 250);
  });
})();
