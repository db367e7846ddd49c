// Script for forms: moves the focus, supports the browser's back button, and shows the progress on the page with all questions.
"use strict";
(() => {
  const form = () => document.getElementById("form");

  const press = (what) => {
    const button = form()?.querySelector(`button[name="do"][value="${what}"]:not(.hidden)`);
    if (button) button.click();
    return Boolean(button);
  };

  // A screen reader starts a swapped-in question at its heading, or at its error.
  const focus = () => {
    const wanted = document.querySelector('.urgent-now[role="alert"] h2') ?? document.querySelector(".error-summary") ?? document.querySelector("#main [autofocus]");
    if (!wanted) return;
    wanted.tabIndex = -1;
    wanted.focus();
    window.scrollTo(0, 0);
  };

  // Typing a number unticks "I don't know"; unticking the box restores the number.
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

  // Each question gets a history entry, so the browser's back button leads to the previous question.
  let depth = 0;
  document.addEventListener("htmx:after:swap", () => {
    if (!form() || form().hasAttribute("data-live")) return;
    depth += 1;
    history.pushState({ depth }, "");
    focus();
  });
  document.addEventListener("htmx:before:history:restore", (event) => {
    if (form()) event.preventDefault(); // htmx would fetch the page again and lose the answers
  });
  window.addEventListener("popstate", (event) => {
    const to = event.state?.depth ?? 0;
    if (to < depth && form()) {
      depth = to - 1; // the swap that follows counts one up
      press("back");
    }
  });

  // On the page with all questions: update the progress after each answer.
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
      // A newer answer aborted this request, or the service is away: sending the form shows an error.
    }
  };
  let waiting;
  document.addEventListener("change", (event) => {
    if (!event.target.closest?.("#form")) return;
    clearTimeout(waiting);
    waiting = setTimeout(look, 250);
  });
})();
